import type { Actor } from './actor.ts'
import type { IdPrefix } from './ids.ts'
import type { AttemptCounts } from './load.ts'
import type { Principal } from './principal.ts'
import type { BoundedCache, PromiseCache } from './runtime/cache.ts'
import type { MacSecret, SignatureKey } from './runtime/crypto.ts'
import type { DeliveryQueues } from './runtime/delivery-queues.ts'
import type { KeyPair, KeyPool } from './runtime/key-pool.ts'
import type { LastUsedTimes } from './runtime/last-used.ts'
import type { Listeners } from './runtime/listeners.ts'
import type { Refusals } from './runtime/refusals.ts'
import type { Sealer } from './runtime/sealer.ts'
import type { Tallies } from './runtime/tallies.ts'
import type { WorkQueue } from './runtime/work-queue.ts'
import type { AppRecord, NumericDate, SigningKeyRecord, Storage, StorageSession } from './storage/index.ts'
import type { TokenState } from './token/decision.ts'

/** Stores the result of a use case under an idempotency key. */
export interface IdempotencyRecorder {
  /** Stores the result in the transaction of the writes. A storage may run that again. */
  record(tx: StorageSession, result: object): Promise<void>
  /** Notes that the transaction was committed. */
  committed(): void
}

/** Work under an idempotency key, with all of its writes in one transaction. */
export interface WorkUnit {
  /** The storage of the work. Its first write begins the transaction. */
  readonly storage: Storage
  /** Runs `action` once the transaction is committed. */
  afterCommit(action: () => void): void
  /** Makes a key pair. A further run of the work gets the pair of the run before. @throws {TypeError} after a write. */
  keyPair(make: () => Promise<KeyPair>): Promise<KeyPair>
}

/** The part of a genuine token that decides. It is small, because the memory holds many. */
export interface GenuineToken extends TokenState {
  /** The key that verified it: a token need not name its key. */
  readonly key: SignatureKey
  readonly licenseId: string
  readonly revision: number
}

/** Results of costly work, by content. They prove a signature and nothing else: a license's state is always read. */
export interface Caches {
  /** Signed tokens, by key and claims. */
  readonly signedTokens: PromiseCache<string>
  /** Genuine tokens, by a hash of app and token. */
  readonly genuineTokens: BoundedCache<GenuineToken>
  /** Imported public keys, by kid. */
  readonly publicKeys: BoundedCache<SignatureKey>
  /** The signing keys that were active when they were last read, by app id. Another server may have rotated since. */
  readonly activeKeys: PromiseCache<SigningKeyRecord>
  /** Imported private keys, by kid. */
  readonly privateKeys: PromiseCache<CryptoKey>
  /** Imported token secrets, by app id. */
  readonly tokenSecrets: BoundedCache<MacSecret>
}

/** Parts that `createLicensing` makes once. Every call shares them. */
export interface Runtime {
  /** The time in whole seconds since 1970. */
  readonly now: () => NumericDate
  readonly newId: (prefix: IdPrefix) => string
  /** The `iss` of apps created from now on. */
  readonly issuer: string
  /** True if webhooks may go to `http` and to private addresses. */
  readonly allowPrivateTargets: boolean
  /** Days for which audit entries are kept; `null` for ever. */
  readonly auditDays: number | null
  /** The last entry that this process has sealed; `null` if it has sealed none. */
  readonly lastSealed: { place: { readonly seq: number; readonly mac: string } | null }
  readonly sealer: Sealer
  readonly keyPairs: KeyPool
  /** The queue in which tokens are signed. */
  readonly signing: WorkQueue
  readonly caches: Caches
  readonly listeners: Listeners
  /** Times of last use of API keys, not yet written. */
  readonly lastUsed: LastUsedTimes
  readonly deliveryQueues: DeliveryQueues
  /** Numbers for the statistics of apps, not yet written. */
  readonly tallies: Tallies
  /** The last requests that the servers of this process refused. */
  readonly refusals: Refusals
  readonly webhookAttempts: { -readonly [Ending in keyof AttemptCounts]: number }
  /** Requests under an idempotency key that run now, in this process. */
  readonly runningRequests: Map<string, Promise<unknown>>
}

/** The first argument of every use case: the shared parts, and the state of this call. */
export interface Context {
  readonly runtime: Runtime
  readonly storage: Storage
  /** True inside a transaction of the host's own. Nothing may wait there for a signature or a key pair. */
  readonly inHostTransaction: boolean
  /** `null` unless the call is one use case under an idempotency key. */
  readonly recorder: IdempotencyRecorder | null
  /** `null` unless the call is a part of work under an idempotency key. Nothing is signed there. */
  readonly unit: WorkUnit | null
  /** The API key that restricts the call; `null` for the host. */
  readonly principal: Principal | null
  /** The one who acts. */
  readonly actor: Actor
  /** The id of the request, which the audit log keeps; `null` outside any. */
  readonly requestId: string | null
  /** The app that `authorize` has read for this request. It is not read again. */
  readonly app: AppRecord | null
}
