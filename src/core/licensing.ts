import { bindApiKeys, type ApiKeys } from './api-keys/api-keys.ts'
import { bindApps, type Apps } from './apps.ts'
import { promiseCache } from './runtime/cache.ts'
import type { Caches, Context, Runtime } from './context.ts'
import { bindCustomers, type Customers } from './customers.ts'
import { createListeners } from './runtime/listeners.ts'
import type { EventType, LicensingEvent } from './runtime/events.ts'
import { bindFeatures, type Features } from './features.ts'
import { idempotently, type IdempotencyKey, type IdempotentResult } from './idempotency.ts'
import { newTypeId, type IdPrefix } from './ids.ts'
import { checkMasterKey } from './runtime/master-key.ts'
import { keyPool, type KeyPair } from './runtime/key-pool.ts'
import { generateRsaKeyPair } from './keys/signing-keys.ts'
import { lastUsedTimes } from './runtime/last-used.ts'
import { bindLicenses, type Licenses } from './licenses/licenses.ts'
import { loadOf, type Load } from './load.ts'
import { bindOutbox, type Outbox } from './webhooks/outbox.ts'
import { rekey, type RekeyResult, type RekeyOptions } from './rekey.ts'
import { rotateKeys, type Rotation, type RotationOptions } from './keys/rotation.ts'
import { createSealer, type MasterKey } from './runtime/sealer.ts'
import { signingQueue, type SigningOptions } from './keys/signing-queue.ts'
import type { Storage } from './storage/index.ts'
import { bindTiers, type Tiers } from './tiers.ts'
import { bindVerification, type VerificationUseCases } from './licenses/verify.ts'
import { bindWebhooks, type Webhooks } from './webhooks/webhooks.ts'

export interface LicensingOptions {
  readonly storage: Storage
  /** 32 random bytes, or the same in base64; of a list the first seals and all open. */
  readonly masterKey: MasterKey
  /** The `iss` of the tokens of apps created from now on; default `license-server`. */
  readonly issuer?: string
  /** The time in milliseconds; default `Date.now`. */
  readonly now?: () => number
  /** Makes ids; they must sort by the time they were made. Default: TypeID. */
  readonly newId?: (prefix: IdPrefix) => string
  /** Makes RSA-4096 key pairs; default: the platform's generator, off the event loop. */
  readonly newKeyPair?: () => Promise<KeyPair>
  /**
   * How many key pairs are made ahead, in memory, so that an app is created without the wait for one; a rotation always
   * makes its own. Default 0.
   */
  readonly keyPool?: number
  readonly signing?: SigningOptions
  readonly webhooks?: WebhookOptions
}

export interface WebhookOptions {
  /**
   * Lets a `webhook_url` be `http`, an address, or a name that leads to a private one: for development, and for receivers
   * inside your own network. Default false: whoever may write apps could else reach whatever this server reaches.
   */
  readonly allowPrivateTargets?: boolean
}

/** Everything Heartwood does. `app` is an app's slug or id everywhere. */
export interface Licensing {
  readonly apps: Apps
  readonly tiers: Tiers
  readonly features: Features
  readonly customers: Customers
  readonly licenses: Licenses
  readonly verification: VerificationUseCases
  readonly apiKeys: ApiKeys
  readonly webhooks: Webhooks
  /** What sends the events: see `heartwood/webhooks`. */
  readonly outbox: Outbox
  /**
   * Replaces an app's key pair. Tokens are derived and never stored, so every active license's token is under the new key
   * from then on, however many there are; tokens under the old one fail, unless a grace period was asked for.
   * @throws {LicensingError} `validation_error`, `not_found`; `conflict` when another rotation was faster.
   */
  rotateKeys(app: string, options?: RotationOptions, keyPair?: KeyPair): Promise<Rotation>
  /**
   * Reseals everything under the first master key, so that the others are no longer needed. Servers may go on meanwhile, all
   * with the same first key and the old one behind it. May be broken off and begun again: the check record is changed last,
   * so until then both keys are needed and together they open everything. Answers what had to be resealed.
   * @throws {LicensingError} `master_key` when something opens with none of the keys; `conflict` when others go on sealing
   * under another one.
   *
   * @example
   * ```ts
   * const licensing = await createLicensing({ storage, masterKey: [newKey, oldKey] })
   * await licensing.rekey()
   * ```
   */
  rekey(options?: RekeyOptions): Promise<RekeyResult>
  /**
   * Calls `handler` after each change of this kind that this process commits; answers how to stop it. It is called in a turn
   * of its own: what it throws is an uncaught error of the process, and never the failure of the call. Changes by other
   * processes, and those inside a host's transaction ({@link Licensing.with}), are told to the app's webhook alone; what
   * time does (`license.expiring`, `license.expired`) needs `startDelivery`.
   *
   * @example
   * ```ts
   * const stop = licensing.on('license.revoked', ({ data }) => console.log(data.licenseId, 'was revoked'))
   * ```
   */
  on<Type extends EventType>(type: Type, handler: (event: LicensingEvent<Type>) => unknown): () => void
  /**
   * Does work once under a key: the same key again within 24 hours gets the first answer again, with its license token as
   * it is now. The answer is kept in the transaction of the work's writes, so it holds over restarts and between servers.
   * @throws {LicensingError} `validation_error` for a malformed key; `idempotency_mismatch` when the key was used with
   * another request; `idempotency_in_progress` when the first still runs after ten seconds; whatever `work` throws.
   */
  idempotent<Answer extends object>(
    key: IdempotencyKey,
    work: (licensing: Licensing) => Promise<Answer>,
  ): Promise<IdempotentResult<Answer>>
  /**
   * Licensing inside a transaction of the host's own, so that licenses and the host's rows commit or roll back together.
   * Answers carry no token there: ask `licenses.token` after the commit. Creating an app and rotating take a ready
   * `keyPair`.
   *
   * @example
   * ```ts
   * await db.transaction().execute(async (trx) => {
   *   await trx.insertInto('order').values(order).execute()
   *   await licensing.with(kyselyStorage(trx)).licenses.create('desktop-app', license)
   * })
   * ```
   */
  with(storage: Storage): Licensing
  /** How busy this process is, and what it has done since it began, for your own metrics. */
  load(): Load
  /** Resolves when the storage answers. */
  ping(): Promise<void>
  /** Writes what is batched in memory, the times of last use of API keys: call it before the storage is closed. */
  flush(): Promise<void>
}

const cachedKeys = 1_000
/** At some 2 KiB each. */
const cachedTokens = 5_000

function checkIssuer(issuer: string): string {
  // A control character takes six in JSON: with them the longest legal license would have too long a token.
  if (issuer.length < 1 || issuer.length > 255 || !issuer.isWellFormed() || /\p{Cc}/u.test(issuer))
    throw new TypeError('issuer must be a string of 1 to 255 characters, none of them a control character')
  return issuer
}

function createCaches(): Caches {
  return {
    signedTokens: promiseCache(cachedTokens),
    verifiedTokens: promiseCache(cachedTokens),
    publicKeys: promiseCache(cachedKeys),
    privateKeys: promiseCache(cachedKeys),
    tokenSecrets: promiseCache(cachedKeys),
  }
}

async function createRuntime(options: LicensingOptions): Promise<Runtime> {
  const now = options.now ?? Date.now
  return {
    now: () => Math.floor(now() / 1000),
    newId: options.newId ?? newTypeId,
    keyPairs: keyPool(options.keyPool ?? 0, options.newKeyPair ?? generateRsaKeyPair),
    signing: signingQueue(options.signing),
    sealer: await createSealer(options.masterKey),
    issuer: checkIssuer(options.issuer ?? 'license-server'),
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
  return {
    apps: bindApps(context),
    tiers: bindTiers(context),
    features: bindFeatures(context),
    customers: bindCustomers(context),
    licenses: bindLicenses(context),
    verification: bindVerification(context),
    apiKeys: bindApiKeys(context),
    webhooks: bindWebhooks(context),
    outbox: bindOutbox(context),
    on: (type, handler) => runtime.listeners.on(type, handler),
    rotateKeys: (app, rotation, keyPair) => rotateKeys(context, app, rotation, keyPair),
    rekey: (options) => rekey(context, options),
    idempotent: (key, work) => idempotently(context, key, (recording) => work(bind(recording))),
    with: (storage) => bind({ ...context, storage, inHostTransaction: true }),
    load: () => loadOf(runtime),
    ping: () => context.storage.ping(),
    flush: () => runtime.lastUsed.flush(),
  }
}

/**
 * Makes licensing out of a storage and a master key: all that a backend needs, with no server in between.
 *
 * @throws {LicensingError} `master_key` when it is malformed or not the one this storage was sealed with; then nothing has
 * been written.
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
  const { storage } = options
  const runtime = await createRuntime(options)
  await checkMasterKey(storage, runtime.sealer)
  runtime.keyPairs.fill()
  return bind({ runtime, storage, inHostTransaction: false, recorder: null })
}
