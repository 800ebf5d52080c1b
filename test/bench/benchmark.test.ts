import assert from 'node:assert/strict'
import { test } from 'node:test'
import { effortFor, fullEffort, quickEffort } from '../../bench/benchmark.ts'

test('effortFor(): Bun with SQLite gets all licenses and rounds, and every other platform gets fewer', () => {
  const [onBun, onNode] = [{ runtime: 'Bun' } as const, { runtime: 'Node', database: 'SQLite' } as const]
  const fewer = { ...fullEffort, licenses: 100_000, rounds: 5 }
  assert.deepEqual(effortFor(onBun, fullEffort), fullEffort)
  assert.deepEqual(effortFor({ ...onBun, database: 'PostgreSQL' }, fullEffort), fewer)
  assert.deepEqual(effortFor(onNode, fullEffort), fewer)
  assert.deepEqual(effortFor(onNode, quickEffort), { ...quickEffort, licenses: 10_000 })
})
