/**
 * The storage contract: the records of licensing, and the verbs that a storage must offer, one interface a noun.
 *
 * Records are plain objects of strings, numbers, booleans, `null` and lists of strings; `metadata` is any JSON object, and
 * `lastAttempts` of a delivery a list of plain objects. A storage hands out frozen records or copies, so that changing one changes nothing stored. Times are whole seconds since 1970
 * (NumericDate, RFC 7519 section 2). The core makes ids; a storage never does.
 *
 * Expected outcomes are values (`null`, `false`). A write rejects with a `LicensingError` of code `not_found` if the app,
 * customer or tier of the record was deleted meanwhile, and of code `conflict` if its id is taken and the verb has no value
 * for that. A storage that is closed, or that does not answer, rejects with `unavailable`.
 *
 * `heartwood/testing` holds every promise made here as a runnable case.
 */

import type { ApiKeyStorage } from './api-keys.ts'
import type { AppStorage } from './apps.ts'
import type { AuditChainStorage } from './audit-chain.ts'
import type { AuditEntryStorage } from './audit-entries.ts'
import type { CustomerStorage } from './customers.ts'
import type { DeletionStorage } from './deletions.ts'
import type { DeliveryStorage } from './deliveries.ts'
import type { ExpiryNoticeStorage } from './expiry-notices.ts'
import type { FeatureStorage } from './features.ts'
import type { IdempotencyStorage } from './idempotency.ts'
import type { KeyStatementStorage } from './key-statements.ts'
import type { LicenseKeyStorage } from './license-keys.ts'
import type { LicenseStorage } from './licenses.ts'
import type { SearchStorage } from './search.ts'
import type { SecretStorage } from './secrets.ts'
import type { SigningKeyStorage } from './signing-keys.ts'
import type { SnapshotStorage } from './snapshots.ts'
import type { TallyStorage } from './tallies.ts'
import type { TierStorage } from './tiers.ts'
import type { WebhookQueueStorage } from './webhook-queues.ts'
import type { WebhookStorage } from './webhooks.ts'

export type { Metadata } from '../input/fields.ts'
export type { ApiKeyFilter, ApiKeyPatch, ApiKeyRecord, ApiKeyStorage } from './api-keys.ts'
export type { AppFilter, AppPatch, AppRecord, AppStorage, Mode } from './apps.ts'
export type {
  AuditChainPatch,
  AuditChainRecord,
  AuditChainStorage,
  AuditCheckpointRecord,
  AuditSeal,
} from './audit-chain.ts'
export type {
  ActorFilter,
  ActorType,
  AuditEntryFilter,
  AuditEntryRecord,
  AuditEntryStorage,
  AuditPruning,
  UpdateNote,
} from './audit-entries.ts'
export type { CustomerFilter, CustomerPatch, CustomerRecord, CustomerStorage } from './customers.ts'
export type { DeletedPage, DeletionPage, DeletionRecord, DeletionStorage } from './deletions.ts'
export type {
  DeliveryAttempt,
  DeliveryFilter,
  DeliveryPatch,
  DeliveryRecord,
  DeliveryStorage,
  FailedPosition,
  LeaseRequest,
  RetriedPage,
  RetryPage,
} from './deliveries.ts'
export type { EndingLicenses, ExpiryNotice, ExpiryNoticeStorage } from './expiry-notices.ts'
export type { FeaturePatch, FeatureRecord, FeatureStorage } from './features.ts'
export type { IdempotencyStorage, StoredResponsePage, StoredResponseRecord } from './idempotency.ts'
export type { KeyStatementRecord, KeyStatementStorage } from './key-statements.ts'
export type {
  EndingLicenseKeys,
  LicenseKeyFilter,
  LicenseKeyPatch,
  LicenseKeyRecord,
  LicenseKeyStorage,
  SaleEnding,
  SeatClaims,
  SeatReissue,
  SeatRelease,
  Seating,
} from './license-keys.ts'
export type {
  LicenseFilter,
  LicenseOrder,
  LicensePatch,
  LicenseRecord,
  LicenseStorage,
  RegeneratedPage,
  RegenerationPage,
  RevokedCause,
  SeenCount,
  SeenFilter,
} from './licenses.ts'
export type { Page, Position } from './page.ts'
export type { SearchHit, SearchKind, SearchRequest, SearchStorage } from './search.ts'
export type { SecretLocation, SecretStorage } from './secrets.ts'
export type { Retirement, RetirementReason, SigningKeyRecord, SigningKeyStorage } from './signing-keys.ts'
export type {
  SnapshotClaim,
  SnapshotRecord,
  SnapshotStorage,
  StatusCounts,
  StatusFilter,
  TierCounts,
} from './snapshots.ts'
export type { TallyFilter, TallyRecord, TallyStorage } from './tallies.ts'
export type { TierPatch, TierRecord, TierStorage } from './tiers.ts'
export type { NumericDate } from './time.ts'
export type { WebhookQueue, WebhookQueueStorage } from './webhook-queues.ts'
export type { WebhookPatch, WebhookRecord, WebhookStorage } from './webhooks.ts'

/** Every verb of a storage. A transaction has the same verbs. */
export interface StorageSession
  extends
    AppStorage,
    SigningKeyStorage,
    KeyStatementStorage,
    TierStorage,
    FeatureStorage,
    CustomerStorage,
    LicenseStorage,
    LicenseKeyStorage,
    ExpiryNoticeStorage,
    ApiKeyStorage,
    WebhookStorage,
    DeliveryStorage,
    IdempotencyStorage,
    SecretStorage,
    SearchStorage,
    DeletionStorage,
    AuditEntryStorage,
    AuditChainStorage,
    TallyStorage,
    SnapshotStorage,
    WebhookQueueStorage {}

/** The way in which a transaction runs. */
export interface TransactionOptions {
  /**
   * True for work that takes long. A storage may run short transactions of several callers as one, in which they wait for each
   * other. It must not do so with this one. Default: `false`.
   */
  readonly alone?: boolean | undefined
}

/**
 * A place for the records of licensing.
 *
 * To wrap a storage, inherit its verbs with `Object.create(storage)`: see `examples/own-storage.ts`. A storage may be an
 * instance of a class, whose verbs a spread (`{ ...storage }`) would lose.
 */
export interface Storage extends StorageSession {
  /**
   * Runs `work` as one transaction: commits when `work` resolves, rolls back and rethrows when it rejects. Nobody outside
   * sees its writes before the commit, and guarded verbs hold across concurrent transactions. Use only `tx` inside `work`: a
   * storage with one writer lets another write wait for the end of the transaction.
   * If a verb of `tx` rejects, the transaction rejects with its error, even if `work` caught that.
   *
   * A storage may run `work` again after a deadlock or a serialization failure, so `work` must have no effects except on `tx`.
   * A storage may commit several transactions at once; it still undoes one that rejects alone, and resolves after the commit.
   */
  transaction<T>(work: (tx: StorageSession) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Resolves if the storage answers. */
  ping(): Promise<void>
  /** Waits for the calls under way, and then releases files and connections. It may be called twice. */
  close(): Promise<void>
}
