import type { Caches, Runtime } from './context.ts'
import { isTypeId, newTypeId, type IdPrefix } from './ids.ts'
import {
  checkOptions,
  hasMethods,
  isAnything,
  isFlag,
  isFunction,
  isInteger,
  type OptionRules,
} from './input/options.ts'
import { generateRsaKeyPair } from './keys/signing-keys.ts'
import { signingQueue, type SigningOptions } from './keys/signing-queue.ts'
import { BoundedCache, promiseCache } from './runtime/cache.ts'
import { defaultQueueLimit, DeliveryQueues, maxQueueLimit } from './runtime/delivery-queues.ts'
import { keyPool, type KeyPair } from './runtime/key-pool.ts'
import { lastUsedTimes } from './runtime/last-used.ts'
import { createListeners } from './runtime/listeners.ts'
import { lastRefusals } from './runtime/refusals.ts'
import { createSealer, type MasterKey } from './runtime/sealer.ts'
import { pendingTallies } from './runtime/tallies.ts'
import type { Storage } from './storage/index.ts'

/**
 * Options of `createLicensing`.
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
  /**
   * Days for which the entries of the audit log are kept, 1 to 36,500. Default `null`, for ever. `startDelivery` of
   * `heartwood/webhooks` deletes older ones, if they are sealed and a later checkpoint is signed.
   */
  readonly auditDays?: number | null
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
  /**
   * The most events of one app that wait in its queue, 1 to 500,000; default 100,000. Further events are dropped and counted,
   * and the changes that they tell of go on. Each server counts the queue after a hundredth of this number of events of its own,
   * so several servers may together exceed it by a hundredth each, and by the events of open transactions.
   */
  readonly queueLimit?: number
}

const cachedKeys = 1_000
/** Some 2 KiB each. */
const cachedTokens = 5_000
/** Some 200 bytes each. */
const genuineTokens = 100_000

const isDays = isInteger(1, 36_500)

const isAuditDays = {
  rule: `${isDays.rule}, or null`,
  holds: (value: unknown) => value === null || isDays.holds(value),
}

const optionRules: OptionRules<LicensingOptions> = {
  storage: hasMethods('a storage', 'claimKeyCheck', 'transaction'),
  masterKey: isAnything,
  issuer: isAnything,
  now: isFunction,
  newId: isFunction,
  newKeyPair: isFunction,
  keyPool: isAnything,
  signing: isAnything,
  auditDays: isAuditDays,
  webhooks: isAnything,
}

const webhookRules: OptionRules<WebhookOptions> = {
  allowPrivateTargets: isFlag,
  queueLimit: isInteger(1, maxQueueLimit),
}

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

/** Makes the parts that every call shares. @throws {TypeError} @throws {LicensingError} for a bad option. */
export async function createRuntime(options: LicensingOptions): Promise<Runtime> {
  checkLicensingOptions(options)
  const now = options.now ?? Date.now
  return {
    now: () => Math.floor(now() / 1000),
    newId: options.newId === undefined ? newTypeId : checkedIds(options.newId),
    keyPairs: keyPool(options.keyPool, options.newKeyPair ?? generateRsaKeyPair),
    signing: signingQueue(options.signing),
    sealer: await createSealer(options.masterKey),
    issuer: checkIssuer(options.issuer === undefined ? 'license-server' : options.issuer),
    allowPrivateTargets: options.webhooks?.allowPrivateTargets ?? false,
    auditDays: options.auditDays ?? null,
    lastSealed: { place: null },
    caches: createCaches(),
    listeners: createListeners(),
    lastUsed: lastUsedTimes(options.storage),
    deliveryQueues: new DeliveryQueues(options.webhooks?.queueLimit ?? defaultQueueLimit),
    tallies: pendingTallies(options.storage),
    refusals: lastRefusals(),
    webhookAttempts: { delivered: 0, retried: 0, givenUp: 0 },
    runningRequests: new Map(),
  }
}
