import { clockTolerance } from '../core/token/decision.ts'
import type { Attempt } from './record.ts'
import type { VerifiedToken } from './key-ring.ts'

const minute = 60
const hour = 3_600
/** At least so often a program looks at the clock, in seconds: computers sleep, and clocks are set. */
export const longestSleep: number = hour

/**
 * A number from 0 to 1 that is the same for a token at every start and differs between tokens: the last six characters of
 * a `jti` are base32 of a MAC.
 */
function spread({ claims }: VerifiedToken): number {
  const digits = [...claims.jti.slice(-6)].map((character) =>
    '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(character),
  )
  return digits.reduce((sum, digit) => (sum + digit) / 32, 0)
}

/**
 * How long a token is left alone, in seconds: up to a fifth less than asked, so that clients which were issued together do
 * not come together; and less and less before its end, which a vendor moves at the last moment.
 */
function interval(held: VerifiedToken, every: number): number {
  const { iat, exp = Infinity } = held.claims
  const longest = Math.max(5 * minute, Math.min(every, (exp - iat) / 2))
  return Math.floor(longest * (1 - spread(held) / 5))
}

/** How long to wait after so many failures in a row, in seconds. */
export function waitAfter(failures: number): number {
  return Math.min(hour, minute * 2 ** Math.min(failures - 1, 6))
}

/** Never further than half way to the token's end, whoever asks: a license that has ended cannot renew itself. */
function backoff({ at, failures, retryAfter }: Attempt, held: VerifiedToken): number {
  const { exp = Infinity } = held.claims
  const wait = Math.max(retryAfter ?? 0, waitAfter(failures)) * (1 + spread(held) / 5)
  const longest = exp > at ? Math.max(5 * minute, (exp - at) / 2) : Infinity
  return Math.floor(Math.min(wait, longest))
}

/**
 * When the next attempt is to be made: at once when the clock is behind what has been seen, for the answer sets that right.
 * A clock that shows less than the last attempt's time was set back, and that attempt counts not.
 */
export function nextAttempt(
  held: VerifiedToken,
  attempt: Attempt | null,
  every: number,
  { now, seenAt }: { readonly now: number; readonly seenAt: number },
): number {
  const { iat } = held.claims
  const due = Math.max(iat, seenAt) > now + clockTolerance ? now : iat + interval(held, every)
  if (attempt === null || attempt.at > now) return due
  if (attempt.outcome === 'refused') return attempt.at + every
  // By the program's own clock: one that is wrong must not make it ask again and again.
  if (attempt.outcome === 'refreshed') return attempt.at + interval(held, every)
  return Math.max(due, attempt.at + backoff(attempt, held))
}
