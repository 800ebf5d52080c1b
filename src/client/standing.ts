import {
  clockTolerance,
  decide,
  earliest,
  isPast,
  type Decision,
  type TokenState,
} from '../core/token/decision.ts'

/** How a licensed program stands with its license. */
export type ClientState =
  'active' | 'refresh_due' | 'grace' | 'expired' | 'revoked' | 'invalid' | 'clock_suspect'

/**
 * What to do. `none`: nothing. `refresh`: let the program reach the license server. `renew`: the end date must be moved.
 * `contact`: ask the vendor. `check_clock`: set the computer's clock. `new_token`: enter a license token, or a new one.
 * `update`: update the program, which does not know the server's present key.
 */
export type ClientAction = Decision['action'] | 'new_token' | 'update'

/** What is known in a licensed program. Times are whole seconds since 1970, spans are seconds. */
export interface ProgramFacts {
  /** The verified token; without one the license is `invalid`. */
  readonly token?: TokenState
  /** Why there is no token. */
  readonly problem?: string
  /** Whether there is a token, perhaps a newer one, that cannot be verified before the server's newer keys are here. */
  readonly awaitsKey?: boolean
  /** When the server said that the license is revoked. */
  readonly revokedAt: number | null
  /** What the server last answered when it refused to renew the token. */
  readonly refusal: string | null
  /** Whether the last attempt to reach the server failed. */
  readonly unreachable: boolean
  readonly now: number
  /** The latest instant that is known to have passed. */
  readonly seenAt: number
  readonly refreshEvery: number
  /** How old a token may grow without being renewed; `null` for any age. */
  readonly maxOffline: number | null
  readonly grace: number
}

/** Where a license stands, why, what to do, and when that changes by itself. */
export interface Standing {
  readonly state: ClientState
  /** `null` while the license is good. The server's verification says the same code, but for `offline_too_long`. */
  readonly code: Decision['code'] | 'offline_too_long'
  /** The same in words, for a person. */
  readonly reason: string
  readonly action: ClientAction
  /** From this instant on another state holds, if nothing else happens, in seconds since 1970; `null` for never. */
  readonly changesAt: number | null
}

const told: Readonly<Record<string, readonly [reason: string, action: ClientAction]>> = {
  invalid_token: ['The license server no longer accepts this token: a new one is needed', 'new_token'],
  not_found: ['The license server does not know this license: a new token is needed', 'new_token'],
  token_expired: ['The license server says that the license has expired', 'renew'],
  missing_tier: ['The license has no tier any more and cannot be renewed', 'contact'],
  token_mismatch: ['The license server knows this token by another license id', 'contact'],
  unknown_key: ['The license server signs with a key that this program does not know', 'update'],
  foreign_token: ['The license server has given this license to another installation or program', 'contact'],
}
const otherRefusal = ['The license server refuses to renew the license', 'contact'] as const

/** What the server has said against the token is said, but only a revocation ends it. */
function withRefusal(standing: Standing, refusal: string | null): Standing {
  // Of a token that has ended the server says no more than is known.
  if (refusal === null || refusal === standing.code) return standing
  const [reason, action] = told[refusal] ?? otherRefusal
  return { ...standing, reason, action }
}

/** A license that is no longer good by what can be verified may be so by a token whose key is yet to be fetched. */
function withKeyToCome({ awaitsKey = false }: ProgramFacts, standing: Standing): Standing {
  if (!awaitsKey || standing.code === null) return standing
  const reason = 'The license token is signed with a newer key, yet to be fetched from the license server'
  return { ...standing, reason, action: 'refresh' }
}

function offlineEnd({ token, maxOffline }: ProgramFacts): number | null {
  return token === undefined || maxOffline === null ? null : token.iat + maxOffline
}

function good(facts: ProgramFacts, { reason, validUntil, refreshAfter }: Decision): Standing {
  const { now, unreachable } = facts
  const end = earliest([validUntil, offlineEnd(facts)])
  if (!isPast(refreshAfter, now)) {
    const changesAt = earliest([refreshAfter, end])
    return { state: 'active', code: null, reason, action: 'none', changesAt }
  }
  const due = unreachable
    ? 'The license is active, but its server cannot be reached to refresh it'
    : 'The license is active and due to be refreshed'
  return { state: 'refresh_due', code: null, reason: due, action: 'refresh', changesAt: end }
}

/** After the end of the token, or of the time it may go unseen: first grace, then no more. */
function lapsed(facts: ProgramFacts, cause: Pick<Standing, 'code' | 'reason' | 'action'>): Standing {
  const { token, grace, now, seenAt } = facts
  const end = (earliest([token?.exp, offlineEnd(facts)]) ?? 0) + grace
  if (isPast(end, Math.max(now, seenAt))) return { state: 'expired', ...cause, changesAt: null }
  return { state: 'grace', ...cause, changesAt: end }
}

const ended =
  'The license token has expired: the license must be extended or, if it has been, its new token entered'

/** Whether the token has gone without its server for too long; no clock set back undoes that. */
function isUnseen(facts: ProgramFacts): boolean {
  return isPast(offlineEnd(facts), Math.max(facts.now, facts.seenAt))
}

function judged(facts: ProgramFacts, decision: Decision): Standing {
  const { code, action } = decision
  if (code === 'token_expired') return lapsed(facts, { code, reason: ended, action })
  if (!isUnseen(facts)) return good(facts, decision)
  const unseen = 'The license has not been confirmed by its server for too long'
  return lapsed(facts, { code: 'offline_too_long', reason: unseen, action: 'refresh' })
}

/** From this instant on the clock is credible again: it has caught up with what is known to have passed. */
function clockCatchesUp({ token, seenAt }: ProgramFacts): number {
  return Math.max(token?.iat ?? 0, seenAt) - clockTolerance
}

/**
 * Where a licensed program stands: what {@link decide} says of its token, seen with what only the program knows (how long
 * the server has been silent, what it last refused, and which time has passed already). A pure function.
 */
export function standingOf(facts: ProgramFacts): Standing {
  const { token, revokedAt, problem = 'There is no license token', refusal } = facts
  const license = revokedAt === null ? undefined : { expiresAt: null, revokedAt, minRevision: 0 }
  const decision = decide({ ...facts, ...(license !== undefined && { license }) })
  const { code, reason, action } = decision
  if (license !== undefined) {
    const banned = decide({ license, now: facts.now })
    return {
      state: 'revoked',
      code: banned.code,
      reason: banned.reason,
      action: banned.action,
      changesAt: null,
    }
  }
  if (token === undefined)
    return withKeyToCome(facts, {
      ...({ state: 'invalid', code: 'invalid_token', action: 'new_token', changesAt: null } as const),
      reason: problem,
    })
  if (decision.status === 'clock_suspect' && !isUnseen(facts))
    return { state: 'clock_suspect', code, reason, action, changesAt: clockCatchesUp(facts) }
  return withKeyToCome(facts, withRefusal(judged(facts, decision), refusal))
}
