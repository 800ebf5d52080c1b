import { Type, type TInteger, type TNull, type TObject, type TString, type TUnion } from '@sinclair/typebox'
import { instant, integer, nullable, oneOf, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { day } from '../time.ts'
import type { Page } from './page.ts'
import { counter, id, version, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** One attempt to send an event. */
export interface DeliveryAttempt {
  /** The time of its outcome. */
  readonly attemptedAt: NumericDate
  /** The HTTP status, or `null` if there was no response. */
  readonly status: number | null
  /** The reason why it failed, in words of Heartwood; `null` if it did not. Nothing of the response is kept. */
  readonly error: string | null
  /** Its length in milliseconds; `null` if the sender does not say. */
  readonly durationMs: number | null
}

/** The most attempts that a delivery remembers. */
export const rememberedAttempts = 10

/** One event on its way to an app's webhook. It outlives its license, but not its app. */
export interface DeliveryRecord {
  readonly id: string
  readonly appId: string
  /** The `webhook-id`, the same on every attempt. */
  readonly eventId: string
  readonly type: string
  /** The license of an event about one license, which may be gone. */
  readonly licenseId: string | null
  /** The body of the request, to the byte. */
  readonly payload: string
  /** 0 goes before 1. */
  readonly priority: number
  readonly state: 'pending' | 'delivered' | 'failed'
  readonly attempts: number
  /** The HTTP status of the last attempt, or `null` if there was no response. */
  readonly lastStatus: number | null
  /** The reason why the last attempt failed. */
  readonly lastError: string | null
  readonly lastAttemptAt: NumericDate | null
  /** The last attempts, the latest last. A retry by hand keeps them. */
  readonly lastAttempts: readonly DeliveryAttempt[]
  /**
   * The time at which it is due. While a server leases the delivery, this is the end of the lease. `null` unless it is
   * pending.
   */
  readonly dueAt: NumericDate | null
  readonly createdAt: NumericDate
  /** Rises with every write. `updateDelivery` compares it. */
  readonly version: number
}

const httpStatus = (meaning: string): TUnion<[TInteger, TNull]> => nullable(integer(meaning, 0, 999))
const failure = (meaning: string): TUnion<[TString, TNull]> => nullable(text(meaning, 0, 4096))

const attempt: TObject = Type.Object(
  {
    attemptedAt: instant('Time of the attempt'),
    status: httpStatus('HTTP status; null without a response'),
    error: failure('Error; null for a success'),
    durationMs: nullable(integer('Length in milliseconds', 0, 2 ** 31 - 1)),
  },
  { additionalProperties: false, description: 'An attempt to send the event' },
)

export const deliveryRecord: RecordSchema<DeliveryRecord> = input<DeliveryRecord>()(
  Type.Object({
    id: id('whd', 'Id of the delivery'),
    appId: id('app', 'App of the delivery'),
    eventId: id('evt', 'The webhook-id of every attempt'),
    type: text('Type of the event', 1, 63),
    licenseId: nullable(id('lic', 'License of an event about one license')),
    payload: text('The body of the request: ids and status, no tokens and no keys', 2, 65_536),
    priority: integer('0 goes before 1', 0, 1),
    state: oneOf('State of the delivery; a failed one can be sent again', ['pending', 'delivered', 'failed']),
    attempts: counter('Number of attempts', 0),
    lastStatus: httpStatus('HTTP status of the last attempt; null without a response'),
    lastError: failure('Error of the last attempt'),
    lastAttemptAt: nullable(instant('Time of the last attempt')),
    lastAttempts: Type.Unsafe<readonly DeliveryAttempt[]>(
      Type.Array(attempt, {
        description: 'The last attempts, the latest last',
        maxItems: rememberedAttempts,
        rule: `must be a list of at most ${rememberedAttempts} attempts`,
      }),
    ),
    dueAt: nullable(instant('Time of the next attempt; null unless pending')),
    createdAt: instant('Time of the event'),
    version: version(0),
  }),
)

/** The fields of a delivery that may change; `version` rises by itself. */
export type DeliveryPatch = Partial<
  Pick<
    DeliveryRecord,
    'state' | 'attempts' | 'lastStatus' | 'lastError' | 'lastAttemptAt' | 'lastAttempts' | 'dueAt'
  >
>

export interface DeliveryFilter {
  readonly appId: string
  readonly state?: DeliveryRecord['state'] | undefined
  readonly type?: string | undefined
  readonly licenseId?: string | undefined
}

/** The place of a failed delivery in the order of {@link DeliveryStorage.retryDeliveries}. */
export interface FailedPosition {
  readonly createdAt: NumericDate
  readonly id: string
}

/** One page of the failed deliveries of an app that are sent again. */
export interface RetryPage {
  readonly appId: string
  /** Takes deliveries that were created at this time or later. */
  readonly since: NumericDate
  /** The time at which they are due. */
  readonly now: NumericDate
  readonly limit: number
  /** `last` of the page before. */
  readonly after?: FailedPosition | undefined
}

/** The outcome of one page of a retry. */
export interface RetriedPage {
  readonly count: number
  /** The last delivery of a full page; `null` if fewer than a page were left. */
  readonly last: FailedPosition | null
}

/** The deliveries that a server wants to lease. */
export interface LeaseRequest {
  readonly appId: string
  /** Leases deliveries that are due at this time. */
  readonly now: NumericDate
  /** The end of the lease. No other server may take the deliveries before it. */
  readonly until: NumericDate
  readonly limit: number
}

/**
 * Two days in seconds, longer than any pause or lease. A clock that ran ahead wrote a `dueAt` that is further away than
 * this.
 */
export const furthestDue: number = 2 * day

/** True if a delivery with this `dueAt` is due as of `now`, or if only a wrong clock can have written `dueAt`. */
export function isDue(dueAt: NumericDate, now: NumericDate): boolean {
  return dueAt <= now || dueAt > now + furthestDue
}

/** The queue of events on their way to webhooks. */
export interface DeliveryStorage {
  insertDelivery(delivery: DeliveryRecord): Promise<void>
  findDelivery(appId: string, id: string): Promise<DeliveryRecord | null>
  /**
   * Writes `patch` and adds one to `version`, but only while `version` equals `expectedVersion`; `null` otherwise. A server
   * therefore cannot write the outcome of a delivery that another server has leased meanwhile.
   */
  updateDelivery(id: string, expectedVersion: number, patch: DeliveryPatch): Promise<DeliveryRecord | null>
  /** Newest first. */
  listDeliveries(filter: DeliveryFilter, page: Page): Promise<readonly DeliveryRecord[]>
  countDeliveries(filter: DeliveryFilter): Promise<number>
  /** The number of an app's pending deliveries, leased ones too. Counts to `limit` and no further, so it costs no more than that. */
  countPendingDeliveries(appId: string, limit: number): Promise<number>
  /**
   * Makes failed deliveries pending, due, and without attempts, in one step: the oldest first, by `createdAt` and then by `id`.
   * Their `version` rises. Others stay as they are, so a second call changes nothing more.
   */
  retryDeliveries(page: RetryPage): Promise<RetriedPage>
  /**
   * The ids of all apps that have deliveries due as of `now`, in any order. A delivery that is due more than two days later
   * counts as due, because only a clock that ran ahead can have written that time.
   */
  listAppsWithDueDeliveries(now: NumericDate): Promise<readonly string[]>
  /**
   * Leases an app's due deliveries: those of lower `priority` first, then those that became due first. Each gets `until` as
   * its `dueAt`, and its `version` rises. No two concurrent callers get the same delivery.
   */
  leaseDeliveries(request: LeaseRequest): Promise<readonly DeliveryRecord[]>
  /**
   * Deletes at most `limit` deliveries that were created before `before` and are not pending. Resolves to the number of
   * deleted deliveries.
   */
  pruneDeliveries(before: NumericDate, limit: number): Promise<number>
}
