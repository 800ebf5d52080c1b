import { uuidOf } from '../ids.ts'
import { isSameText } from '../licenses/check-token.ts'
import { type MacSecret } from '../runtime/crypto.ts'
import type { LicenseKeyRecord } from '../storage/index.ts'
import { messageOf, toBase32 } from '../token/jti.ts'
import { timesAlpha } from './text.ts'

/** The facts from which the text of a license key is derived, beside the app's token secret. */
export interface LicenseKeyFacts {
  /** Seven symbols of Crockford base32 in upper case, by which a license key is found. */
  readonly handle: string
  /** The UUID of the license key's id. */
  readonly uuid: string
  /** The number of this text of the license key. It rises with each roll. */
  readonly revision: number
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const handleLength = 7
/** A `jti`'s MAC is over 20 bytes, so no message with this label can be one of those. */
const label = new TextEncoder().encode('heartwood license-key v1\0')

/** The two check symbols of a Reed-Solomon code (25, 23) over GF(32), whose generator has the roots α and α². */
function checkSymbols(symbols: string): string {
  let [first, second] = [0, 0]
  for (const symbol of symbols) {
    const lead = alphabet.indexOf(symbol) ^ first
    const eightfold = timesAlpha(timesAlpha(timesAlpha(lead)))
    // The generator is (x + α)(x + α²) = x² + 6x + 8.
    first = second ^ timesAlpha(lead) ^ timesAlpha(timesAlpha(lead))
    second = eightfold
  }
  return `${alphabet[first]}${alphabet[second]}`
}

/** A random handle of 35 bits. The storage refuses one that the app has already. */
export function newHandle(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(handleLength))
  return Array.from(bytes, (byte) => alphabet[byte & 31]).join('')
}

/** The handle within the 25 symbols of a license key. */
export function handleOf(symbols: string): string {
  return symbols.slice(0, handleLength)
}

/**
 * Derives the 25 symbols of a license key: the handle, the first 80 bits of HMAC-SHA-256 (RFC 2104) over UUID and revision,
 * and two check symbols.
 */
export function deriveLicenseKey(secret: MacSecret, { handle, uuid, revision }: LicenseKeyFacts): string {
  const message = new Uint8Array([...label, ...messageOf(uuid, revision)])
  const mac = secret.mac(message).subarray(0, 10)
  const symbols = handle + toBase32(mac).toUpperCase()
  return symbols + checkSymbols(symbols)
}

/** True if 25 symbols are the license key of these facts. The time that it takes tells nothing of the MAC. */
export function isLicenseKeyOf(secret: MacSecret, symbols: string, facts: LicenseKeyFacts): boolean {
  return isSameText(deriveLicenseKey(secret, facts), symbols)
}

/** A license key, as far as its texts go. */
type TextSource = Pick<LicenseKeyRecord, 'id' | 'handle' | 'keyRevision'>

/** A license key that nobody has. */
const decoy: TextSource = { id: 'lkey_00000000007008000000000000', handle: '0000000', keyRevision: 1 }

/**
 * The revision whose text these 25 symbols are: the newest of the license key, or the one before. Otherwise `null`. It derives
 * and compares two texts in any case, so that its time does not tell a stranger which handles exist.
 *
 * @param key The license key with the handle of the symbols; `null` if there is none.
 */
export function revisionOf(secret: MacSecret, symbols: string, key: TextSource | null): number | null {
  const { id, handle, keyRevision: revision } = key ?? decoy
  const uuid = uuidOf(id)
  const isNewest = isLicenseKeyOf(secret, symbols, { handle, uuid, revision })
  const isPrevious = isLicenseKeyOf(secret, symbols, { handle, uuid, revision: revision - 1 })
  if (key === null) return null
  return isNewest ? revision : isPrevious ? revision - 1 : null
}
