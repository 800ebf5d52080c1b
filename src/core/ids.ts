import { TypeID, fromString, toUUID, typeid } from 'typeid-js'

/** The first letters of an id, which name its kind. */
export type IdPrefix = 'app' | 'tier' | 'feat' | 'cus' | 'lic' | 'key' | 'evt' | 'whd'

/** A TypeID's 26 characters after the prefix, in Crockford base32. */
export const typeIdSuffix = '[0-7][0-9a-hjkmnp-tv-z]{25}'
export const appSlugPattern = '^[a-z0-9-]{1,63}$'
/** Slugs of tiers and features. */
export const slugPattern = '^[a-z0-9_]{1,63}$'

/** A UUID (RFC 9562) in any case. */
export const uuidPattern = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

const uuid = new RegExp(uuidPattern)

/** A fresh TypeID: the prefix and a UUIDv7 in Crockford base32. Ids sort by the time they were made. */
export function newTypeId(prefix: IdPrefix): string {
  return typeid(prefix).toString()
}

/** True if `text` is a well-formed TypeID of this prefix. */
export function isTypeId(prefix: IdPrefix, text: string): boolean {
  try {
    fromString(text, prefix)
    return true
  } catch {
    return false
  }
}

export function isUuid(text: string): boolean {
  return uuid.test(text)
}

/** The UUID of a well-formed TypeID, in lower case. */
export function uuidOf(typeId: string): string {
  return toUUID(fromString(typeId))
}

/** The TypeID of an id that is given as TypeID, or as UUID in any case; `null` for any other text. */
export function readId(prefix: IdPrefix, text: string): string | null {
  if (isTypeId(prefix, text)) return text
  return isUuid(text) ? TypeID.fromUUID(prefix, text.toLowerCase()).toString() : null
}

/** SHA-256 (FIPS 180-4) of a text in UTF-8, in lower-case hexadecimal. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
