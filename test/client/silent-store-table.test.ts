import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeServer } from './fake-server.ts'
import { withShortWaits } from './fixtures.ts'
import type { LifecycleCase, Observation, ProgramOptions } from './lifecycle-case.ts'
import { lifecycleCases } from './lifecycle-cases.ts'
import { runCase, type CaseResult } from './test-program.ts'

const storeLimit = 5_000

function runWith(changed: ProgramOptions, { options, ...others }: LifecycleCase): Promise<CaseResult> {
  return runCase({ ...others, options: { ...options, ...changed } }, new FakeServer())
}

/**
 * Before a restart the program sees what the table states. After it, the program sees what it would see if every start found
 * an empty store.
 */
async function expectedOf(lifecycleCase: LifecycleCase): Promise<readonly Observation[]> {
  const { expected, observed, starts } = await runWith({ forgets: true }, lifecycleCase)
  return expected.map((stated, at) => (starts[at] === 1 ? stated : observed[at]!))
}

for (const lifecycleCase of lifecycleCases)
  test(`with a store, a read or a write that never answers: ${lifecycleCase.name}`, async () => {
    const expected = await expectedOf(lifecycleCase)
    for (const silent of ['store', 'read', 'write'] as const)
      await withShortWaits(storeLimit, async () => {
        const { observed, store } = await runWith({ silent }, lifecycleCase)
        assert.deepEqual(observed, expected, silent)
        // A store that can be read is not known to be silent before the first write.
        if (silent === 'write') assert.notEqual(store, 'kept')
        else assert.equal(store, 'unavailable', silent)
      })
  })
