import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvOf } from '../../dashboard/csv.ts'

const formulas = [
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '\n=1',
  ' =1+1',
  '\u00a0=1',
  '＝1+1',
  '＋1',
  '－1',
  '＠x',
]

test('a CSV: no text of a customer is a formula, whatever stands before its sign', () => {
  for (const text of formulas) assert.match(csvOf([[text, 'x']]), /^"?'/, JSON.stringify(text))
  assert.equal(csvOf([['Ada = Bob', 'a,b', 'say "x"', null, 7]]), 'Ada = Bob,"a,b","say ""x""",,7\r\n')
})
