import { isApiKeySecret } from './api-keys/secret.ts'
import { isUuid } from './ids.ts'
import { hasRightCheckSymbols, readLicenseKey } from './license-keys/text.ts'

/** A secret that somebody pasted in place of what a customer holds. No part of it may go anywhere, but for its last four. */
export interface PastedSecret {
  readonly kind: 'private_key' | 'api_key' | 'webhook_secret'
  /** The type of an API key. */
  readonly type?: 'sk' | 'pk'
  /** The mode of an API key. */
  readonly mode?: 'live' | 'test'
  /** True if an API key is whole, by its checksum. */
  readonly isWhole?: boolean
  /** The last four characters of a whole API key, as every list of keys shows them. */
  readonly lastFour?: string
}

/** The beginning of a token in base64url, `{"`, and enough of it that no name has it by chance. */
export const tokenBegin: RegExp = /(?<![0-9A-Za-z])eyJ[\w-]{8}/
const privateKey = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/
/** People's programs may have put a secret into capitals. Then it is not whole, but it is one. */
const apiKey = /(?<![0-9A-Za-z])([sp]k)_(live|test)_[0-9A-Za-z]*/gi
const webhookSecret = /(?<![0-9A-Za-z])whsec_[\w+/=]/i
/** Five groups of five symbols, from any group on. People set dashes, dots, blanks and line breaks between them. */
const groups = /(?<![0-9A-Z])(?=((?:[0-9A-Z]{5}[^0-9A-Z]{1,3}){4}[0-9A-Z]{5})(?![0-9A-Z]))/g
/** Places of a text that are looked at, so that a long one costs no more than a mail does. */
const maxPlaces = 500

/** Characters without a glyph, and what becomes of a byte order mark that was read as UTF-8. */
const unseen = /[\p{Cf}\uFFFD]+/gu

/** The text without what is invisible. Mail and chat may set that into a secret. */
export function withoutUnseen(text: string): string {
  return text.replace(unseen, '')
}

function apiKeyIn(text: string, type: 'sk' | 'pk'): PastedSecret | null {
  for (const [found, prefix = '', mode = ''] of text.matchAll(apiKey)) {
    if (prefix.toLowerCase() !== type) continue
    const isWhole = isApiKeySecret(found)
    const lastFour = isWhole ? { lastFour: found.slice(-4) } : {}
    return { kind: 'api_key', type, mode: mode.toLowerCase() as 'live' | 'test', isWhole, ...lastFour }
  }
  return null
}

/** The worst secret of a vendor in a text; `null` if it holds none. */
export function secretIn(text: string): PastedSecret | null {
  if (privateKey.test(text)) return { kind: 'private_key' }
  const secretKey = apiKeyIn(text, 'sk')
  if (secretKey !== null) return secretKey
  if (webhookSecret.test(text)) return { kind: 'webhook_secret' }
  return apiKeyIn(text, 'pk')
}

function isKeySymbols(text: string): boolean {
  const symbols = readLicenseKey(text)
  return symbols !== null && hasRightCheckSymbols(symbols)
}

/** Five words of five letters are no license key. Of 500 license keys, one has digits in no two groups. */
function isKeyGroups(part: string): boolean {
  const withDigit = part.split('-').filter((group) => /\d/.test(group))
  return withDigit.length >= 2 || isKeySymbols(part)
}

/** The parts of a text with the groups of a license key, in capitals and set off by dashes. */
export function keyGroupsIn(text: string): readonly string[] {
  const found: string[] = []
  let places = 0
  for (const [, part = ''] of text.normalize('NFKC').toUpperCase().matchAll(groups)) {
    if (++places > maxPlaces) break
    found.push(part.replace(/[^0-9A-Z]+/g, '-'))
  }
  return found.filter(isKeyGroups)
}

/** True for a text that has, or holds, a secret of a vendor, or the form of a license token or of a license key. */
export function isSecretText(given: string): boolean {
  const text = withoutUnseen(given)
  if (tokenBegin.test(text) || secretIn(text) !== null || keyGroupsIn(text).length > 0) return true
  // Other systems have ids of 25 characters as well, so without groups the check symbols decide.
  return !isUuid(text) && isKeySymbols(text)
}
