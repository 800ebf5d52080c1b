import type { NumericDate } from './numeric-date.ts'
import type { Page } from './page.ts'

/** What an app's webhook is signed with, and whether it is switched off. */
export interface WebhookRecord {
  readonly appId: string
  /** Sealed. */
  readonly secret: string
  /** The one before, sealed, and until when it signs as well. */
  readonly previousSecret: string | null
  readonly previousUntil: NumericDate | null
  /** How many deliveries in a row have failed for good. */
  readonly failures: number
  readonly disabledAt: NumericDate | null
  /** Rises with every write; what `updateWebhook` compares. */
  readonly version: number
}

/** What of a webhook may be changed; `version` rises by itself. */
export type WebhookPatch = Partial<Omit<WebhookRecord, 'appId' | 'version'>>

/** One event on its way to an app's webhook. It outlives the license that it tells of, but not the app. */
export interface DeliveryRecord {
  readonly id: string
  readonly appId: string
  /** The `webhook-id`, the same on every attempt. */
  readonly eventId: string
  readonly type: string
  /** What is sent, to the byte. */
  readonly payload: string
  /** 0 goes before 1. */
  readonly priority: number
  readonly state: 'pending' | 'delivered' | 'failed'
  readonly attempts: number
  /** The HTTP status of the last attempt, `null` when none came. */
  readonly lastStatus: number | null
  /** What was wrong with the last attempt. */
  readonly lastError: string | null
  readonly lastAttemptAt: NumericDate | null
  /** When it is due; while a server holds it, when others may take it. `null` unless pending. */
  readonly dueAt: NumericDate | null
  readonly createdAt: NumericDate
  /** Rises with every write; what `updateDelivery` compares. */
  readonly version: number
}

/** What of a delivery may be changed; `version` rises by itself. */
export type DeliveryPatch = Partial<
  Pick<DeliveryRecord, 'state' | 'attempts' | 'lastStatus' | 'lastError' | 'lastAttemptAt' | 'dueAt'>
>

export interface DeliveryFilter {
  readonly appId: string
  readonly state?: DeliveryRecord['state']
}

/** Which deliveries a server takes upon itself. */
export interface LeaseRequest {
  readonly appId: string
  /** Those due by then. */
  readonly now: NumericDate
  /** For so long no other server may take them. */
  readonly until: NumericDate
  readonly limit: number
}

/** That a license's end was told of. */
export interface ExpiryNotice {
  readonly licenseId: string
  readonly type: 'license.expiring' | 'license.expired'
  /** The end that was told of. */
  readonly expiresAt: NumericDate
}

/** What the outbox asks of a storage: events that wait to be sent, and what sending them needs. */
export interface OutboxStorage {
  /** `null` before the first {@link insertWebhook}. */
  findWebhook(appId: string): Promise<WebhookRecord | null>
  /** Writes the webhook if the app has none yet, and resolves to the one that stands: of concurrent callers one wins. */
  insertWebhook(webhook: WebhookRecord): Promise<WebhookRecord>
  /** Writes `patch` and adds one to `version`, but only while `version` equals `expectedVersion`; `null` otherwise. */
  updateWebhook(appId: string, expectedVersion: number, patch: WebhookPatch): Promise<WebhookRecord | null>

  insertDelivery(delivery: DeliveryRecord): Promise<void>
  findDelivery(appId: string, id: string): Promise<DeliveryRecord | null>
  /**
   * Writes `patch` and adds one to `version`, but only while `version` equals `expectedVersion`; `null` otherwise. So
   * what a server says of a delivery that another one has taken over meanwhile is not written.
   */
  updateDelivery(id: string, expectedVersion: number, patch: DeliveryPatch): Promise<DeliveryRecord | null>
  /** Newest first. */
  listDeliveries(filter: DeliveryFilter, page: Page): Promise<readonly DeliveryRecord[]>
  countDeliveries(filter: DeliveryFilter): Promise<number>
  /**
   * The ids of all apps with deliveries due as of `now`, in any order. What is due more than two days ahead of it is due as
   * well: only a clock that ran ahead can have written that.
   */
  listAppsWithDueDeliveries(now: NumericDate): Promise<readonly string[]>
  /**
   * Takes an app's due deliveries, of lower `priority` first, then in the order in which they became due: each gets
   * `until` as its `dueAt`, and its `version` rises. Of any number of concurrent callers no two get the same one.
   */
  leaseDeliveries(claim: LeaseRequest): Promise<readonly DeliveryRecord[]>
  /** Forgets at most `limit` deliveries that were made before `before` and are not pending; resolves to how many. */
  pruneDeliveries(before: NumericDate, limit: number): Promise<number>

  /** Resolves to `false`, writing nothing, when the same was noted before. Goes with the license. */
  insertExpiryNotice(notice: ExpiryNotice): Promise<boolean>
  /** What was noted of these licenses, in any order. */
  listExpiryNotices(licenseIds: readonly string[]): Promise<readonly ExpiryNotice[]>
  /**
   * Notes that the clock of a server shows `now`. Resolves to the time since which no sighting was further than
   * `tolerance` from the one before it, in either direction: the first sighting after a leap begins anew.
   */
  recordClockReading(now: NumericDate, tolerance: number): Promise<NumericDate>
}
