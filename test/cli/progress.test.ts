import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressOf, progressReported } from '../../src/cli/terminal/progress.ts'

function drawnOn(isTTY: boolean): string {
  let drawn = ''
  const progress = progressOf(1000, { isTTY, write: (text) => (drawn += text) })
  for (let step = 0; step < 640; step++) progress.step()
  progress.end()
  return drawn
}

test('a bar is drawn on a terminal and taken away in the end', () => {
  const drawn = drawnOn(true)
  assert.match(drawn, /^\r\[##\.+\] 6 % of 1,000/)
  assert.equal(drawn.endsWith('\r\u001B[K'), true)
  assert.equal(drawn.includes('\n'), false)
})

test('nothing is drawn where no terminal is', () => {
  assert.equal(drawnOn(false), '')
})

test('work that reports how far it is draws the same bar', () => {
  let drawn = ''
  const progress = progressReported({ isTTY: true, write: (text) => (drawn += text) })
  for (let done = 1; done <= 640; done++) progress.at(done, 1000)
  progress.end()
  assert.equal(drawn, drawnOn(true))
})

test('work that had nothing to report draws nothing', () => {
  let drawn = ''
  progressReported({ isTTY: true, write: (text) => (drawn += text) }).end()
  assert.equal(drawn, '')
})
