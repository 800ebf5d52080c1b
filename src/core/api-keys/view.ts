import type { Principal } from '../principal.ts'
import type { Scope } from '../scopes.ts'
import type { ApiKeyRecord, Mode, NumericDate } from '../storage/index.ts'

/** A key to the HTTP API, without its secret. Times are whole seconds since 1970. */
export interface ApiKey {
  /** `key_…` */
  readonly id: string
  readonly name: string | null
  /** An `sk` key may write; a `pk` key may only read. */
  readonly type: 'sk' | 'pk'
  readonly mode: Mode
  /** The slug of the app that it is bound to; `null` if it sees every app of its mode. */
  readonly app: string | null
  /** The start of the secret, such as `sk_live_`. */
  readonly prefix: string
  /** The last four characters of the secret. */
  readonly lastFour: string
  readonly createdAt: NumericDate
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
  readonly lastUsedAt: NumericDate | null
  /** The rights of a scoped key; `null` for all rights of its type: of `pk`, to read all but the audit log. */
  readonly scopes: readonly Scope[] | null
}

/** The API key of a secret, with the id of the app that it is bound to. */
export interface AuthenticatedKey extends ApiKey, Principal {
  readonly name: string | null
}

/** A new key with its secret. Only a hash of the secret is stored, so it is shown this once. */
export interface ApiKeyWithSecret extends ApiKey {
  readonly secret: string
}

/** The rights of a stored key. A storage or a version that loses the list of a scoped key leaves it no right at all. */
export function rightsIn({ type, scopes: stored }: ApiKeyRecord): Pick<ApiKey, 'type' | 'scopes'> {
  if (type === 'sk' || type === 'pk') return { type, scopes: stored ?? null }
  return { type: type === 'scoped_sk' ? 'sk' : 'pk', scopes: stored ?? [] }
}

export function toAuthenticated(record: ApiKeyRecord): AuthenticatedKey {
  const { hash: _hash, ...visible } = record
  const rights = rightsIn(record)
  return { ...visible, ...rights, prefix: `${rights.type}_${record.mode}_` }
}

export function toApiKey(record: ApiKeyRecord): ApiKey {
  const { appId: _appId, ...visible } = toAuthenticated(record)
  return visible
}
