/** A day of 86,400 seconds. */
export const day = 86_400

/** The last second of the year 9999, in seconds since 1970. */
export const maxInstant = 253_402_300_799
