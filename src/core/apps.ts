import { Type, type TString } from '@sinclair/typebox'
import { allItems } from './all-items.ts'
import type { Context } from './context.ts'
import { actIn } from './acts/act.ts'
import { appChanges as differences } from './acts/records.ts'
import { appUpdate, patchApp } from './app-changes.ts'
import { deleteAtOnce, deleteInPages } from './deletions.ts'
import { LicensingError } from './errors.ts'
import { appSlug, description, name, nullable, text } from './input/fields.ts'
import { input, invalidInput, type Input } from './input/parse.ts'
import { signingKeysOf, type SigningKey } from './keys/app-keys.ts'
import {
  activeKey,
  keyPairFor,
  publicJwks,
  sealSigningKey,
  sealTokenSecret,
  type PublicJwk,
} from './keys/signing-keys.ts'
import { trustOf } from './keys/trust.ts'
import { requireApp } from './lookup.ts'
import { requirePermission, visibleApps } from './principal.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from './paging.ts'
import { updateRecord } from './record-update.ts'
import type { KeyPair } from './runtime/key-pool.ts'
import type {
  AppPatch,
  AppRecord,
  Mode,
  NumericDate,
  SigningKeyRecord,
  StorageSession,
} from './storage/index.ts'
import type { TrustFile } from './token/statement.ts'
import { inTransaction, type Note, nullIfGone, unrecorded } from './transaction.ts'
import { webhookState, type WebhookState } from './webhooks/state.ts'
import { checkWebhookUrl } from './webhooks/url.ts'

/** An application that licenses are issued for. Times are whole seconds since 1970. */
export interface App extends WebhookState {
  /** `app_…` */
  readonly id: string
  readonly mode: Mode
  readonly name: string
  /** Its name in URLs, and the `aud` (RFC 7519) of its tokens. It never changes. */
  readonly slug: string
  readonly description: string | null
  readonly webhookUrl: string | null
  /** The `iss` (RFC 7519) of its tokens. It never changes. */
  readonly issuer: string
  /** The letters before each license key, for people; `null` for none. A test app always has `TEST`. */
  readonly keyPrefix: string | null
  /** The active public key, SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/**
 * Input of `licensing.apps.create`.
 *
 * @example
 * ```ts
 * import type { NewApp } from 'heartwood'
 *
 * const app: NewApp = { name: 'My Desktop App', slug: 'desktop-app', webhookUrl: 'https://example.com/licenses' }
 * ```
 */
export interface NewApp {
  /** 1 to 255 characters. */
  readonly name: string
  /** 1 to 63 lowercase letters, digits or hyphens. It is unique in the whole storage and never changes. */
  readonly slug: string
  /** At most 2,048 characters. */
  readonly description?: string | null
  /** The `https` URL that receives license events, of at most 2,048 characters. */
  readonly webhookUrl?: string | null
  /** The letters before each license key: 2 to 8 capital letters or digits, but not `TEST`, which every test app has. */
  readonly keyPrefix?: string | null
}

/** Options of `licensing.apps.create`. */
export interface NewAppOptions {
  /** Default `live`; under {@link Licensing.restrictedTo} the mode of the API key. */
  readonly mode?: Mode
  /** Its first key pair. Default: a pair from the pool, otherwise a generated one, which takes a second or two. */
  readonly keyPair?: KeyPair
}

/** Options of `licensing.apps.list`. */
export interface AppListOptions {
  /** Lists only apps of this mode. Without effect under {@link Licensing.restrictedTo}. */
  readonly mode?: Mode
}

/** Changes to an app. An absent field stays unchanged; `null` clears it. */
export interface AppChanges {
  readonly name?: string
  readonly description?: string | null
  readonly webhookUrl?: string | null
  /** Only letters that are shown: license keys with the earlier ones still work. */
  readonly keyPrefix?: string | null
}

/**
 * The use cases of apps: `licensing.apps`. `app` is always a slug or an id.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function publicKeyOf(licensing: Licensing): Promise<string> {
 *   const { id } = await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
 *   return licensing.apps.publicKey(id)
 * }
 * ```
 */
export interface Apps {
  /**
   * Creates an app with its own RSA-4096 key pair.
   * @throws {LicensingError} `validation_error`; `conflict` if the slug is taken; `forbidden` if the API key may not create
   * such an app; `unavailable` if too many key pairs are being made.
   * @throws {TypeError} if `keyPair` is malformed, or is missing inside a host's transaction.
   */
  create(app: NewApp, options?: NewAppOptions): Promise<App>
  /** @throws {LicensingError} `not_found`. */
  get(app: string): Promise<App>
  /** Newest first. @throws {LicensingError} `validation_error`. */
  list(query?: Paging, options?: AppListOptions): Promise<Listing<App>>
  /** Every app, newest first, for `for await`. It reads page after page. */
  all(options?: AppListOptions): AsyncIterable<App>
  /** @throws {LicensingError} `validation_error`, `not_found`. */
  update(app: string, changes: AppChanges): Promise<App>
  /**
   * Deletes the app and everything in it: keys, tiers, features, customers, licenses, events, and the API keys that are bound
   * to it. Nobody finds any of it from the first transaction on. With more than 1,000 records, further transactions remove
   * them: see {@link Licensing.finishDeletions}.
   * @throws {LicensingError} `not_found`.
   */
  delete(app: string): Promise<void>
  /** The active public key, SubjectPublicKeyInfo in PEM. @throws {LicensingError} `not_found`. */
  publicKey(app: string): Promise<string>
  /**
   * The active key, the keys in their grace period, and the retired ones, newest first.
   * @throws {LicensingError} `not_found`; `forbidden` for a public key.
   */
  keys(app: string): Promise<readonly SigningKey[]>
  /** The accepted public keys as a JWK Set (RFC 7517), the active key first. @throws {LicensingError} `not_found`. */
  jwks(app: string): Promise<{ readonly keys: readonly PublicJwk[] }>
  /**
   * The statements about the signing keys, the contents of `trust.json`. A program that was built with any earlier key follows
   * them to the active one.
   * @throws {LicensingError} `not_found`; `unavailable` if too many signatures are waiting.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * async function trustFile(licensing: Licensing): Promise<string> {
   *   return JSON.stringify(await licensing.apps.trust('desktop-app'))
   * }
   * ```
   */
  trust(app: string): Promise<TrustFile>
}

function webhookAddress(): TString {
  return text('Address that license events are sent to; https only', 1, 2048)
}

function prefix(): TString {
  return Type.String({
    description: 'Letters before each license key',
    pattern: '^[A-Z0-9]{2,8}$',
    maxLength: 8,
    rule: 'must be 2 to 8 capital letters or digits',
  })
}

export const newApp: Input<NewApp> = input<NewApp>()(
  Type.Object({
    name: name(),
    slug: appSlug(),
    description: Type.Optional(description()),
    webhookUrl: Type.Optional(nullable(webhookAddress())),
    keyPrefix: Type.Optional(nullable(prefix())),
  }),
)

export const appChanges: Input<AppChanges> = input<AppChanges>()(
  Type.Object({
    name: Type.Optional(name()),
    description: Type.Optional(description()),
    webhookUrl: Type.Optional(nullable(webhookAddress())),
    keyPrefix: Type.Optional(nullable(prefix())),
  }),
)

export const appQuery: Input<Paging> = input<Paging>()(Type.Object({ ...pagingFields }))

function visibleFields({
  tokenSecret: _sealed,
  recovery: _recovery,
  ...visible
}: AppRecord): Omit<App, 'publicKeyPem' | keyof WebhookState> {
  return { ...visible, keyPrefix: keyPrefixOf(visible) }
}

const testPrefix = 'TEST'

/** The letters before each license key of an app. Nobody must take the key of a test app for a sold one. */
export function keyPrefixOf({ mode, keyPrefix }: Pick<AppRecord, 'mode' | 'keyPrefix'>): string | null {
  return mode === 'test' ? testPrefix : keyPrefix
}

/** @throws {LicensingError} `validation_error` for a prefix that apps of this mode may not have. */
function checkKeyPrefix(mode: Mode, wanted: string | null | undefined): void {
  if (wanted === undefined || wanted === null || (mode === 'test') === (wanted === testPrefix)) return
  const rule =
    mode === 'test' ? 'must be TEST, as in every test app' : 'must not be TEST, which test apps have'
  throw invalidInput({ keyPrefix: [rule] })
}

export async function toApp(context: Context, record: AppRecord): Promise<App> {
  const webhook = record.webhookUrl === null ? null : await context.storage.findWebhook(record.id)
  const { publicKeyPem } = await activeKey(context, record.id)
  return { ...visibleFields(record), ...webhookState(webhook), publicKeyPem }
}

function newAppRecord(context: Context, given: NewApp, mode: Mode): AppRecord {
  const id = context.runtime.newId('app')
  const now = context.runtime.now()
  return {
    id,
    mode,
    name: given.name,
    slug: given.slug,
    description: given.description ?? null,
    webhookUrl: given.webhookUrl ?? null,
    issuer: context.runtime.issuer,
    tokenSecret: sealTokenSecret(context, id),
    keyPrefix: mode === 'test' ? null : (given.keyPrefix ?? null),
    recovery: null,
    createdAt: now,
    updatedAt: now,
  }
}

function slugTaken(): LicensingError {
  return new LicensingError('conflict', 'App slug is already taken', {
    details: { slug: ['is already taken'] },
  })
}

/** The mode of a new app. @throws {LicensingError} `forbidden` if the API key may not create such an app. */
function newAppMode({ principal }: Context, mode: Mode | undefined): Mode {
  requirePermission(principal, 'apps:create')
  if (principal === null) return mode ?? 'live'
  if (mode !== undefined && mode !== principal.mode)
    throw new LicensingError('forbidden', 'This API key may not create such an app')
  return principal.mode
}

/** Whoever sets the address gets every event, and so much of licenses and customers. @throws {LicensingError} `forbidden`. */
function checkMaySendEvents({ principal }: Context, changes: Pick<AppChanges, 'webhookUrl'>): void {
  if (changes.webhookUrl !== undefined) requirePermission(principal, 'webhooks:write')
}

export function checkNewApp(context: Context, app: NewApp): void {
  checkWebhookUrl(app.webhookUrl, context.runtime.allowPrivateTargets)
}

/** A new app with its key, both not yet written. */
export interface PreparedApp {
  readonly app: App
  readonly record: AppRecord
  readonly key: SigningKeyRecord
}

/** Makes the records of a new app. It waits for a key pair, so it comes before the transaction. */
export async function prepareApp(
  context: Context,
  given: NewApp,
  { mode = 'live', keyPair }: NewAppOptions,
): Promise<PreparedApp> {
  const record = newAppRecord(context, given, mode)
  const pair = await keyPairFor(context, keyPair, 'take')
  const { record: key } = await sealSigningKey(context, record.id, pair)
  const app = { ...visibleFields(record), ...webhookState(null), publicKeyPem: key.publicKeyPem }
  return { app, record, key }
}

/** Resolves to `false` and writes nothing if the slug is taken. */
export async function insertApp(
  tx: StorageSession,
  { record, key }: PreparedApp,
  note: Note,
): Promise<boolean> {
  if (!(await tx.insertApp(record))) return false
  await tx.swapActiveKey(record.id, null, key, null)
  const { kid } = key
  note(actIn(record, 'app.created', ['app', record.id], { ...differences(null, record), kid: [null, kid] }))
  return true
}

async function createApp(context: Context, app: NewApp, options: NewAppOptions = {}): Promise<App> {
  const mode = newAppMode(context, options.mode)
  const given = newApp.parse(app)
  checkNewApp(context, given)
  checkMaySendEvents(context, given)
  checkKeyPrefix(mode, given.keyPrefix)
  if ((await context.storage.findApp(given.slug)) !== null) throw slugTaken()
  const prepared = await prepareApp(context, given, { ...options, mode })
  return inTransaction(context, async (tx, _emit, note) => {
    if (!(await insertApp(tx, prepared, note))) throw slugTaken()
    return prepared.app
  })
}

async function getApp(context: Context, app: string): Promise<App> {
  return toApp(context, await requireApp(context, app, 'catalogue:read'))
}

async function listApps(
  context: Context,
  query: Paging = {},
  options: AppListOptions = {},
): Promise<Listing<App>> {
  const { storage, principal } = context
  requirePermission(principal, 'catalogue:read')
  const filter = visibleApps(principal, options.mode)
  const listing = await readPage(appQuery.parse(query), {
    prefix: 'app',
    list: (page) => storage.listApps(filter, page),
    count: () => storage.countApps(filter),
    position: ({ id }) => ({ id }),
  })
  const apps = await mapListing(listing, (record) => nullIfGone(toApp(context, record)))
  return { ...apps, data: apps.data.filter((app) => app !== null) }
}

/** Resolves to `null` if the app is gone. */
function updateWithWebhook(
  context: Context,
  { id, updatedAt }: AppRecord,
  patch: AppPatch,
): Promise<AppRecord | null> {
  // Under an idempotency key the record must not be stored, because it has a sealed secret.
  return inTransaction<AppRecord | null>(unrecorded(context), async (tx, _emit, note) => {
    // The write of the time that it has takes the lock of the row.
    const before = await tx.updateApp(id, { updatedAt })
    return before && patchApp(context, tx, before, patch, note)
  })
}

async function updateApp(context: Context, app: string, changes: AppChanges): Promise<App> {
  const patch = appChanges.parse(changes)
  checkWebhookUrl(patch.webhookUrl, context.runtime.allowPrivateTargets)
  const known = await requireApp(context, app, 'catalogue:write')
  checkMaySendEvents(context, patch)
  checkKeyPrefix(known.mode, patch.keyPrefix)
  const updated =
    patch.webhookUrl === undefined
      ? await updateRecord(context, known, appUpdate(context, patch))
      : await updateWithWebhook(context, known, patch)
  if (updated === null) throw new LicensingError('not_found', 'App not found')
  return toApp(context, updated)
}

async function deleteApp(context: Context, app: string): Promise<void> {
  const record = await requireApp(context, app, 'catalogue:delete')
  const { id } = record
  const key = await activeKey(context, id)
  const act = actIn(record, 'app.deleted', ['app', id], differences(record, null))
  const isDeleted =
    (await deleteInPages(context, { id, appId: id, kind: 'app' }, act)) ||
    (await deleteAtOnce(context, act, (tx) => tx.deleteApp(id)))
  if (!isDeleted) throw new LicensingError('not_found', 'App not found')
  const { activeKeys, privateKeys, tokenSecrets } = context.runtime.caches
  activeKeys.forget(id)
  privateKeys.forget(key.kid)
  tokenSecrets.forget(id)
}

export function bindApps(context: Context): Apps {
  return {
    create: (app, options) => createApp(context, app, options),
    get: (app) => getApp(context, app),
    list: (query, options) => listApps(context, query, options),
    all: (options) => allItems((paging) => listApps(context, paging, options)),
    update: (app, changes) => updateApp(context, app, changes),
    delete: (app) => deleteApp(context, app),
    keys: (app) => signingKeysOf(context, app),
    publicKey: async (app) =>
      (await activeKey(context, (await requireApp(context, app, 'public')).id)).publicKeyPem,
    jwks: async (app) => ({ keys: await publicJwks(context, (await requireApp(context, app, 'public')).id) }),
    trust: (app) => trustOf(context, app),
  }
}
