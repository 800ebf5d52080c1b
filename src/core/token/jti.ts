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
    let group = 0n
    for (const byte of bytes.subarray(at, at + 5)) group = (group << 8n) | BigInt(byte)
    for (let shift = 35n; shift >= 0n; shift -= 5n) text += alphabet[Number((group >> shift) & 31n)]
  }
  return text
}

/** Four bytes, big-endian. */
export function revisionBytes(revision: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, revision)
  return bytes
}

/** The 16 bytes of a UUID. */
export function uuidBytes(uuid: string): Uint8Array {
  return Uint8Array.from(uuid.replaceAll('-', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
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
 * big-endian) and the first 16 bytes of HMAC-SHA-256 (RFC 2104) over UUID and revision.
 */
export async function makeJti(secret: CryptoKey, jti: Jti, licenseUuid: string): Promise<string> {
  const revision = revisionBytes(jti.revision)
  const message = new Uint8Array([...uuidBytes(licenseUuid), ...revision])
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', secret, message)).subarray(0, 16)
  return jti.licenseId + toBase32(new Uint8Array([...revision, ...mac]))
}
