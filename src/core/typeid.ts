/** A character of Crockford base32 in lower case, as a pattern. */
export const base32Character = '[0-9a-hjkmnp-tv-z]'

/**
 * A TypeID's 26 characters after the prefix. They spell a UUID by RFC 9562, and not any 128 bits: the 11th character holds
 * the version, 1 to 8, and the 14th the variant.
 */
export const typeIdSuffix: string = `[0-7]${base32Character}{9}[2-9a-h]${base32Character}{2}[89abr-tv]${base32Character}{12}`
