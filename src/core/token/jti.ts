import { base32Character, typeIdSuffix } from '../typeid.ts'

/** The content of a `jti`. */
export interface Jti {
  /** The license's id, `lic_…`. */
  readonly licenseId: string
  /** The number of this issue of the license's claims. It rises. */
  readonly revision: number
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const idLength = 'lic_'.length + 26
const form = new RegExp(`^lic_${typeIdSuffix}${base32Character}{32}$`)

/** Lower-case Crockford base32 of bytes whose count is a multiple of five, so that no bit is left over. */
export function toBase32(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 5) {
    // 20 bits at a time, because 40 bits are too many for the operators of bits.
    const middle = bytes[at + 2]!
    text += base32Of((bytes[at]! << 12) | (bytes[at + 1]! << 4) | (middle >> 4))
    text += base32Of(((middle & 15) << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!)
  }
  return text
}

function base32Of(bits: number): string {
  return (
    alphabet[bits >> 15]! + alphabet[(bits >> 10) & 31]! + alphabet[(bits >> 5) & 31]! + alphabet[bits & 31]!
  )
}

/** The value of a digit 0 to 9 or a to f, by its code. */
function nibbleOf(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57
}

/** The bytes under a MAC: 16 of the UUID, then four of the revision, big-endian. */
export function messageOf(uuid: string, revision: number): Uint8Array {
  const digits = uuid.replaceAll('-', '')
  const message = new Uint8Array(20)
  for (let at = 0; at < 16; at++)
    message[at] = (nibbleOf(digits.charCodeAt(2 * at)) << 4) | nibbleOf(digits.charCodeAt(2 * at + 1))
  new DataView(message.buffer).setUint32(16, revision)
  return message
}

/** Reads the form of a `jti`, but does not check its MAC: see {@link makeJti}. `null` for any other text. */
export function readJti(text: string): Jti | null {
  if (!form.test(text)) return null
  let revision = 0
  for (const character of text.slice(idLength, idLength + 7))
    revision = revision * 32 + alphabet.indexOf(character)
  // Seven characters are 35 bits; the revision is the first 32 of them.
  return { licenseId: text.slice(0, idLength), revision: Math.floor(revision / 8) }
}

/**
 * The `jti` of one issue of a license's claims. It is the license's id, then in Crockford base32 the revision (4 bytes,
 * big-endian) and the first 16 bytes of HMAC-SHA-256 (RFC 2104) over UUID and revision, which `hmac` computes.
 */
export function makeJti(hmac: (message: Uint8Array) => Uint8Array, jti: Jti, licenseUuid: string): string {
  const message = messageOf(licenseUuid, jti.revision)
  const bytes = new Uint8Array(20)
  bytes.set(message.subarray(16))
  bytes.set(hmac(message).subarray(0, 16), 4)
  return jti.licenseId + toBase32(bytes)
}
