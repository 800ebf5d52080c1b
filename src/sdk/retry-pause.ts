import { pause, type Limit } from './limit.ts'

/** The time and the chance of the pauses between attempts. Tests have their own. */
export interface Pacing {
  readonly pause: (milliseconds: number, limit: Limit) => Promise<void>
  readonly random: () => number
}

export const pacing: Pacing = { pause, random: Math.random }

/** Milliseconds before the second attempt. Each further pause may be twice as long. */
const firstPause = 500
const longestPause = 8_000

/** The pause that a server asks for in milliseconds; `null` if it asks for none (RFC 9110 section 10.2.3). */
function askedPause(headers: Headers | null): number | null {
  const asked = headers?.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(asked)) return Number(asked) * 1000
  // Otherwise some engines would read `-5` as a date.
  const until = Date.parse(/^[A-Z]/.test(asked) ? asked : '')
  if (Number.isNaN(until)) return null
  // The server's own time, because the clock of this machine may differ.
  const now = Date.parse(headers?.get('date') ?? '')
  return Math.max(0, until - (Number.isNaN(now) ? Date.now() : now))
}

/** Milliseconds before the next attempt. They differ at random, so that a crowd of callers does not come back at once. */
export function retryPause(attempt: number, headers: Headers | null, random: () => number): number {
  const most = Math.min(longestPause, firstPause * 2 ** attempt)
  const asked = askedPause(headers)
  return asked === null ? most / 2 + (random() * most) / 2 : asked + random() * most
}
