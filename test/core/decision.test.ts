import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, type Decision, type Facts, type LicenseState } from '../../src/core/index.ts'

const now = 1_000_000_000
const day = 86_400
const row: LicenseState = { expiresAt: now + 10 * day, revokedAt: null, minRevision: 1 }
const endless: LicenseState = { ...row, expiresAt: null }
const revoked: LicenseState = { ...row, revokedAt: now - 1 }
const expired: LicenseState = { ...row, expiresAt: now }
const token = { iat: now, exp: now + 10 * day }

type Verdict = readonly [status: Decision['status'], code: Decision['code'], action: Decision['action']]

const good: Verdict = ['active', null, 'none']
const stale: Verdict = ['expired', 'token_expired', 'renew']
const banned: Verdict = ['revoked', 'license_revoked', 'contact']

/** Facts and their verdict. `now` is always the same. */
const cases: readonly (readonly [what: string, facts: Omit<Facts, 'now'>, verdict: Verdict])[] = [
  ['nothing but a good token', { token }, good],
  ['nothing but a good record', { license: row }, good],
  ['both', { token, license: row }, good],
  ['neither end', { token: { iat: now }, license: endless }, good],
  ['a token that ends at this second', { token: { iat: now - 1, exp: now } }, stale],
  ['a token that ends one second from now', { token: { iat: now, exp: now + 1 } }, good],
  ['a token whose end is the beginning of time', { token: { iat: now, exp: 0 } }, stale],
  ['a record that ends at this second', { license: expired }, stale],
  ['a record that ends one second from now', { license: { ...row, expiresAt: now + 1 } }, good],
  ['a good token of a license that was shortened', { token, license: expired }, stale],
  ['an old token of a license that was extended', { token: { iat: 1, exp: now - 1 }, license: row }, stale],
  ['a token without end of a license that ended', { token: { iat: now }, license: expired }, stale],
  ['a revoked record', { license: revoked }, banned],
  ['a good token of a revoked license', { token, license: revoked }, banned],
  ['a revoked record that has also ended', { license: { ...expired, revokedAt: 1 } }, banned],
  ['revoked by the second before last', { license: { ...row, revokedAt: 0 } }, banned],
  // The documented order has the token's end before the revocation.
  [
    'an expired token of a revoked license',
    { token: { iat: 1, exp: 2 }, license: revoked },
    ['revoked', 'token_expired', 'renew'],
  ],
  ['a token from as far ahead as clocks may differ', { token: { ...token, iat: now + 300 } }, good],
  [
    'a token from further ahead',
    { token: { ...token, iat: now + 301 } },
    ['clock_suspect', 'invalid_token', 'check_clock'],
  ],
  ['a clock set back by as much as clocks may differ', { token, seenAt: now + 300 }, good],
  [
    'a clock set back further',
    { token, license: row, seenAt: now + 301 },
    ['clock_suspect', 'invalid_token', 'check_clock'],
  ],
  [
    'a token that had ended before the clock was set back',
    { token: { iat: now, exp: now + 9 }, seenAt: now + 9 },
    stale,
  ],
  ['a record that had ended before it', { license: { ...row, expiresAt: now + 9 }, seenAt: now + 9 }, stale],
  ['a seen time that the clock has left behind', { token: { iat: 1, exp: now + 1 }, seenAt: now - 9 }, good],
  [
    'a token from further ahead, to its issuer',
    { token: { ...token, iat: now + day }, isIssuer: true },
    good,
  ],
  [
    'an ended token from further ahead, to its issuer',
    { token: { iat: now + day, exp: now }, isIssuer: true },
    stale,
  ],
  [
    'an invalidated revision from further ahead, to its issuer',
    { token: { iat: now + day }, license: { ...row, minRevision: 3 }, revision: 2, isIssuer: true },
    ['active', 'invalid_token', 'contact'],
  ],
  [
    'an invalidated revision',
    { license: { ...row, minRevision: 3 }, revision: 2 },
    ['active', 'invalid_token', 'contact'],
  ],
  ['the lowest revision that counts', { license: { ...row, minRevision: 3 }, revision: 3 }, good],
  ['a later revision', { license: { ...row, minRevision: 3 }, revision: 4_294_967_295 }, good],
  ['no revision shown', { license: { ...row, minRevision: 3 } }, good],
  [
    'an invalidated revision of a revoked license',
    { license: { ...revoked, minRevision: 3 }, revision: 2 },
    ['revoked', 'invalid_token', 'contact'],
  ],
]

test('decide(): validity, status, code and action follow from token, record and time', () => {
  for (const [what, facts, verdict] of cases) {
    const { valid, status, code, action, reason } = decide({ ...facts, now })
    assert.deepEqual([status, code, action], verdict, what)
    assert.equal(valid, code === null, what)
    assert.ok(reason.length > 0, what)
  }
})

test('decide(): says until when it holds, by the earlier end, and when to ask for a new token', () => {
  const ends: readonly (readonly [Omit<Facts, 'now'>, number | null, number | null])[] = [
    [{ license: row }, now + 10 * day, null],
    [{ license: endless }, null, null],
    [{ token }, now + 10 * day, now + day],
    [{ token: { iat: now } }, null, now + day],
    [{ token: { iat: now, exp: now + 60 } }, now + 60, now + 60],
    [{ token, license: { ...row, expiresAt: now + 60 } }, now + 60, now + 60],
    [{ token: { iat: now, exp: now + 60 }, license: endless }, now + 60, now + 60],
    [{ token: { iat: now - 5 * day }, license: endless }, null, now - 4 * day],
    [{ license: expired }, null, null],
    [{ token, license: revoked }, null, null],
  ]
  for (const [facts, validUntil, refreshAfter] of ends) {
    const decision = decide({ ...facts, now })
    assert.deepEqual(
      [decision.validUntil, decision.refreshAfter],
      [validUntil, refreshAfter],
      JSON.stringify(facts),
    )
  }
})

test('decide(): holds until the second that it names, and not a second longer', () => {
  for (const [what, facts] of cases) {
    const { validUntil } = decide({ ...facts, now })
    if (validUntil === null) continue
    assert.equal(decide({ ...facts, now: validUntil - 1 }).valid, true, what)
    assert.equal(decide({ ...facts, now: validUntil }).valid, false, what)
  }
})

test('decide(): takes a Date for a time, and refuses an invalid one', () => {
  const later = (seconds: number): Date => new Date((now + seconds) * 1000 + 999)
  for (const [what, facts] of cases)
    assert.deepEqual(decide({ ...facts, now: later(0) }), decide({ ...facts, now }), what)
  assert.equal(decide({ now, seenAt: later(day) }).action, 'check_clock')
  assert.throws(() => decide({ now: new Date(NaN) }), TypeError)
  assert.throws(() => decide({ now, seenAt: new Date(NaN) }), TypeError)
})
