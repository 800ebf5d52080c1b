import { Type } from '@sinclair/typebox'
import type { Act } from '../acts/act.ts'
import { apiKeyChanges as differences } from '../acts/records.ts'
import { allItems, type FilterOf } from '../all-items.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { instant, integer, nullable, oneOf, reference, text } from '../input/fields.ts'
import { input, invalidInput, isText, type Input } from '../input/parse.ts'
import { findApp } from '../lookup.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from '../paging.ts'
import { requirePermission } from '../principal.ts'
import { updateRecord, type RecordUpdate } from '../record-update.ts'
import {
  holds,
  inOrder,
  isReading,
  presets,
  scopes as allScopes,
  type Preset,
  type Scope,
} from '../scopes.ts'
import { scopeList } from '../storage/api-keys.ts'
import type { ApiKeyRecord, AppRecord, Mode, NumericDate } from '../storage/index.ts'
import { isPast } from '../token/decision.ts'
import { inTransaction, unrecorded } from '../transaction.ts'
import { apiKeySecret, hashScopedSecret, hashSecret, isApiKeySecret } from './secret.ts'
import {
  rightsIn,
  toApiKey,
  toAuthenticated,
  type ApiKey,
  type ApiKeyWithSecret,
  type AuthenticatedKey,
} from './view.ts'

export type { ApiKey, ApiKeyWithSecret, AuthenticatedKey } from './view.ts'

/**
 * Input of `licensing.apiKeys.create`.
 *
 * @example
 * ```ts
 * import type { NewApiKey } from 'heartwood'
 *
 * const key: NewApiKey = { name: 'Web shop', type: 'sk', app: 'desktop-app' }
 * ```
 */
export interface NewApiKey {
  /** At most 255 characters. */
  readonly name?: string | null
  /** Default `sk`. */
  readonly type?: 'sk' | 'pk'
  /** Default: the mode of `app`, otherwise of the key that makes it, otherwise `live`. */
  readonly mode?: Mode
  /** Slug of the app that it is bound to. The key has the app's mode then. */
  readonly app?: string | null
  /**
   * A time in the future: whole seconds since 1970, or a `Date`, whose fraction of a second is cut off. `null` or absent: it
   * never expires.
   */
  readonly expiresAt?: NumericDate | Date | null
  /**
   * Its only rights, each once. A `pk` key may have only those that read. `null` or absent: all rights of its type, except for
   * a `preset`.
   */
  readonly scopes?: readonly Scope[] | null
  /**
   * Scopes by a name, in place of `scopes`. `support` answers customers, `payments` sells license keys, and `auditor` is a `pk`
   * key that reads all, the audit log too.
   */
  readonly preset?: Preset
}

/** Options of `licensing.apiKeys.roll`. */
export interface RollOptions {
  /** Seconds for which the old key keeps working, 0 to 2,592,000 (30 days). Default 0. */
  readonly overlapSeconds?: number
}

/** Filter and page of `licensing.apiKeys.list`. */
export interface ApiKeyQuery extends Paging {
  readonly mode?: Mode
}

/**
 * The use cases of API keys: `licensing.apiKeys`.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function keyForShop(licensing: Licensing): Promise<string> {
 *   const { secret } = await licensing.apiKeys.create({ name: 'Web shop', app: 'desktop-app' })
 *   return secret
 * }
 * ```
 */
export interface ApiKeys {
  /**
   * Creates a key. Under {@link Licensing.restrictedTo} a test key creates test keys only, and a scoped key only keys that may
   * do no more than itself.
   * @throws {LicensingError} `validation_error`, `forbidden`; `not_found` if the app does not exist.
   */
  create(key?: NewApiKey): Promise<ApiKeyWithSecret>
  /** Creates the first secret key of a fresh storage. `null` if the storage has, or ever had, a key. */
  createFirst(): Promise<ApiKeyWithSecret | null>
  /**
   * Newest first. Under {@link Licensing.restrictedTo} these are the keys that the caller may manage.
   * @throws {LicensingError} `validation_error`, `forbidden`.
   */
  list(query?: ApiKeyQuery): Promise<Listing<ApiKey>>
  /** Every matching key, newest first, for `for await`. @throws {LicensingError} `validation_error`, `forbidden`. */
  all(filter?: FilterOf<ApiKeyQuery>): AsyncIterable<ApiKey>
  /**
   * Ends a key: every later request with it is refused. Under {@link Licensing.restrictedTo} every key may end itself.
   * @throws {LicensingError} `not_found`, `forbidden`.
   */
  revoke(id: string): Promise<ApiKey>
  /**
   * Replaces a key by a new one with the same rights. The old key keeps working for `overlapSeconds`.
   * @throws {LicensingError} `validation_error`, `not_found`, `forbidden`; `conflict` if the key is revoked or expired.
   */
  roll(id: string, options?: RollOptions): Promise<ApiKeyWithSecret>
  /** The key that {@link Licensing.restrictedTo} was given. @throws {LicensingError} `not_found` without a stored key. */
  me(): Promise<ApiKey>
  /** The key of a secret, for {@link Licensing.restrictedTo}; `null` if it is unknown, revoked or expired. */
  authenticate(secret: string): Promise<AuthenticatedKey | null>
}

/** A new key as `parse` leaves it. */
type ParsedApiKey = Omit<NewApiKey, 'expiresAt'> & { readonly expiresAt?: NumericDate | null }

export const newApiKey: Input<ParsedApiKey> = input<ParsedApiKey>()(
  Type.Object({
    name: Type.Optional(nullable(text('What it is for', 0, 255))),
    type: Type.Optional(oneOf('sk may write, pk only read', ['sk', 'pk'])),
    mode: Type.Optional(oneOf('Which apps it sees', ['live', 'test'])),
    app: Type.Optional(nullable(reference('Slug of the app it is bound to'))),
    expiresAt: Type.Optional(nullable(instant('When it stops working'))),
    scopes: Type.Optional(nullable(scopeList('Its only rights; null or absent for all rights of its type'))),
    preset: Type.Optional(oneOf('Scopes by a name, in place of scopes', ['support', 'payments', 'auditor'])),
  }),
)

export const rollOptions: Input<RollOptions> = input<RollOptions>()(
  Type.Object({
    overlapSeconds: Type.Optional(integer('Seconds for which the old key goes on', 0, 2_592_000)),
  }),
)

export const apiKeyQuery: Input<ApiKeyQuery> = input<ApiKeyQuery>()(
  Type.Object({ ...pagingFields, mode: Type.Optional(oneOf('Only keys of this mode', ['live', 'test'])) }),
)

/** True if the caller manages keys and apps of this mode: a live key manages both modes, a test key its own only. */
function reaches({ principal }: Context, mode: Mode | undefined): boolean {
  return principal?.mode !== 'test' || mode !== 'live'
}

/** @throws {LicensingError} `forbidden` unless the caller may manage keys, and keys of this mode. */
function checkManager(context: Context, mode?: Mode): void {
  requirePermission(context.principal, 'keys:write')
  if (!reaches(context, mode)) throw new LicensingError('forbidden', 'This API key may not manage such keys')
}

/** True if the caller may do all that a key with these scopes may do. No list is as much as a missing one. */
function covers({ principal }: Context, wanted: ApiKey['scopes']): boolean {
  const own = principal?.scopes ?? null
  return own === null || (wanted !== null && wanted.every((scope) => holds(own, scope)))
}

/** @throws {LicensingError} `forbidden` if a key with these scopes could do more than the caller. */
function checkCovered(context: Context, wanted: ApiKey['scopes']): void {
  if (!covers(context, wanted))
    throw new LicensingError('forbidden', 'This API key may not make a key that may do more than itself')
}

/** The app to bind a key to. @throws {LicensingError} `not_found`, also for a live app if the caller is a test key. */
async function boundApp(context: Context, slug: string | null | undefined): Promise<AppRecord | null> {
  if (slug === null || slug === undefined) return null
  const app = await findApp(context, slug)
  if (app === null || !reaches(context, app.mode)) throw new LicensingError('not_found', 'App not found')
  return app
}

function modeOf({ principal }: Context, given: NewApiKey, app: AppRecord | null): Mode {
  if (app !== null && given.mode !== undefined && given.mode !== app.mode)
    throw invalidInput({ mode: ['must be the mode of the app'] })
  return given.mode ?? app?.mode ?? principal?.mode ?? 'live'
}

type KeyRights = Pick<ApiKey, 'name' | 'type' | 'mode' | 'app' | 'expiresAt' | 'scopes'> &
  Pick<ApiKeyRecord, 'appId'>

/** The type and the scopes that were asked for. @throws {LicensingError} `validation_error`. */
function rightsGiven({ type, scopes: given, preset }: NewApiKey): Pick<ApiKey, 'type' | 'scopes'> {
  if (preset !== undefined) {
    if (given !== undefined) throw invalidInput({ preset: ['must not come with scopes'] })
    const rights = presets[preset]
    if (type !== undefined && type !== rights.type)
      throw invalidInput({ type: ['must be that of the preset'] })
    return rights
  }
  if (type === 'pk' && given?.some((scope) => !isReading(scope)))
    throw invalidInput({ scopes: ['of a pk key must be scopes that read'] })
  return { type: type ?? 'sk', scopes: given ? inOrder(given) : null }
}

async function freshKey(
  context: Context,
  rights: KeyRights,
): Promise<{ record: ApiKeyRecord; answer: ApiKeyWithSecret }> {
  const secret = apiKeySecret(rights.type, rights.mode)
  const isScoped = rights.scopes !== null
  const record: ApiKeyRecord = {
    id: context.runtime.newId('key'),
    name: rights.name,
    type: isScoped ? `scoped_${rights.type}` : rights.type,
    mode: rights.mode,
    appId: rights.appId,
    app: rights.app,
    hash: await (isScoped ? hashScopedSecret : hashSecret)(secret),
    lastFour: secret.slice(-4),
    createdAt: context.runtime.now(),
    expiresAt: rights.expiresAt,
    revokedAt: null,
    lastUsedAt: null,
    scopes: rights.scopes,
  }
  return { record, answer: { ...toApiKey(record), secret } }
}

async function rightsOf(context: Context, given: ParsedApiKey): Promise<KeyRights> {
  const app = await boundApp(context, given.app)
  const mode = modeOf(context, given, app)
  checkManager(context, mode)
  const { name = null, expiresAt = null } = given
  const rights = rightsGiven(given)
  checkCovered(context, rights.scopes)
  if (isPast(expiresAt, context.runtime.now())) throw invalidInput({ expiresAt: ['must be in the future'] })
  return { name, ...rights, mode, appId: app?.id ?? null, app: app?.slug ?? null, expiresAt }
}

function keyAct(action: string, before: ApiKeyRecord | null, after: ApiKeyRecord | null): Act {
  const { id, appId, mode } = (after ?? before)!
  return { appId, mode, action, target: ['api_key', id], changes: differences(before, after) }
}

async function createApiKey(context: Context, key: NewApiKey): Promise<ApiKeyWithSecret> {
  checkManager(context)
  const { record, answer } = await freshKey(context, await rightsOf(context, newApiKey.parse(key)))
  return inTransaction(context, async (tx, _emit, note) => {
    await tx.insertApiKey(record)
    note(keyAct('api_key.created', null, record))
    return answer
  })
}

function notFound(): LicensingError {
  return new LicensingError('not_found', 'API key not found')
}

/** The key of this id, if the caller manages it. @throws {LicensingError} `forbidden`, `not_found`. */
export async function managedKey(context: Context, id: string): Promise<ApiKeyRecord> {
  checkManager(context)
  const key = isText(id) ? await context.storage.findApiKey(id) : null
  if (key === null || !reaches(context, key.mode) || !covers(context, rightsIn(key).scopes)) throw notFound()
  return key
}

/** True if the key is neither revoked nor expired. */
export function isGoodKey(key: ApiKeyRecord, now: NumericDate): boolean {
  return key.revokedAt === null && !isPast(key.expiresAt, now)
}

async function rollApiKey(context: Context, id: string, options: RollOptions): Promise<ApiKeyWithSecret> {
  checkManager(context)
  const { overlapSeconds = 0 } = rollOptions.parse(options)
  const key = await managedKey(context, id)
  const { record, answer } = await freshKey(context, { ...key, ...rightsIn(key) })
  const now = context.runtime.now()
  return inTransaction(context, async (tx, _emit, note) => {
    // An empty update takes the row lock, so a concurrent roll sees our result.
    const old = await tx.updateApiKey(id, {})
    if (old === null) throw notFound()
    if (!isGoodKey(old, now)) throw new LicensingError('conflict', 'API key is revoked or expired')
    const end = { expiresAt: Math.min(old.expiresAt ?? Infinity, now + overlapSeconds) }
    await tx.updateApiKey(id, end)
    const { expiresAt } = old
    await tx.insertApiKey({ ...record, expiresAt })
    const act = keyAct('api_key.rolled', old, { ...old, ...end })
    note({ ...act, changes: { ...act.changes, api_key: [id, record.id] } })
    return { ...answer, expiresAt }
  })
}

async function createFirstApiKey(context: Context): Promise<ApiKeyWithSecret | null> {
  if ((await context.storage.countApiKeys({})) > 0) return null
  const rights = await rightsOf(context, { name: 'First key' })
  const { record, answer } = await freshKey(context, rights)
  return inTransaction<ApiKeyWithSecret | null>(unrecorded(context), async (tx, _emit, note) => {
    if (!(await tx.insertFirstApiKey(record))) return null
    note(keyAct('api_key.created', null, record))
    return answer
  })
}

/** The scopes of keys that the caller may not manage; `undefined` if it may manage all. */
function hiddenScopes({ principal }: Context): readonly Scope[] | undefined {
  const own = principal?.scopes ?? null
  return own === null ? undefined : allScopes.filter((scope) => !holds(own, scope))
}

/** The key with the time of its last use, which a batch in memory may have. */
function withLastUse({ runtime }: Context, record: ApiKeyRecord): ApiKey {
  const key = toApiKey(record)
  return { ...key, lastUsedAt: runtime.lastUsed.of(key.id) ?? key.lastUsedAt }
}

async function listApiKeys(context: Context, query: ApiKeyQuery): Promise<Listing<ApiKey>> {
  checkManager(context)
  const { mode, ...paging } = apiKeyQuery.parse(query)
  checkManager(context, mode)
  const seen = context.principal?.mode === 'test' ? 'test' : mode
  const filter = { mode: seen, withoutScopes: hiddenScopes(context) }
  const listing = await readPage(paging, {
    prefix: 'key',
    list: (page) => context.storage.listApiKeys(filter, page),
    count: () => context.storage.countApiKeys(filter),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, (record) => withLastUse(context, record))
}

/** The key that the caller showed. @throws {LicensingError} `not_found` */
async function ownKey({ principal, storage }: Context): Promise<ApiKeyRecord> {
  const key = principal === null ? null : await storage.findApiKey(principal.id)
  if (key === null) throw notFound()
  return key
}

function revocation({ runtime }: Context): RecordUpdate<ApiKeyRecord> {
  return {
    patch: { revokedAt: runtime.now() },
    isDone: ({ revokedAt }) => revokedAt !== null,
    act: (before, after) => keyAct('api_key.revoked', before, after),
    verb: (tx, ...given) => tx.updateApiKey(...given),
  }
}

async function revokeApiKey(context: Context, id: string): Promise<ApiKey> {
  const key = await (context.principal?.id === id ? ownKey(context) : managedKey(context, id))
  if (key.revokedAt !== null) return toApiKey(key)
  const revoked = await updateRecord(context, key, revocation(context))
  if (revoked === null) throw notFound()
  return toApiKey(revoked)
}

/** The key of a secret. What was stored under the hash of a scoped key is no key without scopes, whatever lost them. */
async function findBySecret({ storage }: Context, secret: string): Promise<ApiKeyRecord | null> {
  const plain = await storage.findApiKeyByHash(await hashSecret(secret))
  if (plain !== null) return plain
  const scoped = await storage.findApiKeyByHash(await hashScopedSecret(secret))
  return scoped === null || rightsIn(scoped).scopes === null ? null : scoped
}

async function authenticate(context: Context, secret: string): Promise<AuthenticatedKey | null> {
  if (!isApiKeySecret(secret)) return null
  const key = await findBySecret(context, secret)
  const now = context.runtime.now()
  if (key === null || !isGoodKey(key, now)) return null
  context.runtime.lastUsed.note(key.id, now)
  return toAuthenticated(key)
}

export function bindApiKeys(context: Context): ApiKeys {
  return {
    create: (key = {}) => createApiKey(context, key),
    createFirst: () => createFirstApiKey(context),
    list: (query = {}) => listApiKeys(context, query),
    all: (filter) => allItems((paging) => listApiKeys(context, { ...filter, ...paging })),
    revoke: (id) => revokeApiKey(context, id),
    roll: (id, options = {}) => rollApiKey(context, id, options),
    me: async () => withLastUse(context, await ownKey(context)),
    authenticate: (secret) => authenticate(context, secret),
  }
}
