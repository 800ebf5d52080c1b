/** Whole seconds since 1970-01-01T00:00:00Z, as in RFC 7519 section 2. */
export type NumericDate = number
