import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestServer as createServerOf010 } from '../vectors/own/test-server-0.1.0.js'
import { FakeServer } from './fake-server.ts'
import { lifecycleCases } from './lifecycle-cases.ts'
import { runCase } from './test-program.ts'

for (const lifecycleCase of lifecycleCases)
  test(`client of this version, server 0.1.0: ${lifecycleCase.name}`, async () => {
    const server = new FakeServer('http://localhost', [], createServerOf010)
    const { expected, observed } = await runCase(lifecycleCase, server)
    assert.deepEqual(observed, expected)
  })
