/** A day of 86,400 seconds. */
export const day = 86_400

/** The last second of the year 9999, in seconds since 1970. */
export const maxInstant = 253_402_300_799

/** A time as whole seconds since 1970. A fraction of a second is cut off. @throws {TypeError} for an invalid `Date`. */
export function secondsOf(time: number | Date): number {
  if (typeof time === 'number') return time
  const seconds = Math.floor(time.getTime() / 1000)
  if (Number.isNaN(seconds)) throw new TypeError('A time must be whole seconds since 1970, or a valid Date')
  return seconds
}
