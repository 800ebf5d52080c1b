import type { Caches, Context, Runtime } from './context.ts'
import type { App, NewAppOptions } from './apps.ts'
import { finishDeletions } from './deletions.ts'
import { ensure, type Catalogue } from './ensure.ts'
import { idempotently, idempotentlyOnce, type IdempotencyKey, type IdempotentResult } from './idempotency.ts'
import { isTypeId, newTypeId, type IdPrefix } from './ids.ts'
import {
  checkOptions,
  hasMethods,
  isAnything,
  isFlag,
  isFunction,
  type OptionRules,
} from './input/options.ts'
import { bindRecovery, type Recovery } from './keys/recovery.ts'
import { generateRsaKeyPair } from './keys/signing-keys.ts'
import { signingQueue, type SigningOptions } from './keys/signing-queue.ts'
import { loadOf, type Load } from './load.ts'
import { rekey, type RekeyResult, type RekeyOptions } from './rekey.ts'
import { checkedPrincipal, type Principal } from './principal.ts'
import { bindRestricted, type RestrictedLicensing } from './restricted.ts'
import { BoundedCache, promiseCache } from './runtime/cache.ts'
import type { EventType, LicensingEvent } from './runtime/events.ts'
import { keyPool, type KeyPair } from './runtime/key-pool.ts'
import { lastUsedTimes } from './runtime/last-used.ts'
import { createListeners } from './runtime/listeners.ts'
import { checkMasterKey } from './runtime/master-key.ts'
import { createSealer, type MasterKey } from './runtime/sealer.ts'
import { bindSessions, type Sessions } from './sessions/sessions.ts'
import type { Storage } from './storage/index.ts'
import { bindOutbox, type Outbox } from './webhooks/outbox.ts'

/**
 * Options of {@link createLicensing}.
 *
 * @example
 * ```ts
 * import { createLicensing, type LicensingOptions } from 'heartwood'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const options: LicensingOptions = {
 *   storage: memoryStorage(),
 *   masterKey: crypto.getRandomValues(new Uint8Array(32)),
 *   issuer: 'licenses.example.com',
 *   keyPool: 2,
 * }
 * const licensing = await createLicensing(options)
 * ```
 */
export interface LicensingOptions {
  /** The place of all records: in memory, SQLite, PostgreSQL, or a storage of your own. */
  readonly storage: Storage
  /** 32 random bytes, or the same in base64. The first key of a list seals, and every key opens. */
  readonly masterKey: MasterKey
  /** The `iss` (RFC 7519) of tokens of apps that are created from now on; default `license-server`. */
  readonly issuer?: string
  /** The time in milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number
  /**
   * Makes ids. Each must be a TypeID of the prefix, and they must sort by the time they were made. Default: TypeID with a
   * UUIDv7.
   */
  readonly newId?: (prefix: IdPrefix) => string
  /** Makes RSA-4096 key pairs; default: the platform's generator, off the event loop. */
  readonly newKeyPair?: () => Promise<KeyPair>
  /**
   * Number of key pairs made ahead and kept in memory, so that a new app need not wait for its own. A rotation always makes
   * a fresh pair. Default 0.
   */
  readonly keyPool?: number
  readonly signing?: SigningOptions
  readonly webhooks?: WebhookOptions
}

/**
 * Options for the webhooks of all apps.
 *
 * @example
 * ```ts
 * import type { WebhookOptions } from 'heartwood'
 *
 * const webhooks: WebhookOptions = { allowPrivateTargets: true }
 * ```
 */
export interface WebhookOptions {
  /**
   * Allows a webhook URL with `http`, with an IP address, or with a name that leads to a private address. Set it for
   * development, and for receivers inside your own network. Default false, because a person who may write apps could
   * otherwise reach whatever this server reaches.
   */
  readonly allowPrivateTargets?: boolean
}

/**
 * All of Heartwood's use cases. `app` is always an app's slug or id.
 *
 * @example
 * ```ts
 * import { createLicensing, type Licensing } from 'heartwood'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing: Licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
 * await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro', features: ['export'] })
 * const { id } = await licensing.customers.create('desktop-app', { email: 'ada@example.com' })
 * const license = await licensing.licenses.create('desktop-app', {
 *   installationId: crypto.randomUUID(),
 *   customerId: id,
 *   tierId: 'pro',
 *   durationDays: 365,
 * })
 * console.log(license.token)
 * ```
 */
export interface Licensing extends RestrictedLicensing {
  /** The queue of events for webhooks. `startDelivery` of `heartwood/webhooks` sends them. */
  readonly outbox: Outbox
  /** The recovery keys of apps, which lead programs past a thief of a signing key. */
  readonly recovery: Recovery
  /** The people who are signed in to the dashboard with an API key. */
  readonly sessions: Sessions
  /**
   * The use cases as the holder of an API key may call them. An app that the key does not see is `not_found`. Licenses lack
   * `jti` and `token` for a public key.
   * @throws {TypeError} if the principal has no `scopes`, because they are then not known: `null` gives all rights of its type.
   */
  restrictedTo(principal: Principal): RestrictedLicensing
  /**
   * Brings an app, its features and its tiers to what the catalogue says, and resolves to the app. A backend calls it at every
   * start, and several servers may call it at once.
   *
   * It makes what is missing. It changes names, descriptions, the webhook URL, the order of tiers and the features of tiers
   * where they differ. An absent field stays unchanged, and so do features and tiers outside the catalogue: it deletes none.
   * It writes nothing if all is so. Licenses get a tier's new features when they are regenerated. `options` are for the
   * creation of the app.
   * @throws {LicensingError} `validation_error`; `unavailable` if too many key pairs are being made.
   * @throws {TypeError} if the app is missing inside a host's transaction, and no `keyPair` is given.
   *
   * @example
   * ```ts
   * import { createLicensing } from 'heartwood'
   * import { memoryStorage } from 'heartwood/storage/memory'
   *
   * const masterKey = crypto.getRandomValues(new Uint8Array(32))
   * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
   * const app = await licensing.ensure({
   *   app: { name: 'My Desktop App', slug: 'desktop-app' },
   *   tiers: [{ name: 'Pro', slug: 'pro', features: ['api_access'] }],
   * })
   * console.log(app.id)
   * ```
   */
  ensure(catalogue: Catalogue, options?: NewAppOptions): Promise<App>
  /**
   * Reseals every secret under the first master key, so that the other keys are no longer needed. Servers may keep running,
   * if all of them have the same first key and the old key behind it. The work may stop and start again. The check record
   * changes last: until then both keys are needed, and together they open everything.
   *
   * Resolves to the counts of secrets that were resealed.
   * @throws {LicensingError} `master_key` if a secret opens with none of the keys; `conflict` if other servers go on sealing
   * under another key.
   *
   * @example
   * ```ts
   * import { createLicensing } from 'heartwood'
   * import { memoryStorage } from 'heartwood/storage/memory'
   *
   * const storage = memoryStorage()
   * const oldKey = crypto.getRandomValues(new Uint8Array(32))
   * await createLicensing({ storage, masterKey: oldKey })
   *
   * const newKey = crypto.getRandomValues(new Uint8Array(32))
   * const licensing = await createLicensing({ storage, masterKey: [newKey, oldKey] })
   * const { keyCheck } = await licensing.rekey()
   * console.log(keyCheck) // true: the new key alone opens everything now
   * ```
   */
  rekey(options?: RekeyOptions): Promise<RekeyResult>
  /**
   * Calls `handler` after each change of this type that this process commits. Returns a function that ends the calls.
   *
   * The handler runs in a microtask of its own. If it throws, the process has an uncaught error, and the call that made the
   * change still succeeds. Only the app's webhook receives changes by other processes, and changes inside a host's
   * transaction ({@link Licensing.with}). The events of time, `license.expiring` and `license.expired`, need `startDelivery`.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * function logRevocations(licensing: Licensing): () => void {
   *   return licensing.on('license.revoked', ({ data }) => console.log(data.licenseId, 'was revoked'))
   * }
   * ```
   */
  on<Type extends EventType>(type: Type, handler: (event: LicensingEvent<Type>) => unknown): () => void
  idempotent<Result extends object>(
    key: IdempotencyKey,
    work: (licensing: Licensing) => Promise<Result>,
  ): Promise<IdempotentResult<Result>>
  idempotentCall<Result extends object>(
    key: IdempotencyKey,
    call: (licensing: Licensing) => Promise<Result>,
  ): Promise<IdempotentResult<Result>>
  /**
   * Licensing inside a transaction of the host's own: licenses and the host's rows commit or roll back together. Nothing is
   * signed there, so a license has the token `null`: call `licenses.token` after the commit. To create an app or to rotate,
   * give a ready `keyPair`.
   *
   * @example
   * ```ts
   * import type { Licensing, NewLicense } from 'heartwood'
   * import { kyselyStorage } from 'heartwood/storage/kysely'
   * import type { Kysely } from 'kysely'
   *
   * interface Database {
   *   readonly order: { readonly number: string }
   * }
   *
   * async function sell(db: Kysely<Database>, licensing: Licensing, license: NewLicense): Promise<void> {
   *   await db.transaction().execute(async (trx) => {
   *     await trx.insertInto('order').values({ number: '2026-0001' }).execute()
   *     await licensing.with(kyselyStorage(trx)).licenses.create('desktop-app', license)
   *   })
   * }
   * ```
   */
  with(storage: Storage): Licensing
  /**
   * Finishes the deletions that a process has begun and not ended, for example because it was killed. The deletion of an app,
   * tier or customer with more than 1,000 records takes several transactions. Nobody finds it from the first one on. A caller
   * of `delete` waits for the others, but for 3 seconds at most; then they go on without the caller.
   * `startDelivery` of `heartwood/webhooks` calls this at its start and every minute. Any number of servers may.
   *
   * Resolves to the number of deletions that this call has finished.
   */
  finishDeletions(): Promise<number>
  /** The present load of this process, and its counts since it began, for metrics of your own. */
  load(): Load
  /** Resolves if the storage answers. @throws {LicensingError} `unavailable`. */
  ping(): Promise<void>
  /** Writes the times of last use of API keys, which are batched in memory. Call it before you close the storage. */
  flush(): Promise<void>
}

const cachedKeys = 1_000
/** Some 2 KiB each. */
const cachedTokens = 5_000
/** Some 200 bytes each. */
const genuineTokens = 100_000

const optionRules: OptionRules<LicensingOptions> = {
  storage: hasMethods('a storage', 'claimKeyCheck', 'transaction'),
  masterKey: isAnything,
  issuer: isAnything,
  now: isFunction,
  newId: isFunction,
  newKeyPair: isFunction,
  keyPool: isAnything,
  signing: isAnything,
  webhooks: isAnything,
}

const webhookRules: OptionRules<WebhookOptions> = { allowPrivateTargets: isFlag }

function checkLicensingOptions(options: LicensingOptions): void {
  checkOptions(options, optionRules)
  if (options.webhooks !== undefined) checkOptions(options.webhooks, webhookRules, 'webhooks')
}

/** @throws {TypeError} for an issuer that no token may have. */
export function checkIssuer(issuer: unknown): string {
  const isText = typeof issuer === 'string' && issuer.length >= 1 && issuer.length <= 255
  // JSON escapes a control character as six, and then the longest legal license would exceed the token limit.
  if (!isText || !issuer.isWellFormed() || /\p{Cc}/u.test(issuer))
    throw new TypeError('issuer must be a string of 1 to 255 characters without control characters')
  return issuer
}

function createCaches(): Caches {
  return {
    signedTokens: promiseCache(cachedTokens),
    genuineTokens: new BoundedCache(genuineTokens),
    publicKeys: new BoundedCache(cachedKeys),
    activeKeys: promiseCache(cachedKeys),
    privateKeys: promiseCache(cachedKeys),
    tokenSecrets: new BoundedCache(cachedKeys),
  }
}

/** An id of another form would be stored, and no request could name it. */
function checkedIds(newId: (prefix: IdPrefix) => string): (prefix: IdPrefix) => string {
  return (prefix) => {
    const id = newId(prefix)
    if (!isTypeId(prefix, id))
      throw new TypeError(`newId must make a TypeID, ${prefix}_…, of a UUID (RFC 9562)`)
    return id
  }
}

async function createRuntime(options: LicensingOptions): Promise<Runtime> {
  const now = options.now ?? Date.now
  return {
    now: () => Math.floor(now() / 1000),
    newId: options.newId === undefined ? newTypeId : checkedIds(options.newId),
    keyPairs: keyPool(options.keyPool, options.newKeyPair ?? generateRsaKeyPair),
    signing: signingQueue(options.signing),
    sealer: await createSealer(options.masterKey),
    issuer: checkIssuer(options.issuer === undefined ? 'license-server' : options.issuer),
    allowPrivateTargets: options.webhooks?.allowPrivateTargets ?? false,
    caches: createCaches(),
    listeners: createListeners(),
    lastUsed: lastUsedTimes(options.storage),
    webhookAttempts: { delivered: 0, retried: 0, givenUp: 0 },
    runningRequests: new Map(),
  }
}

function bind(context: Context): Licensing {
  const { runtime } = context
  const restricted = bindRestricted(context)
  return {
    ...restricted,
    sessions: bindSessions(context, restricted.apiKeys.authenticate),
    outbox: bindOutbox(context),
    recovery: bindRecovery(context),
    restrictedTo: (principal) => bindRestricted({ ...context, principal: checkedPrincipal(principal) }),
    on: (type, handler) => runtime.listeners.on(type, handler),
    ensure: (catalogue, options) => ensure(context, catalogue, options),
    rekey: (options) => rekey(context, options),
    idempotent: (key, work) => idempotently(context, key, (within) => work(bind(within))),
    idempotentCall: (key, work) => idempotentlyOnce(context, key, (recording) => work(bind(recording))),
    with: (storage) => bind({ ...context, storage, inHostTransaction: true, unit: null }),
    finishDeletions: () => finishDeletions(context),
    load: () => loadOf(runtime),
    ping: () => context.storage.ping(),
    flush: () => runtime.lastUsed.flush(),
  }
}

/**
 * Makes licensing from a storage and a master key. A backend needs nothing else.
 *
 * @throws {LicensingError} `master_key` if the key is malformed, or is not the key that sealed this storage. Nothing has been
 * written then.
 * @throws {TypeError} that names an unknown or unusable option, never its value.
 *
 * @example
 * ```ts
 * import { createLicensing } from 'heartwood'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * const app = await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
 * console.log(app.publicKeyPem)
 * ```
 */
export async function createLicensing(options: LicensingOptions): Promise<Licensing> {
  checkLicensingOptions(options)
  const { storage } = options
  const runtime = await createRuntime(options)
  await checkMasterKey(storage, runtime.sealer)
  runtime.keyPairs.fill()
  const call = { inHostTransaction: false, recorder: null, unit: null, principal: null, app: null }
  return bind({ runtime, storage, ...call })
}
