import {
  clockTolerance,
  decide,
  earliest,
  isPast,
  uncovered,
  type Decision,
  type TokenState,
} from '../core/token/decision.ts'

/**
 * The state of a license in the program that it licenses. `refresh_due`: good, but a new token is overdue. `grace`: ended
 * by less than `graceDays`. `clock_suspect`: the computer's clock is behind a time that has passed. `uncovered`: good, but only
 * for versions of the program that were released earlier.
 *
 * @example
 * ```ts
 * import type { ClientState } from 'heartwood/client'
 *
 * const colors: Readonly<Partial<Record<ClientState, string>>> = { grace: 'orange', expired: 'red' }
 * console.log(colors.grace) // orange
 * ```
 */
export type ClientState =
  'active' | 'refresh_due' | 'grace' | 'expired' | 'revoked' | 'invalid' | 'clock_suspect' | 'uncovered'

/**
 * Says what to do about a license. `none`: nothing. `refresh`: let the program reach the license server. `renew`: the
 * vendor must move the end date, or that of the updates. `activate`: enter or confirm the license key. `free_seat`: all seats are
 * taken, so one must be released. `contact`: ask the vendor. `check_clock`: set the computer's clock. `new_token`: enter a
 * license token, or a new one. `update`: update the program, because it does not know the server's present key. Later versions
 * may add actions: show `reason` for an unknown one.
 *
 * @example
 * ```ts
 * import type { ClientAction } from 'heartwood/client'
 *
 * const opensTokenForm = (action: ClientAction): boolean => action === 'new_token'
 * console.log(opensTokenForm('contact')) // false
 * ```
 */
export type ClientAction = Decision['action'] | 'new_token' | 'update' | 'free_seat'

/** The facts of one moment. Times are whole seconds since 1970, spans are seconds. */
export interface ProgramFacts {
  /** The verified token; `null` makes the license `invalid`. */
  readonly token: TokenState | null
  /** Says why there is no token. */
  readonly problem: string
  /**
   * Set if a token, perhaps a newer one, cannot be verified before the server's newer keys are here. `update`: the server's
   * statements do not lead to them.
   */
  readonly keyAdvice: 'refresh' | 'update' | null
  /** The time at which the server said that the license is revoked. */
  readonly revokedAt: number | null
  /** True if it was no revocation, but the seat was given back. */
  readonly released: boolean
  /** The code of the server's last refusal to renew the token. */
  readonly refusal: string | null
  /** True if the program has a license key, by which it activates itself. */
  readonly activates: boolean
  /** True if the last attempt to reach the server failed. */
  readonly unreachable: boolean
  readonly now: number
  /** The latest instant that is known to have passed. */
  readonly seenAt: number
  readonly refreshEvery: number
  /** The age that a token may reach without a renewal; `null` for any age. */
  readonly maxOffline: number | null
  readonly grace: number
  /** The release date of the program; `undefined` covers it by every license. */
  readonly releasedAt: number | undefined
}

/**
 * A license judged at one moment: its state, the reason, what to do, and when that changes by itself.
 *
 * @example
 * ```ts
 * import type { LicenseAssessment } from 'heartwood/client'
 *
 * export const banner = ({ action, reason }: LicenseAssessment): string => (action === 'none' ? '' : reason)
 * ```
 */
export interface LicenseAssessment {
  /** The state that the program's policy is asked about. */
  readonly state: ClientState
  /** `null` while the license is good; otherwise the code of the server's verification, or `offline_too_long`. */
  readonly code: Decision['code'] | 'offline_too_long'
  /** The same as a sentence for a person. */
  readonly reason: string
  /** The step that makes the license good again. */
  readonly action: ClientAction
  /** Another state holds from this instant on, in seconds since 1970; `null` if none follows by itself. */
  readonly changesAt: number | null
}

/** A map, because a code from the store may be a name that every object has, like `constructor`. */
const refusals: ReadonlyMap<string, readonly [reason: string, action: ClientAction]> = new Map([
  ['invalid_token', ['The license server no longer accepts this token: a new token is needed', 'new_token']],
  ['not_found', ['The license server does not know this license: a new token is needed', 'new_token']],
  ['token_expired', ['The license server says that the license has expired', 'renew']],
  ['missing_tier', ['The license has no tier any more', 'contact']],
  ['license_revoked', ['The license has been revoked', 'contact']],
  ['license_released', ['The license gave its seat back', 'activate']],
  ['license_key_revoked', ['The license has been revoked', 'contact']],
  ['license_key_expired', ['The license key has expired', 'renew']],
  ['invalid_license_key', ['The license server does not know this license key', 'activate']],
  ['seat_limit_reached', ['All seats of the license key are taken: release one first', 'free_seat']],
  ['release_limit_reached', ['Only the vendor can release this license', 'contact']],
  ['conflict', ['Only the vendor can release this license', 'contact']],
  ['token_mismatch', ['The license server knows this license by another id', 'contact']],
  ['unknown_key', ['The license server signs with a key that this program does not know', 'update']],
  ['no_such_route', ['The license server has a wrong address', 'contact']],
  ['foreign_token', ['The license server gave this license to another installation', 'contact']],
])
const otherRefusal = ['The license server refuses to renew the license', 'contact'] as const

/** The sentence for a person, and the advice, to a refusal of the server. */
export function adviceTo(refusal: string): readonly [reason: string, action: ClientAction] {
  return refusals.get(refusal) ?? otherRefusal
}

/** Shows the server's refusal, but keeps the license valid: only a revocation ends it. */
function withRefusal(assessment: LicenseAssessment, refusal: string | null): LicenseAssessment {
  // About a token that has ended the server says no more than is known.
  if (refusal === null || refusal === assessment.code) return assessment
  const [reason, action] = adviceTo(refusal)
  return { ...assessment, reason, action }
}

/** A license that has ended may be good by a token whose key is yet to be fetched. */
function withAwaitedKey(facts: ProgramFacts, assessment: LicenseAssessment): LicenseAssessment {
  if (!facts.keyAdvice || assessment.code === null) return assessment
  if (facts.keyAdvice === 'update') return withRefusal(assessment, 'unknown_key')
  const reason = 'The license token is signed with a newer key, yet to be fetched from the license server'
  return { ...assessment, reason, action: 'refresh' }
}

function offlineEnd({ token, maxOffline }: ProgramFacts): number | null {
  return token === null || maxOffline === null ? null : token.iat + maxOffline
}

function assessGood(facts: ProgramFacts, { reason, validUntil, refreshAfter }: Decision): LicenseAssessment {
  const { now, unreachable } = facts
  const end = earliest([validUntil, offlineEnd(facts)])
  if (!isPast(refreshAfter, now)) {
    const changesAt = earliest([refreshAfter, end])
    return { state: 'active', code: null, reason, action: 'none', changesAt }
  }
  const due = unreachable
    ? 'The license is active, but its server cannot be reached'
    : 'The license is active and due to be refreshed'
  return { state: 'refresh_due', code: null, reason: due, action: 'refresh', changesAt: end }
}

type Cause = Pick<LicenseAssessment, 'code' | 'reason' | 'action'>

/** Grace begins once, at the earlier of the token's end and the end of its time offline. */
function graceEnd(facts: ProgramFacts): number | null {
  const end = earliest([facts.token?.exp, offlineEnd(facts)])
  return end === null ? null : end + facts.grace
}

function assessLapsed(facts: ProgramFacts, cause: Cause): LicenseAssessment {
  const { now, seenAt } = facts
  const end = graceEnd(facts)
  if (isPast(end, Math.max(now, seenAt))) return { state: 'expired', ...cause, changesAt: null }
  return { state: 'grace', ...cause, changesAt: end }
}

const ended =
  'The license token has expired: the license must be extended or, if it has been, its new token entered'

/** Counts by the latest time seen, so that no clock set back undoes it. */
function isOfflineTooLong(facts: ProgramFacts): boolean {
  return isPast(offlineEnd(facts), Math.max(facts.now, facts.seenAt))
}

const toActivate = {
  reason: 'The license server is yet to confirm the license key',
  action: 'refresh',
} as const

const endedByClock =
  'This computer’s clock was past the end of the license: set it, then enter a newer token or let the program reach its server'

/** A clock that once ran ahead ends a license too early, and an extension would not help. */
function causeOfEnd({ token, now, seenAt, activates }: ProgramFacts): Cause {
  const isByClock = !isPast(token?.exp, now) && seenAt > now + clockTolerance
  if (activates) return { code: 'token_expired', ...toActivate }
  return isByClock
    ? { code: 'token_expired', reason: endedByClock, action: 'check_clock' }
    : { code: 'token_expired', reason: ended, action: 'renew' }
}

function assessToken(facts: ProgramFacts, decision: Decision): LicenseAssessment {
  if (decision.code === 'token_expired') return assessLapsed(facts, causeOfEnd(facts))
  if (!isOfflineTooLong(facts)) return assessGood(facts, decision)
  const unseen = 'The license has not been confirmed by its server for too long'
  return assessLapsed(facts, { code: 'offline_too_long', reason: unseen, action: 'refresh' })
}

/** A seat that was given back is no blame: the program is as it was before its activation. */
function assessRevoked(revokedAt: number, { now, released }: ProgramFacts): LicenseAssessment {
  const revokedCause = released ? 'released' : null
  const { code, reason, action } = decide({
    license: { expiresAt: null, revokedAt, minRevision: 0, revokedCause },
    now,
  })
  return { state: released ? 'invalid' : 'revoked', code, reason, action, changesAt: null }
}

/** The clock is credible again as soon as it has caught up with the time that is known to have passed. */
function assessClock(facts: ProgramFacts, token: TokenState, decision: Decision): LicenseAssessment {
  const { code, reason, action } = decision
  const changesAt = Math.max(token.iat, facts.seenAt) - clockTolerance
  return { state: 'clock_suspect', code, reason, action, changesAt }
}

/** No grace and no wrong clock makes a version usable that the license does not cover. */
function withCoverage(facts: ProgramFacts, assessment: LicenseAssessment): LicenseAssessment {
  const { token, releasedAt } = facts
  const refusal = token && uncovered({ token, releasedAt })
  if (!refusal || assessment.state === 'expired') return assessment
  const { code, reason, action } = refusal
  return { state: 'uncovered', code, reason, action, changesAt: graceEnd(facts) }
}

/**
 * Judges the license of a program. It adds to {@link decide} the facts that only the program knows: how long the server has
 * been silent, its last refusal, and the time that has already passed. A pure function.
 */
export function assess(facts: ProgramFacts): LicenseAssessment {
  const { token, revokedAt, now, seenAt, refreshEvery, problem: reason } = facts
  if (revokedAt !== null) return assessRevoked(revokedAt, facts)
  if (token === null) {
    const none = { state: 'invalid', code: 'invalid_token', changesAt: null } as const
    if (facts.activates) return withRefusal({ ...none, ...toActivate }, facts.refusal)
    return withAwaitedKey(facts, { ...none, reason, action: 'new_token' })
  }
  const decision = decide({ token, now, seenAt, refreshEvery })
  if (decision.status === 'clock_suspect' && !isOfflineTooLong(facts))
    return withCoverage(facts, assessClock(facts, token, decision))
  const assessment = withRefusal(assessToken(facts, decision), facts.refusal)
  return withAwaitedKey(facts, withCoverage(facts, assessment))
}
