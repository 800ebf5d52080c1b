import { clockTolerance } from '../core/token/decision.ts'
import { attemptOf, type RefreshAttempt } from './record.ts'
import { latestTime, type ProgramState } from './state.ts'
import type { VerifiedToken } from './trusted-keys.ts'

const minute = 60
const hour = 3_600
/** A program looks at the clock at least this often, in seconds: computers sleep, and people set clocks. */
export const longestSleep: number = hour

/**
 * A number from 0 to 1 that is the same for a token at every start, and differs between tokens. The last six characters of
 * a `jti` are base32 of a MAC.
 */
function spread(held: VerifiedToken | null): number {
  const digits = [...(held?.claims.jti.slice(-6) ?? '')].map((character) =>
    '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(character),
  )
  return digits.reduce((sum, digit) => (sum + digit) / 32, 0)
}

/**
 * The seconds until a token is refreshed. It is up to a fifth less than asked for, so that clients issued together do not
 * come together. It shrinks towards the token's end, because vendors move ends at the last moment.
 */
function interval(held: VerifiedToken, every: number): number {
  const { iat, exp = Infinity } = held.claims
  const longest = Math.max(5 * minute, Math.min(every, (exp - iat) / 2))
  return Math.floor(longest * (1 - spread(held) / 5))
}

/** The pause after so many failures in a row, in seconds. */
export function waitAfter(failures: number): number {
  return Math.min(hour, minute * 2 ** Math.min(failures - 1, 6))
}

/** Never passes half the way to the token's end, even if the server asks: a license that has ended cannot renew itself. */
function backoff({ at, failures, retryAfter }: RefreshAttempt, held: VerifiedToken | null): number {
  const { exp = Infinity } = held?.claims ?? {}
  const wait = Math.max(retryAfter ?? 0, waitAfter(failures)) * (1 + spread(held) / 5)
  const longest = exp > at ? Math.max(5 * minute, (exp - at) / 2) : Infinity
  return Math.floor(Math.min(wait, longest))
}

/**
 * The time of the next attempt, in seconds since 1970. If the clock is behind, it is now: the response sets that right.
 * `hasErrand`: an activation or a release waits for the server.
 */
export function nextAttempt(state: ProgramState, every: number, now: number, hasErrand: boolean): number {
  const attempt = attemptOf(state.record)
  const { held } = state
  if (held === null && !hasErrand) return Infinity
  const { iat } = held?.claims ?? { iat: 0 }
  const isClockBehind = Math.max(iat, latestTime(state)) > now + clockTolerance
  const due = hasErrand || isClockBehind || held === null ? now : iat + interval(held, every)
  // If the clock is before the last attempt, it was set back: ignore that attempt.
  if (attempt === null || attempt.at > now) return due
  // Somebody may be waiting for the activation, so a day is too long for it.
  if (attempt.outcome === 'refused') return attempt.at + (hasErrand ? Math.min(every, hour) : every)
  // Counts by the program's own clock: a wrong one must not make it ask again and again.
  if (attempt.outcome === 'refreshed' && held !== null) return attempt.at + interval(held, every)
  return Math.max(due, attempt.at + backoff(attempt, held))
}
