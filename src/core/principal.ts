import { LicensingError } from './errors.ts'
import { holds, type Scope } from './scopes.ts'
import type { AppFilter, AppRecord, Mode, NumericDate } from './storage/index.ts'

/** An authenticated API key, or a person whom the embedder's server has signed in, as authorisation sees it. */
export interface Principal {
  /** `key_…`; of a person a name that is no id of a key. */
  readonly id: string
  /** The name of the key, which the audit log keeps. */
  readonly name?: string | null
  /** `sk` may write, `pk` may only read. */
  readonly type: 'sk' | 'pk'
  readonly mode: Mode
  /** The id of the app that the key is bound to; `null` for every app of its mode. */
  readonly appId: string | null
  /** The slugs of the apps that a person sees; `null` or absent for every app of the mode. */
  readonly apps?: readonly string[] | null
  /** In seconds since 1970; `null` for a key without expiry. */
  readonly expiresAt: NumericDate | null
  /** The rights of a scoped key; `null` for all rights of its type. */
  readonly scopes: readonly Scope[] | null
}

/**
 * The right to one kind of use case. `public`, `me` and `search` ask for no scope: the first is for everybody, the second for a
 * key's own data, and a search shows only what the key may read. A name that is no scope asks for several, or for more than scopes: see {@link requiredScopes}.
 */
export type Permission =
  | 'public'
  | 'me'
  | 'search'
  | Exclude<Scope, 'delete'>
  | 'apps:create'
  | 'catalogue:delete'
  | 'signing_keys:read'
  | 'customers:delete'
  | 'licenses:token'
  | 'licenses:delete'
  | 'license_keys:sync'
  | 'license_keys:delete'

/** The scopes that each permission asks of a scoped key. It needs all of them. */
export const requiredScopes: Readonly<Record<Permission, readonly Scope[]>> = {
  public: [],
  me: [],
  search: [],
  'catalogue:read': ['catalogue:read'],
  'catalogue:write': ['catalogue:write'],
  'catalogue:delete': ['catalogue:write', 'delete'],
  'apps:create': ['catalogue:write'],
  'apps:rotate': ['apps:rotate'],
  'signing_keys:read': ['catalogue:read'],
  'customers:read': ['customers:read'],
  'customers:write': ['customers:write'],
  'customers:delete': ['customers:write', 'delete'],
  'licenses:read': ['licenses:read'],
  'licenses:token': ['licenses:read'],
  'licenses:write': ['licenses:write'],
  'licenses:release': ['licenses:release'],
  'licenses:delete': ['licenses:write', 'delete'],
  'license_keys:read': ['license_keys:read'],
  'license_keys:reveal': ['license_keys:read', 'license_keys:reveal'],
  'license_keys:write': ['license_keys:write'],
  // A sale makes its customer, and changes it.
  'license_keys:sync': ['customers:write', 'license_keys:write'],
  'license_keys:delete': ['license_keys:write', 'delete'],
  'webhooks:read': ['webhooks:read'],
  'webhooks:write': ['webhooks:write'],
  'audit:read': ['audit:read'],
  'keys:write': ['keys:write'],
}

/** A `pk_` key lists neither keys nor deliveries, so `signing_keys:read` and `webhooks:read` are not here. */
const forPublicKeys: ReadonlySet<Permission> = new Set([
  'public',
  'me',
  'search',
  'catalogue:read',
  'customers:read',
  'licenses:read',
  'license_keys:read',
  'audit:read',
])

/** The same principal. @throws {TypeError} if it has no `scopes`: a program that forgets them must not give all rights. */
export function checkedPrincipal(principal: Principal): Principal {
  const { scopes } = principal as { readonly scopes?: unknown }
  if (scopes !== null && !Array.isArray(scopes))
    throw new TypeError('The scopes of a principal must be a list, or null for all rights of its type')
  return principal
}

/** True if a `pk_` key may have the permission. */
export function isForPublicKeys(permission: Permission): boolean {
  return forPublicKeys.has(permission)
}

const onlyForSecretKeys: Partial<Record<Permission, string>> = {
  'licenses:token': 'Tokens require a secret key (sk_*)',
  'license_keys:reveal': 'Texts of license keys require a secret key (sk_*)',
}

/** True if scopes let the key do it. Without scopes, an `sk` key has all, and a `pk` key those that read, except the audit log. */
function allows({ type, scopes }: Principal, scope: Scope): boolean {
  return scopes === null ? type === 'sk' || scope !== 'audit:read' : holds(scopes, scope)
}

function lackOf(principal: Principal, permission: Permission): string | null {
  const lacking = requiredScopes[permission].filter((scope) => !allows(principal, scope))
  if (lacking.length === 0) return null
  return `This API key lacks the scope${lacking.length > 1 ? 's' : ''} ${lacking.join(' and ')}`
}

/** True for a key of one app, and for a person with a list of apps. */
export function isBound({ appId, apps = null }: Principal): boolean {
  return appId !== null || apps !== null
}

function refusalOf(principal: Principal, permission: Permission): string | null {
  const { type, expiresAt } = principal
  const bound = isBound(principal)
  if (type !== 'sk' && !isForPublicKeys(permission))
    return onlyForSecretKeys[permission] ?? 'Write access requires a secret key (sk_*)'
  if (permission === 'apps:create' && bound) return 'This API key may not create apps'
  // Otherwise a bound or expiring key could create a stronger one.
  if (permission === 'keys:write' && (bound || expiresAt !== null)) return 'This API key may not manage keys'
  return lackOf(principal, permission)
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

/** True if the caller sees the app: a key sees the apps of its mode, a bound key its own app only, and a person theirs. */
export function sees(principal: Principal | null, app: AppRecord): boolean {
  if (principal === null) return true
  const { mode, appId, apps = null } = principal
  return mode === app.mode && (appId === null || appId === app.id) && (apps?.includes(app.slug) ?? true)
}

/** The apps that the caller sees: see {@link sees}. Only the host may name a mode. */
export function visibleApps(principal: Principal | null, mode?: Mode): AppFilter {
  if (principal === null) return mode === undefined ? {} : { mode }
  const { mode: own, appId, apps = null } = principal
  return { mode: own, ...(appId !== null && { id: appId }), ...(apps !== null && { slugs: apps }) }
}
