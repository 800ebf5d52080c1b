import { isSecretText, secretIn, withoutUnseen } from '../src/core/secret-text.ts'

/** The meaning of what somebody pasted. */
export type Reading =
  | { readonly kind: 'nothing' | 'secret' }
  /** The search takes it. */
  | { readonly kind: 'name'; readonly text: string }
  /** A token, a license key, a file or a longer text, which only the diagnosis takes. */
  | { readonly kind: 'sent'; readonly text: string }

/** Takes off what mails and logs put around a thing: white space, quotes. */
function clean(text: string): string {
  return text
    .trim()
    .replace(/^["'`<]+|[>"'`,;]+$/g, '')
    .trim()
}

/** Secrets that sign in, and the beginning of one that was cut off. */
const secret = /[sp]k_(?:live|test)_|whsec_|PRIVATE KEY-----|#\/in\//i
const licenseFile = /BEGIN HEARTWOOD LICENSE/
const licenseKey = /(?:[0-9A-Z]{5}[-\s]){4}[0-9A-Z]{5}/i

function isSecret(text: string): boolean {
  return secret.test(text) || secretIn(text) !== null
}

/** The search has its text in an address, which a proxy may write down, so no token and no license key goes there. */
function isSent(text: string): boolean {
  return licenseFile.test(text) || licenseKey.test(text) || isSecretText(text)
}

/** Reads what was pasted, by its shape alone. Nothing is sent for it. */
export function read(given: string): Reading {
  const text = clean(given)
  if (text === '') return { kind: 'nothing' }
  if (isSecret(withoutUnseen(text))) return { kind: 'secret' }
  if (isSent(text) || text.length > 200 || text.includes('\n')) return { kind: 'sent', text: given }
  // The search looks for a license by the beginning of its id, and a `jti` begins with it.
  const [id] = /^(?:lic|cus|app|tier|feat|lkey)_[0-9a-z]{26}/.exec(text) ?? []
  return { kind: 'name', text: id ?? text }
}
