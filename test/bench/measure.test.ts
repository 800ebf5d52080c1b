import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureInTurn, quantile, ratios, spreadOf } from '../../bench/measure.ts'

test('measureInTurn(): contenders take turns, the first round does not count, and each round has its own ratio', async () => {
  const calls: string[] = []
  const contender = (name: string) => async () => calls.push(name)
  const figures = await measureInTurn(2, { ours: contender('ours'), theirs: contender('theirs') })
  assert.deepEqual(calls, ['ours', 'theirs', 'ours', 'theirs', 'ours', 'theirs'])
  assert.deepEqual(figures, { ours: [3, 5], theirs: [4, 6] })
  assert.deepEqual(ratios(figures.ours, figures.theirs), [3 / 4, 5 / 6])
  assert.deepEqual(spreadOf([4, 1, 2]), { median: 2, least: 1, most: 4 })
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5)
})
