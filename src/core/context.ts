import type { AttemptCounts } from './attempt-counts.ts'
import type { PromiseCache } from './runtime/cache.ts'
import type { EventHub } from './runtime/listeners.ts'
import type { IdPrefix } from './ids.ts'
import type { KeyPool } from './runtime/key-pool.ts'
import type { LastUses } from './runtime/last-used.ts'
import type { Sealer } from './runtime/sealer.ts'
import type { NumericDate, Storage, StorageSession } from './storage/index.ts'
import type { LicenseClaims } from './token/token.ts'
import type { WorkQueue } from './runtime/work-queue.ts'

/** Keeps what a use case will answer. */
export interface Keeper {
  /** In the transaction of its writes, which a storage may run again. */
  keep(tx: StorageSession, answer: object): Promise<void>
  /** Once that is committed. */
  kept(): void
}

/** What every use case works with: its first argument. */
export interface Context {
  readonly storage: Storage
  /** The time in whole seconds. */
  readonly now: () => NumericDate
  readonly newId: (prefix: IdPrefix) => string
  readonly keyPairs: KeyPool
  readonly sealer: Sealer
  /** The issuer that new apps get. */
  readonly issuer: string
  /** Whether work may wait for a signature or a key pair: not inside a host's transaction, which would be held open. */
  readonly lent: boolean
  /** `null` where no idempotency key asks for an answer to be kept. */
  readonly keeper: Keeper | null
  /** The requests under an idempotency key that run now, in this process. */
  readonly running: Map<string, Promise<unknown>>
  /** Who in this process hears of what was committed. */
  readonly hub: EventHub
  /** Whether webhooks may go to `http` and to private addresses. */
  readonly allowPrivateTargets: boolean
  /** When API keys were last used, not yet written. */
  readonly lastUses: LastUses
  /** Counts how attempts to send events ended. */
  readonly webhookAttempts: { -readonly [Ending in keyof AttemptCounts]: number }
  /** Where signatures are made. */
  readonly signing: WorkQueue
  /** Signed tokens by key and claims, and the claims of verified ones by keys and token: neither says what holds now. */
  readonly signedTokens: PromiseCache<string>
  readonly verifiedTokens: PromiseCache<LicenseClaims>
  /** Imported keys: public and private ones by kid, token secrets by app id. */
  readonly publicKeys: PromiseCache<CryptoKey>
  readonly privateKeys: PromiseCache<CryptoKey>
  readonly tokenSecrets: PromiseCache<CryptoKey>
}
