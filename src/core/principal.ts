import { LicensingError } from './errors.ts'
import type { AppRecord, Mode, NumericDate } from './storage/index.ts'

/** An authenticated API key, as authorisation sees it. */
export interface Principal {
  /** `key_…` */
  readonly id: string
  /** `sk` may write, `pk` may only read. */
  readonly type: 'sk' | 'pk'
  readonly mode: Mode
  /** The id of the app that the key is bound to; `null` for every app of its mode. */
  readonly appId: string | null
  /** In seconds since 1970; `null` for a key without expiry. */
  readonly expiresAt: NumericDate | null
}

/**
 * The right to read or to write in an app, to create apps, to manage API keys, to see license tokens, or the texts of license
 * keys.
 */
export type Permission = 'read' | 'write' | 'apps' | 'keys' | 'tokens' | 'reveal'

const onlyForSecretKeys: Partial<Record<Permission, string>> = {
  tokens: 'Tokens require a secret key (sk_*)',
  reveal: 'Texts of license keys require a secret key (sk_*)',
}

function refusalOf({ type, appId, expiresAt }: Principal, permission: Permission): string | null {
  if (permission === 'read') return null
  if (type !== 'sk') return onlyForSecretKeys[permission] ?? 'Write access requires a secret key (sk_*)'
  if (permission === 'apps' && appId !== null) return 'This API key may not create apps'
  // Otherwise a bound or expiring key could create a stronger one.
  if (permission === 'keys' && (appId !== null || expiresAt !== null))
    return 'This API key may not manage keys'
  return null
}

/** True if the caller has the permission. The host, which has no principal, has all. */
export function may(principal: Principal | null, permission: Permission): boolean {
  return principal === null || refusalOf(principal, permission) === null
}

/** @throws {LicensingError} `forbidden` unless the caller has the permission. */
export function requirePermission(principal: Principal | null, permission: Permission): void {
  const refusal = principal === null ? null : refusalOf(principal, permission)
  if (refusal !== null) throw new LicensingError('forbidden', refusal)
}

/** True if the caller sees the app: a key sees the apps of its mode, and a bound key sees its own app only. */
export function sees(principal: Principal | null, app: AppRecord): boolean {
  if (principal === null) return true
  return principal.mode === app.mode && (principal.appId === null || principal.appId === app.id)
}
