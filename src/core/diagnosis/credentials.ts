import { isApiKeySecret } from '../api-keys/secret.ts'

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

const privateKey = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/
const apiKey = /(?<![0-9A-Za-z])([sp]k)_(live|test)_[0-9A-Za-z]*/g
const webhookSecret = /(?<![0-9A-Za-z])whsec_[\w+/=]/

function apiKeyIn(text: string, type: 'sk' | 'pk'): PastedSecret | null {
  for (const [found, prefix, mode] of text.matchAll(apiKey)) {
    if (prefix !== type) continue
    const isWhole = isApiKeySecret(found)
    const lastFour = isWhole ? { lastFour: found.slice(-4) } : {}
    return { kind: 'api_key', type, mode: mode as 'live' | 'test', isWhole, ...lastFour }
  }
  return null
}

/** The worst secret in a text; `null` if it holds none. */
export function secretIn(text: string): PastedSecret | null {
  if (privateKey.test(text)) return { kind: 'private_key' }
  const secretKey = apiKeyIn(text, 'sk')
  if (secretKey !== null) return secretKey
  if (webhookSecret.test(text)) return { kind: 'webhook_secret' }
  return apiKeyIn(text, 'pk')
}
