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

/** The secrets of a vendor: API keys, webhook secrets and private keys. */
const secret = /[sp]k_(?:live|test)_|whsec_|PRIVATE KEY-----/i
const token = /eyJ[\w-]{8}/
const licenseFile = /BEGIN HEARTWOOD LICENSE/
const licenseKey = /(?:[0-9A-Z]{5}[-\s]){4}[0-9A-Z]{5}/i

/** Reads what was pasted, by its shape alone. Nothing is sent for it. */
export function read(given: string): Reading {
  const text = clean(given)
  if (text === '') return { kind: 'nothing' }
  if (secret.test(text)) return { kind: 'secret' }
  const isSent = [token, licenseFile, licenseKey].some((form) => form.test(text))
  if (isSent || text.length > 200 || text.includes('\n')) return { kind: 'sent', text: given }
  // The search looks for a license by the beginning of its id, and a `jti` begins with it.
  const [id] = /^(?:lic|cus|app|tier|feat|lkey)_[0-9a-z]{26}/.exec(text) ?? []
  return { kind: 'name', text: id ?? text }
}
