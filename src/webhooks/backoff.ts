/** What was said and when to come back, in words and whole seconds. */
export interface Backoff {
  /** The pauses between attempts, in seconds. */
  readonly pauses: readonly number[]
  /** A number from 0 up to 1. */
  readonly random: () => number
}

/** Ten attempts over some 75 hours. */
export const defaultPauses: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

const day = 86_400

/** The seconds that a `Retry-After` asks for (RFC 9110 section 10.2.3), a day at most; 0 for what is none. */
export function retryAfterSeconds(header: string | null, now: number): number {
  if (header === null) return 0
  // Date.parse would take `-5` for a date; every form of an HTTP date begins with the day's name.
  const date = /^[A-Z][a-z]{2}/.test(header) ? Date.parse(header) / 1000 - now : NaN
  const seconds = /^\d{1,10}$/.test(header.trim()) ? Number(header) : date
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 0), day) : 0
}

/**
 * The pause after an attempt, a tenth shorter or longer, so that events which failed together do not come back together;
 * `null` after the last.
 */
export function pauseAfter(attempts: number, { pauses, random }: Backoff, atLeast: number): number | null {
  const pause = pauses[attempts - 1]
  if (pause === undefined) return null
  return Math.max(Math.round(pause * (0.9 + 0.2 * random())), atLeast)
}
