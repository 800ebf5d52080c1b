import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressBar } from '../../src/cli/terminal/progress.ts'

/** Returns the text that a bar draws while it is updated from the first to the last of these counts. */
function drawnOn(isTTY: boolean, first = 1, last = 640): string {
  let drawn = ''
  const progress = progressBar({ isTTY, write: (text) => (drawn += text) })
  for (let done = first; done <= last; done++) progress.update(done, 1000)
  progress.end()
  return drawn
}

test('progressBar(): draws on a terminal and removes the bar at the end', () => {
  const drawn = drawnOn(true)
  assert.match(drawn, /^\r\[##\.+\] 6 % of 1,000/)
  assert.equal(drawn.endsWith('\r\u001B[K'), true)
  assert.equal(drawn.includes('\n'), false)
})

test('progressBar(): draws nothing if the screen is not a terminal', () => {
  assert.equal(drawnOn(false), '')
})

test('progressBar(): draws the count that it is given, not the number of calls', () => {
  const half = `${'#'.repeat(15)}${'.'.repeat(15)}`
  assert.equal(drawnOn(true, 437, 500), `\r[${half}] 50 % of 1,000\r\u001B[K`)
})

test('progressBar(): draws nothing without an update', () => {
  assert.equal(drawnOn(true, 1, 0), '')
})
