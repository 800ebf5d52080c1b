/** The meaning of what somebody pasted. */
export type Reading =
  | { readonly kind: 'nothing' | 'secret' | 'licenseKey' }
  | { readonly kind: 'token'; readonly app: string; readonly license: string }
  | { readonly kind: 'license' | 'customer' | 'app'; readonly id: string }
  | { readonly kind: 'installation' | 'email' | 'text'; readonly text: string }

/** Takes off what mails and logs put around a thing: white space, quotes, `Bearer`. */
function clean(text: string): string {
  return text
    .trim()
    .replace(/^["'`<]+|[>"'`,;]+$/g, '')
    .replace(/^(?:authorization:\s*)?bearer\s+/i, '')
    .trim()
}

interface Payload {
  readonly aud?: unknown
  readonly jti?: unknown
}

function payloadOf(part: string): Payload {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (each) =>
      each.charCodeAt(0),
    )
    return JSON.parse(new TextDecoder().decode(bytes)) as Payload
  } catch {
    return {}
  }
}

const idForm = /^(lic|cus|app)_[0-9a-z]{26}/

/** The app and the license that a token names. The page proves nothing by it: it only looks the license up. */
function readToken(text: string): Reading | null {
  const [, payload] = /^eyJ[\w-]*\.([\w-]+)\.[\w-]*$/.exec(text.replace(/\s+/g, '')) ?? []
  if (payload === undefined) return null
  const { aud, jti } = payloadOf(payload)
  const [license] = typeof jti === 'string' ? (idForm.exec(jti) ?? []) : []
  return license === undefined || typeof aud !== 'string' ? null : { kind: 'token', app: aud, license }
}

const kinds = { lic: 'license', cus: 'customer', app: 'app' } as const

/** Reads what was pasted, by its shape alone. Nothing is sent for it. */
export function read(given: string): Reading {
  const text = clean(given)
  if (text === '') return { kind: 'nothing' }
  if (/\b[sp]k_(?:live|test)_/.test(text)) return { kind: 'secret' }
  const token = readToken(text)
  if (token !== null) return token
  const [id, prefix] = idForm.exec(text) ?? []
  if (id !== undefined) return { kind: kinds[prefix as keyof typeof kinds], id }
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return { kind: 'installation', text }
  if (/^(?:[A-Z0-9]{2,8}-)?(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}$/i.test(text)) return { kind: 'licenseKey' }
  return { kind: text.includes('@') ? 'email' : 'text', text }
}
