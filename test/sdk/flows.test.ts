import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flows, inWords, runFlows, type Runtime } from '../../scripts/flows.ts'

/** Tests that only licensing in its own process can pass. Each gives its reason to `inProcessAlone`. */
const leftOut: Readonly<Record<string, number>> = {
  'test/core/api-key-rules.test.ts': 1,
  'test/core/rotation.test.ts': 1,
}

const runtime: Runtime = 'Bun' in globalThis ? 'Bun' : 'Deno' in globalThis ? 'Deno' : 'Node'
const results = runFlows(runtime, 'over HTTP')

for (const file of flows)
  test(`${file}: passes with licensing over HTTP`, () => {
    const result = results.get(file)!
    assert.equal(result.failed, 0, inWords(result))
    assert.ok(result.passed > 0)
    assert.equal(result.skipped, leftOut[file] ?? 0, inWords(result))
  })
