import { Type } from '@sinclair/typebox'
import { findApp } from './apps.ts'
import type { Context } from './context.ts'
import { isPast } from './decision.ts'
import { LicensingError } from './errors.ts'
import { instant, nullable, oneOf, reference, text } from './fields.ts'
import { input, invalidInput, type Input } from './input.ts'
import { apiKeySecret, isApiKeySecret, hashSecret } from './api-key-secret.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from './paging.ts'
import type { ApiKeyRecord, AppRecord, Mode, NumericDate } from './storage.ts'

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

/** A key just made, with its secret: shown this once, kept only as a hash. */
export interface NewApiKeyAnswer extends ApiKey {
  readonly secret: string
}

export interface NewApiKey {
  readonly name?: string | null
  /** Default `sk`. */
  readonly type?: 'sk' | 'pk'
  /** Default: the mode of the key that makes it, else `live`. */
  readonly mode?: Mode
  /** Slug of the app to bind it to, which then settles the mode. */
  readonly app?: string | null
  readonly expiresAt?: NumericDate | null
}

export interface ApiKeyQuery extends Paging {
  readonly mode?: Mode
}

/** A key that was shown and holds: what authorisation goes by. */
export interface Principal extends ApiKey {
  readonly appId: string | null
}

/** What an API key's use cases are called on `licensing.apiKeys`. */
export interface ApiKeys {
  /**
   * Makes a key; with `by`, only one that is not mightier than `by`.
   * @throws {LicensingError} `validation_error`, `forbidden`.
   */
  create(key?: NewApiKey, by?: Principal): Promise<NewApiKeyAnswer>
  /** Makes the first secret key of a fresh storage; `null` when it has, or ever had, a key. */
  createFirst(): Promise<NewApiKeyAnswer | null>
  /** Newest first. @throws {LicensingError} `validation_error`, `forbidden`. */
  list(query?: ApiKeyQuery, by?: Principal): Promise<Listing<ApiKey>>
  /** Refuses the key from the next request on. @throws {LicensingError} `not_found`, `forbidden`. */
  revoke(id: string, by?: Principal): Promise<ApiKey>
  /** The id of the app of this slug, if the key sees it. @throws {LicensingError} `not_found`, as for one that is not there. */
  visibleApp(key: Principal, slug: string): Promise<string>
  /** The key of a secret; `null` when there is none, or it is revoked or expired. */
  authenticate(secret: string): Promise<Principal | null>
}

export const newApiKey: Input<NewApiKey> = input<NewApiKey>()(
  Type.Object({
    name: Type.Optional(nullable(text('What it is for', 0, 255))),
    type: Type.Optional(oneOf('sk may write, pk only read', ['sk', 'pk'])),
    mode: Type.Optional(oneOf('Which apps it sees', ['live', 'test'])),
    app: Type.Optional(nullable(reference('Slug of the app it is bound to'))),
    expiresAt: Type.Optional(nullable(instant('When it stops working'))),
  }),
)

export const apiKeyQuery: Input<ApiKeyQuery> = input<ApiKeyQuery>()(
  Type.Object({ ...pagingFields, mode: Type.Optional(oneOf('Only keys of this mode', ['live', 'test'])) }),
)

function toPrincipal(record: ApiKeyRecord): Principal {
  const { hash: _hash, ...visible } = record
  return { ...visible, prefix: `${record.type}_${record.mode}_` }
}

function toApiKey(record: ApiKeyRecord): ApiKey {
  const { appId: _appId, ...visible } = toPrincipal(record)
  return visible
}

/** A key sees the apps of its mode; a bound one only its own. */
async function visibleApp(context: Context, key: Principal, slug: string): Promise<string> {
  const app = await findApp(context, slug)
  if (key.mode !== app.mode || (key.appId !== null && key.appId !== app.id))
    throw new LicensingError('not_found', 'App not found')
  return app.id
}

/** @throws {LicensingError} `forbidden` unless `by` may manage keys: a secret key without end, bound to no app. */
function checkManager(by: Principal | undefined, mode: Mode | undefined): void {
  if (by === undefined) return
  const isManager = by.type === 'sk' && by.expiresAt === null && by.appId === null
  if (!isManager || (by.mode === 'test' && mode === 'live'))
    throw new LicensingError('forbidden', 'This API key may not manage such keys')
}

async function boundApp(context: Context, slug: string | null | undefined): Promise<AppRecord | null> {
  return slug === null || slug === undefined ? null : findApp(context, slug)
}

function modeOf(given: NewApiKey, app: AppRecord | null, by: Principal | undefined): Mode {
  if (app !== null && given.mode !== undefined && given.mode !== app.mode)
    throw invalidInput({ mode: ['must be the mode of the app'] })
  return given.mode ?? app?.mode ?? by?.mode ?? 'live'
}

async function apiKeyRecord(
  context: Context,
  given: NewApiKey,
  by: Principal | undefined,
): Promise<{ record: ApiKeyRecord; secret: string }> {
  const app = await boundApp(context, given.app)
  const mode = modeOf(given, app, by)
  checkManager(by, mode)
  const { type = 'sk', name = null, expiresAt = null } = given
  if (expiresAt !== null && isPast(expiresAt, context.now()))
    throw invalidInput({ expiresAt: ['must be in the future'] })
  const secret = apiKeySecret(type, mode)
  const record = {
    ...{ id: context.newId('key'), name, type, mode, appId: app?.id ?? null, app: app?.slug ?? null },
    ...{ hash: await hashSecret(secret), lastFour: secret.slice(-4) },
    ...{ createdAt: context.now(), expiresAt, revokedAt: null, lastUsedAt: null },
  }
  return { record, secret }
}

async function createApiKey(context: Context, key: NewApiKey, by?: Principal): Promise<NewApiKeyAnswer> {
  checkManager(by, undefined)
  const { record, secret } = await apiKeyRecord(context, newApiKey.parse(key), by)
  await context.storage.insertApiKey(record)
  return { ...toApiKey(record), secret }
}

async function createFirstApiKey(context: Context): Promise<NewApiKeyAnswer | null> {
  if ((await context.storage.countApiKeys({})) > 0) return null
  const { record, secret } = await apiKeyRecord(context, { name: 'First key' }, undefined)
  return (await context.storage.insertFirstApiKey(record)) ? { ...toApiKey(record), secret } : null
}

async function listApiKeys(context: Context, query: ApiKeyQuery, by?: Principal): Promise<Listing<ApiKey>> {
  const { mode, ...paging } = apiKeyQuery.parse(query)
  checkManager(by, mode)
  const seen = by?.mode === 'test' ? 'test' : mode
  const filter = seen === undefined ? {} : { mode: seen }
  const listing = await readPage(paging, {
    list: (page) => context.storage.listApiKeys(filter, page),
    count: () => context.storage.countApiKeys(filter),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, toApiKey)
}

async function revokeApiKey(context: Context, id: string, by?: Principal): Promise<ApiKey> {
  checkManager(by, undefined)
  const key = await context.storage.findApiKey(id)
  if (key === null || (by?.mode === 'test' && key.mode === 'live'))
    throw new LicensingError('not_found', 'API key not found')
  if (key.revokedAt !== null) return toApiKey(key)
  const revoked = await context.storage.updateApiKey(id, { revokedAt: context.now() })
  if (revoked === null) throw new LicensingError('not_found', 'API key not found')
  return toApiKey(revoked)
}

async function authenticate(context: Context, secret: string): Promise<Principal | null> {
  if (!isApiKeySecret(secret)) return null
  const key = await context.storage.findApiKeyByHash(await hashSecret(secret))
  if (key === null || key.revokedAt !== null || isPast(key.expiresAt, context.now())) return null
  return toPrincipal(key)
}

/** Binds the use cases of API keys to a context. */
export function bindApiKeys(context: Context): ApiKeys {
  return {
    create: (key = {}, by) => createApiKey(context, key, by),
    createFirst: () => createFirstApiKey(context),
    list: (query = {}, by) => listApiKeys(context, query, by),
    revoke: (id, by) => revokeApiKey(context, id, by),
    visibleApp: (key, slug) => visibleApp(context, key, slug),
    authenticate: (secret) => authenticate(context, secret),
  }
}
