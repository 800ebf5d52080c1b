import { isUuid } from './ids.ts'
import { hasRightCheckSymbols, readLicenseKey } from './license-keys/text.ts'

/** The beginning of a token in base64url, `{"`, and enough of it that no name has it by chance. */
const tokenForm = /eyJ[\w-]{8}/
/** API keys and secrets of webhooks. */
const keyForm = /(?:[sp]k_(?:live|test)|whsec)_/i
/** Five groups of five symbols. People set dashes and blanks between them. */
const groups = /(?<![A-Z0-9])(?:[0-9A-Z]{5}[^0-9A-Z]{1,3}){4}[0-9A-Z]{5}(?![A-Z0-9])/

/** A name may have five words of five letters. Of 3,000 license keys, one has no digit. */
function hasKeyGroups(text: string): boolean {
  const found = groups.exec(text.normalize('NFKC').toUpperCase())
  return found !== null && /\d/.test(found[0])
}

/** Other systems have ids of 25 characters as well, so without groups the check symbols decide. */
function isKeySymbols(text: string): boolean {
  const symbols = isUuid(text) ? null : readLicenseKey(text)
  return symbols !== null && hasRightCheckSymbols(symbols)
}

/** True for a text that has, or holds, the form of a license token, of a license key or of an API key. */
export function isSecretText(text: string): boolean {
  return tokenForm.test(text) || keyForm.test(text) || hasKeyGroups(text) || isKeySymbols(text)
}
