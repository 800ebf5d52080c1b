import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerSide } from './backstage.ts'
import { scenarios } from './scenarios.ts'
import { play } from './stage.ts'

for (const scenario of scenarios)
  test(scenario.name, async () => {
    const { expected, seen } = await play(scenario, new ServerSide())
    assert.deepEqual(seen, expected)
  })
