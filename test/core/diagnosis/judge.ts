import assert from 'node:assert/strict'
import type { Diagnosis } from '../../../src/core/index.ts'
import type { Case } from './case.ts'

/** Checks a diagnosis against its case. */
export function judge(
  given: Diagnosis,
  { name, kind, failing, cause, remedy, warning, candidates = 0 }: Case,
): void {
  const shown = `${name}: ${JSON.stringify(given)}`
  const failed = given.checks.filter(({ state }) => state === 'failed').map(({ check }) => check)
  assert.deepEqual([given.kind, ...failed], [kind, ...(failing === null ? [] : [failing])], shown)
  assert.equal(given.cause, cause, shown)
  if (remedy === null) assert.equal(given.remedy, null, shown)
  else assert.match(given.remedy ?? '', remedy, shown)
  assert.equal(given.candidates.length, candidates, shown)
  assert.equal(given.checks.length === 0, candidates > 0, shown)
  const warnings = given.checks.flatMap(({ facts }) => ('warning' in facts ? [facts['warning']] : []))
  if (warning !== undefined) assert.ok(warnings.includes(warning), shown)
  else assert.deepEqual(warnings, [], shown)
  judgeOrder(given, shown)
}

/** Every check before the failed one passed, and none after it was reached. */
function judgeOrder({ checks, licenseId, app }: Diagnosis, shown: string): void {
  const at = checks.findIndex(({ state }) => state === 'failed')
  checks.forEach(({ state, sentence, facts }, place) => {
    const expected = at === -1 || place < at ? 'passed' : place === at ? 'failed' : 'not_reached'
    assert.equal(state, expected, shown)
    assert.match(sentence, /^[A-Z0-9“].*\.$/s, shown)
    assert.equal(typeof facts['code'], state === 'failed' ? 'string' : 'undefined', shown)
  })
  if (licenseId !== null) assert.notEqual(app, null, shown)
}
