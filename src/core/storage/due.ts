import type { NumericDate } from './numeric-date.ts'

/** Longer than any pause or lease, in seconds: what is due further ahead was written by a clock that ran ahead. */
export const furthestDue: number = 2 * 86_400

/** Whether a delivery is to be sent as of `now`: its time has come, or is one that no clock that is right has set. */
export function isDue(dueAt: NumericDate, now: NumericDate): boolean {
  return dueAt <= now || dueAt > now + furthestDue
}
