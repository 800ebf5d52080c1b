import type { ApiKey } from './api-keys.ts'

/** True if the key may create apps: a secret key that is bound to no app. */
export function mayCreateApps(key: Principal): boolean {
  return key.type === 'sk' && key.appId === null
}

/** Only an unbound secret key without expiry may manage keys; otherwise a key could create a stronger one. */
export function mayManageKeys(key: Principal): boolean {
  return mayCreateApps(key) && key.expiresAt === null
}

/** The API key of a request, after its secret was checked. Every permission depends on it. */
export interface Principal extends ApiKey {
  /** The id of the app that it is bound to; `null` if it sees every app of its mode. */
  readonly appId: string | null
}
