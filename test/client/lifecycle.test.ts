import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeServer } from './fake-server.ts'
import { allCases } from './succession-cases.ts'
import { runCase } from './test-program.ts'

for (const lifecycleCase of allCases)
  test(lifecycleCase.name, async () => {
    const { expected, observed } = await runCase(lifecycleCase, new FakeServer())
    assert.deepEqual(observed, expected)
  })
