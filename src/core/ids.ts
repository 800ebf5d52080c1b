import { TypeID, typeid } from 'typeid-js'
import { typeIdSuffix } from './typeid.ts'

/** The first letters of an id, which name its kind. */
export type IdPrefix = 'app' | 'tier' | 'feat' | 'cus' | 'lic' | 'lkey' | 'key' | 'evt' | 'whd'

export const appSlugPattern = '^[a-z0-9-]{1,63}$'
/** Slugs of tiers and features. */
export const slugPattern = '^[a-z0-9_]{1,63}$'

/** A UUID (RFC 9562) in any case. */
export const uuidPattern = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

const uuid = new RegExp(uuidPattern)
const typeId = new RegExp(`^([a-z]+)_${typeIdSuffix}$`)

/** A fresh TypeID: the prefix and a UUIDv7 in Crockford base32. Ids sort by the time they were made. */
export function newTypeId(prefix: IdPrefix): string {
  return typeid(prefix).toString()
}

/** True if `text` is a well-formed TypeID of this prefix. Routes, cursors, imports and doctor all ask for this form. */
export function isTypeId(prefix: IdPrefix, text: string): boolean {
  return typeId.exec(text)?.[1] === prefix
}

export function isUuid(text: string): boolean {
  return uuid.test(text)
}

/** The UUID of a TypeID, in lower case. It takes any 128 bits, so that one bad record never spoils a list. */
export function uuidOf(id: string): string {
  const digits = Array.from(TypeID.fromString(id).toUUIDBytes(), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The TypeID of an id that is given as TypeID, or as UUID in any case; `null` for any other text. */
export function readId(prefix: IdPrefix, text: string): string | null {
  const id = isUuid(text) ? TypeID.fromUUID(prefix, text.toLowerCase()).toString() : text
  return isTypeId(prefix, id) ? id : null
}

/** SHA-256 (FIPS 180-4) of a text in UTF-8, in lower-case hexadecimal. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
