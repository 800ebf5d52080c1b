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
 * When to ask for a new token: up to a fifth before the token is due, so that clients which were issued together do not
 * come together; and more and more often before its end, which a vendor moves at the last moment.
 */
export function refreshTime(held: VerifiedToken, every: number): number {
  const { iat, exp = Infinity } = held.claims
  const interval = Math.max(5 * minute, Math.min(every, (exp - iat) / 2))
  return iat + Math.floor(interval * (1 - spread(held) / 5))
}

function waitAfter({ outcome, failures, retryAfter }: Attempt, held: VerifiedToken, every: number): number {
  if (outcome === 'refused') return every
  if (outcome === 'refreshed') return 0
  const backoff = Math.min(hour, minute * 2 ** Math.min(failures - 1, 6))
  return Math.floor(Math.max(retryAfter ?? 0, backoff) * (1 + spread(held) / 5))
}

/** When the next attempt is to be made. A clock that shows less than the last attempt's time was set back, and counts not. */
export function nextAttempt(
  held: VerifiedToken,
  attempt: Attempt | null,
  every: number,
  now: number,
): number {
  const due = held.claims.iat > now ? now : refreshTime(held, every)
  if (attempt === null || attempt.at > now) return due
  return Math.max(due, attempt.at + waitAfter(attempt, held, every))
}
