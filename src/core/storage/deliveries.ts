import { Type } from '@sinclair/typebox'
import { instant, integer, nullable, oneOf, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { day } from '../time.ts'
import type { Page } from './page.ts'
import { counter, id, version, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** One event on its way to an app's webhook. It outlives its license, but not its app. */
export interface DeliveryRecord {
  readonly id: string
  readonly appId: string
  /** The `webhook-id`, the same on every attempt. */
  readonly eventId: string
  readonly type: string
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
  /**
   * The time at which it is due. While a server leases the delivery, this is the end of the lease. `null` unless it is
   * pending.
   */
  readonly dueAt: NumericDate | null
  readonly createdAt: NumericDate
  /** Rises with every write. `updateDelivery` compares it. */
  readonly version: number
}

export const deliveryRecord: RecordSchema<DeliveryRecord> = input<DeliveryRecord>()(
  Type.Object({
    id: id('whd', 'Id of the delivery'),
    appId: id('app', 'App of the delivery'),
    eventId: id('evt', 'The webhook-id of every attempt'),
    type: text('Type of the event', 1, 63),
    payload: text('The body of the request: ids and status, no tokens and no keys', 2, 65_536),
    priority: integer('0 goes before 1', 0, 1),
    state: oneOf('State of the delivery; a failed one can be sent again', ['pending', 'delivered', 'failed']),
    attempts: counter('Number of attempts', 0),
    lastStatus: nullable(integer('HTTP status of the last attempt; null without a response', 0, 999)),
    lastError: nullable(text('Error of the last attempt', 0, 4096)),
    lastAttemptAt: nullable(instant('Time of the last attempt')),
    dueAt: nullable(instant('Time of the next attempt; null unless pending')),
    createdAt: instant('Time of the event'),
    version: version(0),
  }),
)

/** The fields of a delivery that may change; `version` rises by itself. */
export type DeliveryPatch = Partial<
  Pick<DeliveryRecord, 'state' | 'attempts' | 'lastStatus' | 'lastError' | 'lastAttemptAt' | 'dueAt'>
>

export interface DeliveryFilter {
  readonly appId: string
  readonly state?: DeliveryRecord['state'] | undefined
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
