/**
 * One right of a scoped API key. `x:write` includes `x:read`, and `licenses:write` includes `licenses:release`. `delete` counts
 * beside the right to write the same noun.
 */
export type Scope =
  | 'catalogue:read'
  | 'catalogue:write'
  | 'apps:rotate'
  | 'delete'
  | 'customers:read'
  | 'customers:write'
  | 'licenses:read'
  | 'licenses:write'
  | 'licenses:release'
  | 'license_keys:read'
  | 'license_keys:write'
  | 'license_keys:reveal'
  | 'webhooks:read'
  | 'webhooks:write'
  | 'audit:read'
  | 'keys:write'

/** The rights of one kind of work, by a name: see `docs/http-api.md`. */
export type Preset = 'support' | 'payments' | 'auditor'

/** The meaning of each scope. Their order is that of every list of scopes. */
export const scopeMeanings: Readonly<Record<Scope, string>> = {
  'catalogue:read': 'reads apps, tiers, features and signing keys',
  'catalogue:write': 'changes apps, tiers and features; a key to every app also creates apps',
  'apps:rotate': 'rotates the signing keys of an app',
  delete: 'deletes what the other scopes let the key change',
  'customers:read': 'reads customers, with their e-mail addresses',
  'customers:write': 'creates and changes customers',
  'licenses:read': 'reads licenses; an sk_ key also reads their tokens',
  'licenses:write': 'issues, changes, regenerates, revokes and reinstates licenses',
  'licenses:release': 'gives seats back',
  'license_keys:read': 'reads license keys, without their texts',
  'license_keys:write': 'sells, changes, rolls, revokes and reinstates license keys',
  'license_keys:reveal': 'reads the texts of license keys that were sold before',
  'webhooks:read': 'reads the deliveries of webhooks',
  'webhooks:write':
    'reads and rolls the secret of webhooks, sets their address, repeats and tests deliveries',
  'audit:read': 'reads the audit log',
  'keys:write': 'lists, creates, rolls and revokes API keys that may do no more than this key',
}

/** Every scope, in order. */
export const scopes: readonly Scope[] = Object.keys(scopeMeanings) as Scope[]

/** A preset: the type of its keys and their scopes. */
export const presets: Readonly<
  Record<Preset, { readonly type: 'sk' | 'pk'; readonly scopes: readonly Scope[] }>
> = {
  support: {
    type: 'sk',
    scopes: [
      'catalogue:read',
      'customers:write',
      'licenses:write',
      'license_keys:read',
      'license_keys:reveal',
      'webhooks:read',
    ],
  },
  payments: {
    type: 'sk',
    scopes: ['catalogue:read', 'customers:write', 'license_keys:write', 'license_keys:reveal'],
  },
  auditor: {
    type: 'pk',
    scopes: [
      'catalogue:read',
      'customers:read',
      'licenses:read',
      'license_keys:read',
      'webhooks:read',
      'audit:read',
    ],
  },
}

/** The scope that includes another. */
const wider: Readonly<Partial<Record<Scope, Scope>>> = {
  'catalogue:read': 'catalogue:write',
  'customers:read': 'customers:write',
  'licenses:read': 'licenses:write',
  'licenses:release': 'licenses:write',
  'license_keys:read': 'license_keys:write',
  'webhooks:read': 'webhooks:write',
}

/** True if a list holds the scope, or one that includes it. */
export function holds(list: readonly Scope[], scope: Scope): boolean {
  const including = wider[scope]
  return list.includes(scope) || (including !== undefined && list.includes(including))
}

/** True for a scope that changes nothing. A `pk_` key may hold no other. */
export function isReading(scope: Scope): boolean {
  return scope.endsWith(':read')
}

/** The scopes in the one order in which they are stored and shown. */
export function inOrder(list: readonly Scope[]): readonly Scope[] {
  return scopes.filter((scope) => list.includes(scope))
}
