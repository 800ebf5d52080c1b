import assert from 'node:assert/strict'
import type { Said } from './crowd.ts'

/** Numbers of responses by status and code. */
export type Tally = Readonly<Record<string, number>>

export function tallyOf(answers: readonly Said[]): Tally {
  const names = answers.map(({ status, code }) => (code === 'ok' ? String(status) : `${status} ${code}`))
  return Object.fromEntries(
    [...new Set(names)].toSorted().map((name) => [name, names.filter((other) => other === name).length]),
  )
}

/** The tally of responses. Fails if one is none of those that were expected. */
export function assertOnly(answers: readonly Said[], ...expected: string[]): Tally {
  const tally = tallyOf(answers)
  const odd = Object.keys(tally).filter((name) => !expected.includes(name))
  assert.deepEqual(odd, [], JSON.stringify(tally))
  return tally
}
