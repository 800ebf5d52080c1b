import type { Mode, NumericDate } from '../storage/index.ts'

/** A key to the HTTP API. Its secret is not in it. Times are whole seconds since 1970. */
export interface ApiKey {
  /** `key_…` */
  readonly id: string
  readonly name: string | null
  /** `sk` may write, `pk` only read. */
  readonly type: 'sk' | 'pk'
  readonly mode: Mode
  /** The slug of the app it is bound to; `null` for every app of its mode. */
  readonly app: string | null
  /** The secret's first letters, such as `sk_live_`, and its last four. */
  readonly prefix: string
  readonly lastFour: string
  readonly createdAt: NumericDate
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
  readonly lastUsedAt: NumericDate | null
}

/** Whether a key may create apps: a secret key that is bound to none. */
export function mayCreateApps(key: Principal): boolean {
  return key.type === 'sk' && key.appId === null
}

/** Whether a key may manage keys: none that ends, or is bound to an app, may make one that is mightier. */
export function mayManageKeys(key: Principal): boolean {
  return mayCreateApps(key) && key.expiresAt === null
}

/** A key that was shown and holds: what authorisation goes by. */
export interface Principal extends ApiKey {
  readonly appId: string | null
}
