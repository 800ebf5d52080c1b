import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { inTurn, quantile, ratios, spreadOf } from '../../bench/measure.ts'
import { isMet, type Result } from '../../bench/result.ts'
import { tableOf, withTable } from '../../bench/table.ts'

const result: Result = {
  what: 'Do a thing',
  against: 'a bare thing',
  runtime: 'Bun',
  figure: spreadOf([1.2, 1.5, 1.1]),
  goal: { atMost: 1.3 },
  detail: '12 µs, 10 µs',
}

test('the table stands between the markers of the README, and nothing else changes', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const table = tableOf({ machine: 'two cores', results: [result] })
  const written = withTable(readme, table)
  assert.ok(
    written.includes('| Do a thing | a bare thing | Bun | 1.2 × (1.1 to 1.5) | ≤ 1.3 × | 12 µs, 10 µs |'),
  )
  assert.equal(withTable(written, table), written)
  const [begin = '', end = ''] = [
    readme.split('<!-- bench:begin -->')[0],
    readme.split('<!-- bench:end -->')[1],
  ]
  assert.ok(written.startsWith(begin) && written.endsWith(end))
  assert.throws(() => withTable('no markers', table), /lacks/)
})

test('a goal is held against the median, from the side that it is on', () => {
  assert.equal(isMet(result), true)
  assert.equal(isMet({ ...result, goal: { atMost: 1.19 } }), false)
  assert.equal(isMet({ ...result, goal: { atLeast: 1.21 } }), false)
  assert.equal(isMet({ ...result, figure: spreadOf([]) }), false)
})

test('contenders take turns, the first round does not count, and each round has its own ratio', async () => {
  const calls: string[] = []
  const contender = (name: string) => async () => calls.push(name)
  const figures = await inTurn(2, { ours: contender('ours'), theirs: contender('theirs') })
  assert.deepEqual(calls, ['ours', 'theirs', 'ours', 'theirs', 'ours', 'theirs'])
  assert.deepEqual(figures, { ours: [3, 5], theirs: [4, 6] })
  assert.deepEqual(ratios(figures.ours, figures.theirs), [3 / 4, 5 / 6])
  assert.deepEqual(spreadOf([4, 1, 2]), { median: 2, least: 1, most: 4 })
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5)
})
