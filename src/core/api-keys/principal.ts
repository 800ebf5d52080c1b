import type { ApiKey } from './api-keys.ts'

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
