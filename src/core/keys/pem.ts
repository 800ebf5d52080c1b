/** The kinds of key that the core stores: SubjectPublicKeyInfo, and PKCS #8. */
type PemLabel = 'PUBLIC KEY' | 'PRIVATE KEY'

/**
 * The one spelling in which a key is stored, that of RFC 7468: lines of 64 characters, each ended by a line feed. Text around
 * the block is dropped. `null` if there is no such block.
 */
export function canonicalPem(pem: string, label: PemLabel): string | null {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`)
  const [, body] = block.exec(pem) ?? []
  const lines = body?.replace(/\s/g, '').match(/.{1,64}/g)
  if (!lines) return null
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
