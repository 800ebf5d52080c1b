/** The pauses between the attempts at one event. */
export interface RetrySchedule {
  /** In seconds. The number of attempts is one more than the number of pauses. */
  readonly pauses: readonly number[]
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number
}

/** Ten attempts within about 75 hours. */
export const defaultPauses: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

const day = 86_400

/** Reads a `Retry-After` header (RFC 9110, section 10.2.3) as seconds, one day at most. Returns 0 for any other text. */
export function retryAfterSeconds(header: string | null, now: number): number {
  if (header === null) return 0
  // `Date.parse` would accept `-5`, but every HTTP date begins with the name of a day.
  const date = /^[A-Z][a-z]{2}/.test(header) ? Date.parse(header) / 1000 - now : NaN
  const seconds = /^\d{1,10}$/.test(header.trim()) ? Number(header) : date
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 0), day) : 0
}

/**
 * The pause in seconds after this many attempts, or `null` after the last one. The pause is up to a tenth shorter or
 * longer, so that events that failed together do not return together.
 */
export function pauseAfter(
  attempts: number,
  { pauses, random }: RetrySchedule,
  atLeast: number,
): number | null {
  const pause = pauses[attempts - 1]
  if (pause === undefined) return null
  return Math.max(Math.round(pause * (0.9 + 0.2 * random())), atLeast)
}
