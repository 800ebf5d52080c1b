import { Type, type TString } from '@sinclair/typebox'
import type { Context, KeyPair } from './context.ts'
import { LicensingError } from './errors.ts'
import { appSlug, description, identifier, name, nullable, oneOf, text } from './fields.ts'
import { input, invalidInput, type Input } from './input.ts'
import { activeKey, publicJwks, sealSigningKey, sealTokenSecret, type PublicJwk } from './keys.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from './paging.ts'
import type { AppRecord, Mode, NumericDate } from './storage.ts'

/** An application whose licenses are kept here. Times are whole seconds since 1970. */
export interface App {
  /** `app_…` */
  readonly id: string
  readonly mode: Mode
  readonly name: string
  /** Its name in addresses and the audience of its tokens; never changes. */
  readonly slug: string
  readonly description: string | null
  readonly webhookUrl: string | null
  /** The `iss` of its tokens; never changes. */
  readonly issuer: string
  /** The active public key, SubjectPublicKeyInfo in PEM. */
  readonly publicKeyPem: string
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

export interface NewApp {
  readonly name: string
  /** 1 to 63 lowercase letters, digits or hyphens; unique over the whole storage. */
  readonly slug: string
  readonly description?: string | null
  /** An `https` address for license events. */
  readonly webhookUrl?: string | null
  /** Default `live`. */
  readonly mode?: Mode
}

/** What of an app may be changed: absent is unchanged, `null` clears. */
export interface AppChanges {
  readonly name?: string
  readonly description?: string | null
  readonly webhookUrl?: string | null
}

export interface AppQuery extends Paging {
  readonly mode?: Mode
  /** Only the app of this id. */
  readonly id?: string
}

/** What an app's use cases are called on `licensing.apps`. `app` is a slug or an id everywhere. */
export interface Apps {
  /**
   * Creates an app with a fresh RSA-4096 key pair (which takes a second or two, unless `keyPair` is given).
   * @throws {LicensingError} `validation_error`; `conflict` when the slug is taken.
   */
  create(app: NewApp, keyPair?: KeyPair): Promise<App>
  /** @throws {LicensingError} `not_found`. */
  get(app: string): Promise<App>
  /** Newest first. @throws {LicensingError} `validation_error`. */
  list(query?: AppQuery): Promise<Listing<App>>
  /** @throws {LicensingError} `validation_error`, `not_found`. */
  update(app: string, changes: AppChanges): Promise<App>
  /** Deletes the app with everything in it. @throws {LicensingError} `not_found`. */
  delete(app: string): Promise<void>
  /** The active public key in PEM. @throws {LicensingError} `not_found`. */
  publicKey(app: string): Promise<string>
  /** The accepted public keys as a JWK Set (RFC 7517), the active one first. @throws {LicensingError} `not_found`. */
  jwks(app: string): Promise<{ readonly keys: readonly PublicJwk[] }>
}

function webhookUrl(): TString {
  return text('Address that license events are sent to; https only', 1, 2048)
}

export const newApp: Input<NewApp> = input<NewApp>()(
  Type.Object({
    name: name(),
    slug: appSlug(),
    description: Type.Optional(description()),
    webhookUrl: Type.Optional(nullable(webhookUrl())),
    mode: Type.Optional(oneOf('Whether it is for sale or for trying out', ['live', 'test'])),
  }),
)

export const appChanges: Input<AppChanges> = input<AppChanges>()(
  Type.Object({
    name: Type.Optional(name()),
    description: Type.Optional(description()),
    webhookUrl: Type.Optional(nullable(webhookUrl())),
  }),
)

export const appQuery: Input<AppQuery> = input<AppQuery>()(
  Type.Object({
    ...pagingFields,
    mode: Type.Optional(oneOf('Only apps of this mode', ['live', 'test'])),
    id: Type.Optional(identifier('Only the app of this id')),
  }),
)

function checkWebhookUrl(address: string | null | undefined): void {
  if (address === null || address === undefined) return
  const url = URL.canParse(address) ? new URL(address) : null
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    throw invalidInput({ webhookUrl: ['must be an https address without credentials'] })
}

/** The record of an app by slug or id. @throws {LicensingError} `not_found`. */
export async function findApp(context: Context, app: string): Promise<AppRecord> {
  const record = await context.storage.findApp(app)
  if (record === null) throw new LicensingError('not_found', 'App not found')
  return record
}

async function toApp(context: Context, record: AppRecord): Promise<App> {
  const { tokenSecret: _sealed, ...visible } = record
  return { ...visible, publicKeyPem: (await activeKey(context, record.id)).publicKeyPem }
}

function newAppRecord(context: Context, given: NewApp): AppRecord {
  const id = context.newId('app')
  const now = context.now()
  return {
    id,
    mode: given.mode ?? 'live',
    name: given.name,
    slug: given.slug,
    description: given.description ?? null,
    webhookUrl: given.webhookUrl ?? null,
    issuer: context.issuer,
    tokenSecret: sealTokenSecret(context, id),
    createdAt: now,
    updatedAt: now,
  }
}

function slugTaken(): LicensingError {
  return new LicensingError('conflict', 'App slug is already taken', {
    details: { slug: ['is already taken'] },
  })
}

export async function createApp(context: Context, app: NewApp, keyPair?: KeyPair): Promise<App> {
  const given = newApp.parse(app)
  checkWebhookUrl(given.webhookUrl)
  if ((await context.storage.findApp(given.slug)) !== null) throw slugTaken()
  const record = newAppRecord(context, given)
  const key = await sealSigningKey(context, record.id, keyPair ?? (await context.newKeyPair()))
  await context.storage.transaction(async (tx) => {
    if (!(await tx.insertApp(record))) throw slugTaken()
    await tx.swapActiveKey(record.id, null, key, null)
  })
  return toApp(context, record)
}

export async function getApp(context: Context, app: string): Promise<App> {
  return toApp(context, await findApp(context, app))
}

export async function listApps(context: Context, query: AppQuery = {}): Promise<Listing<App>> {
  const { mode, id, ...paging } = appQuery.parse(query)
  const filter = { ...(mode && { mode }), ...(id && { id }) }
  const { storage } = context
  const listing = await readPage(paging, {
    list: (page) => storage.listApps(filter, page),
    count: () => storage.countApps(filter),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, (record) => toApp(context, record))
}

export async function updateApp(context: Context, app: string, changes: AppChanges): Promise<App> {
  const patch = appChanges.parse(changes)
  checkWebhookUrl(patch.webhookUrl)
  const { id } = await findApp(context, app)
  const updated = await context.storage.updateApp(id, { ...patch, updatedAt: context.now() })
  if (updated === null) throw new LicensingError('not_found', 'App not found')
  return toApp(context, updated)
}

export async function deleteApp(context: Context, app: string): Promise<void> {
  const { id } = await findApp(context, app)
  const key = await activeKey(context, id)
  if (!(await context.storage.deleteApp(id))) throw new LicensingError('not_found', 'App not found')
  context.privateKeys.forget(key.kid)
  context.tokenSecrets.forget(id)
}

/** Binds the use cases of apps to a context. */
export function bindApps(context: Context): Apps {
  return {
    create: (app, keyPair) => createApp(context, app, keyPair),
    get: (app) => getApp(context, app),
    list: (query) => listApps(context, query),
    update: (app, changes) => updateApp(context, app, changes),
    delete: (app) => deleteApp(context, app),
    publicKey: async (app) => (await activeKey(context, (await findApp(context, app)).id)).publicKeyPem,
    jwks: async (app) => ({ keys: await publicJwks(context, (await findApp(context, app)).id) }),
  }
}
