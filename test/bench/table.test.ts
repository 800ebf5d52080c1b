import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { spreadOf } from '../../bench/measure.ts'
import { isMet } from '../../bench/result.ts'
import {
  countOf,
  highlightsOf,
  lastReport,
  lineOf,
  pagesOf,
  replaceRows,
  type Row,
  tableOf,
  withTable,
} from '../../bench/table.ts'

const result: Row = {
  benchmark: 'thing',
  measuredOn: '2026-11-30',
  what: 'Do a thing',
  against: 'a bare thing',
  runtime: 'Bun',
  figure: spreadOf([1.2, 1.5, 1.1]),
  goal: { atMost: 1.3 },
  detail: '12 µs, 10 µs',
}

test('withTable(): replaces the text between the markers of a page, and only that', () => {
  const page = readFileSync(new URL('../../docs/benchmarks.md', import.meta.url), 'utf8')
  const table = tableOf({ machine: 'two cores', results: [result] })
  const written = withTable(page, table)
  assert.ok(
    written.includes('| Do a thing | a bare thing | Bun | 1.2 × (1.1 to 1.5) | ≤ 1.3 × | 12 µs, 10 µs |'),
  )
  assert.equal(withTable(written, table), written)
  const [begin = '', end = ''] = [page.split('<!-- bench:begin -->')[0], page.split('<!-- bench:end -->')[1]]
  assert.ok(written.startsWith(begin) && written.endsWith(end))
  assert.throws(() => withTable('no markers', table), /lacks/)
})

test('tableOf(): marks and counts every missed goal', () => {
  const { goal, ...free } = result
  const missed = { ...result, goal: { atMost: 1.19 } }
  const table = tableOf({ machine: 'two cores', results: [result, missed, missed, free] })
  assert.equal(goal, result.goal)
  assert.equal(table.split('**missed**').length - 1, 2)
  assert.ok(table.startsWith('4 rows, 3 with a goal, 2 of them missed.\n'))
})

test('tableOf(): tells between which days its rows were measured', () => {
  const earlier = { ...result, measuredOn: '2026-11-28' }
  assert.match(tableOf({ machine: 'two cores', results: [result] }), /on two cores, on 2026-11-30\.$/)
  assert.match(
    tableOf({ machine: 'two cores', results: [result, earlier] }),
    /on two cores, from 2026-11-28 to 2026-11-30\.$/,
  )
})

test('replaceRows(): a run replaces the rows of its benchmark on its platform, and no others', () => {
  const onNode: Row = { ...result, runtime: 'Node' }
  const other: Row = { ...result, benchmark: 'another' }
  const [old, gone]: [Row, Row] = [
    { ...result, what: 'Do an old thing' },
    { ...result, benchmark: 'gone' },
  ]
  assert.deepEqual(replaceRows([other, old, onNode, gone], [result], ['thing', 'another']), [
    onNode,
    result,
    other,
  ])
})

test('lineOf() and countOf(): a row of too small a run is named, and counts as neither met nor missed', () => {
  const small = { ...result, goal: { atMost: 1 }, isTooSmall: true }
  assert.match(lineOf(small), /goal ≤ 1\.0 ×: too small a run to be judged;/)
  assert.equal(countOf([result, small]), '2 rows, 2 with a goal, 0 of them missed, 1 too small to be judged')
  assert.match(lineOf({ ...small, isTooSmall: false }), /: MISSED;/)
})

test('highlightsOf(): throws for results without the rows of the README', () => {
  assert.throws(
    () => highlightsOf({ machine: 'two cores', results: [result] }),
    /0 rows begin with "Rotate the keys"/,
  )
})

test('README.md and docs/benchmarks.md show the last results; if not, run npm run bench -- --pages', async () => {
  const report = await lastReport()
  for (const [file, text] of await pagesOf(report)) {
    assert.equal(readFileSync(file, 'utf8'), text)
    assert.ok(text.includes(countOf(report.results)))
  }
})

test('isMet(): the median decides, and the goal is a least or a greatest value', () => {
  assert.equal(isMet(result), true)
  assert.equal(isMet({ ...result, goal: { atMost: 1.19 } }), false)
  assert.equal(isMet({ ...result, goal: { atLeast: 1.21 } }), false)
  assert.equal(isMet({ ...result, figure: spreadOf([]) }), false)
})
