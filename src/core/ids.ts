import { TypeID, typeidUnboxed } from 'typeid-js'
import { base32Character, typeIdSuffix } from './typeid.ts'

/** The first letters of an id, which name its kind. */
export type IdPrefix = 'app' | 'tier' | 'feat' | 'cus' | 'lic' | 'lkey' | 'key' | 'evt' | 'whd' | 'aud'

export const appSlugPattern = '^[a-z0-9-]{1,63}$'
/** Slugs of tiers and features. */
export const slugPattern = '^[a-z0-9_]{1,63}$'

/** A UUID (RFC 9562) in any case. */
export const uuidPattern = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

const uuid = new RegExp(uuidPattern)
const typeId = new RegExp(`^([a-z]+)_${typeIdSuffix}$`)

/** A fresh TypeID: the prefix and a UUIDv7 in Crockford base32. Ids sort by the time they were made. */
export function newTypeId(prefix: IdPrefix): string {
  return typeidUnboxed(prefix)
}

/** True if `text` is a well-formed TypeID of this prefix. Routes, cursors, imports and doctor all ask for this form. */
export function isTypeId(prefix: IdPrefix, text: string): boolean {
  return typeId.exec(text)?.[1] === prefix
}

export function isUuid(text: string): boolean {
  return uuid.test(text)
}

const anyTypeId = new RegExp(`_[0-7]${base32Character}{25}$`)
const base32 = '0123456789abcdefghjkmnpqrstvwxyz'
/** The five bits of a character, by its code. */
const fiveBits = Uint8Array.from({ length: 128 }, (_, code) => base32.indexOf(String.fromCharCode(code)))
/** The two digits of a byte. */
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The 16 bytes of the last 26 characters of an id. */
function bytesOf(id: string): Uint8Array {
  const bytes = new Uint8Array(16)
  const start = id.length - 26
  // The first character has three bits, and the other 25 have five.
  let [bits, count, at] = [fiveBits[id.charCodeAt(start)]!, 3, 0]
  for (let next = start + 1; next < id.length; next++) {
    bits = (bits << 5) | fiveBits[id.charCodeAt(next)]!
    count += 5
    if (count < 8) continue
    count -= 8
    bytes[at++] = bits >> count
    bits &= (1 << count) - 1
  }
  return bytes
}

function hexOf(bytes: Uint8Array, from = 0, to: number = bytes.length): string {
  let text = ''
  for (let at = from; at < to; at++) text += hex[bytes[at]!]!
  return text
}

/**
 * The UUID of a TypeID, in lower case. It takes any 128 bits, so that one bad record never spoils a list. The package takes ten
 * times as long, which was a tenth of the verification of a token.
 */
export function uuidOf(id: string): string {
  // The package has the error for every other text.
  if (!anyTypeId.test(id)) return TypeID.fromString(id).toUUID()
  const bytes = bytesOf(id)
  const digits = (from: number, to: number): string => hexOf(bytes, from, to)
  return `${digits(0, 4)}-${digits(4, 6)}-${digits(6, 8)}-${digits(8, 10)}-${digits(10, 16)}`
}

/** The TypeID of an id that is given as TypeID, or as UUID in any case; `null` for any other text. */
export function readId(prefix: IdPrefix, text: string): string | null {
  const id = isUuid(text) ? TypeID.fromUUID(prefix, text.toLowerCase()).toString() : text
  return isTypeId(prefix, id) ? id : null
}

/** SHA-256 (FIPS 180-4) of a text in UTF-8, in lower-case hexadecimal. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return hexOf(new Uint8Array(digest))
}
