/** A key of a PEM text (RFC 7468): its text, or the reason why it is not usable. */
export type PemKey = { readonly pem: string } | { readonly fault: string }

const block = /^-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END \1-----/
/** More base64 in a row than prose has. */
const bareKey = /-----|[A-Za-z0-9+/]{40}/

const kinds: Readonly<Record<string, string>> = {
  'RSA PUBLIC KEY': 'is in the PKCS#1 form (BEGIN RSA PUBLIC KEY)',
  CERTIFICATE: 'is a certificate, not its public key',
  'EC PUBLIC KEY': 'is an elliptic-curve key',
}

/** Environment variables hold `\n` as two characters. A UTF-16 file that was read as UTF-8 has a null in each character. */
function unescaped(text: string): string {
  return text.replace(/\\r|\\n/g, '\n').replace(/[\0\uFEFF\uFFFD]/g, '')
}

/** The bytes of base64 text. @throws for any other text. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))
}

function keyOf(piece: string): readonly PemKey[] {
  const [pem, label = ''] = block.exec(piece) ?? []
  if (pem === undefined) return [{ fault: 'is cut short' }]
  const fault = Object.hasOwn(kinds, label) ? kinds[label] : 'is no public key (BEGIN PUBLIC KEY)'
  const key = label === 'PUBLIC KEY' ? { pem } : { fault: `${fault}` }
  return bareKey.test(piece.slice(pem.length)) ? [key, { fault: 'has no BEGIN line' }] : [key]
}

/** Finds every key of a text, also the unusable ones. Prose around the keys does not count. */
export function pemKeys(text: string): readonly PemKey[] {
  const [before = '', ...pieces] = unescaped(text).split(/(?=-----BEGIN )/)
  const first = before.startsWith('-----BEGIN ') ? keyOf(before) : []
  const headless = first.length === 0 && bareKey.test(before) ? [{ fault: 'has no BEGIN line' }] : []
  return [...headless, ...first, ...pieces.flatMap(keyOf)]
}
