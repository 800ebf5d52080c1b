import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeServer } from './fake-server.ts'
import { lifecycleCases } from './lifecycle-cases.ts'
import { runCase } from './test-program.ts'

for (const lifecycleCase of lifecycleCases)
  test(lifecycleCase.name, async () => {
    const { expected, observed } = await runCase(lifecycleCase, new FakeServer())
    assert.deepEqual(observed, expected)
  })
