import type { AppRecord, DeliveryRecord, LicenseRecord, NumericDate } from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'
import { isoTime, snakeCase } from '../wire.ts'

/** The data of an event about one license: ids and state, never a token. Times are whole seconds since 1970. */
export interface LicenseEventData {
  readonly licenseId: string
  /** Rises with every event of the license. The higher of two holds the later state. */
  readonly sequence: number
  readonly installationId: string
  readonly customerId: string
  readonly tierId: string | null
  readonly tier: string
  readonly status: 'active' | 'expired' | 'revoked'
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
}

/** The data of a bulk regeneration, which emits one event for all its licenses. */
export interface BulkEventData {
  readonly licensesRegenerated: number
  /** The tier that it was limited to; `null` for every tier. */
  readonly tierId: string | null
  /** The customer that it was limited to; `null` for every customer. */
  readonly customerId: string | null
}

/** The data of a key rotation. */
export interface RotationEventData {
  /** The thumbprint (RFC 7638) of the new key. */
  readonly kid: string
  readonly licensesResigned: number
}

/** The data of each event type. */
export interface EventData {
  readonly 'license.created': LicenseEventData
  readonly 'license.updated': LicenseEventData
  readonly 'license.regenerated': LicenseEventData
  readonly 'license.revoked': LicenseEventData
  readonly 'license.reinstated': LicenseEventData
  readonly 'license.expiring': LicenseEventData
  readonly 'license.expired': LicenseEventData
  readonly 'license.deleted': LicenseEventData
  readonly 'licenses.regenerated': BulkEventData
  readonly 'app.keys_rotated': RotationEventData
  readonly 'webhook.test': Readonly<Record<never, never>>
}

export type EventType = keyof EventData

/** The event types about one license. */
export type LicenseEventType = Exclude<
  EventType,
  'licenses.regenerated' | 'app.keys_rotated' | 'webhook.test'
>

/**
 * An event, as handlers in this process receive it.
 *
 * @example
 * ```ts
 * import type { LicensingEvent } from 'heartwood'
 *
 * function describe({ type, app, time }: LicensingEvent): string {
 *   return `${new Date(time * 1000).toISOString()} ${app}: ${type}`
 * }
 * ```
 */
export interface LicensingEvent<Type extends EventType = EventType> {
  /** `evt_…`, the `webhook-id` of its delivery. */
  readonly id: string
  readonly type: Type
  /** Whole seconds since 1970. */
  readonly time: NumericDate
  readonly appId: string
  /** The app's slug. */
  readonly app: string
  readonly data: EventData[Type]
}

/** An event before it has its id, time and app. */
export type EventDraft = {
  [Type in EventType]: { readonly type: Type; readonly data: EventData[Type] }
}[EventType]

/** Each event type and its occasion. `docs/reference.md` is made from it. */
export const eventTypes: Readonly<Record<EventType, string>> = {
  'license.created': 'A license was issued',
  'license.updated': 'A license was changed by PUT. If a claim changed, its token was regenerated too',
  'license.regenerated': 'A license was regenerated, by a secret key or by its own token',
  'license.revoked': 'A license was revoked',
  'license.reinstated': 'A revocation was undone',
  'license.expiring': 'A license ends within 7 days. Sent once for each end date',
  'license.expired': 'A license has ended. Sent once for each end date',
  'license.deleted': 'A license or its customer was deleted',
  'licenses.regenerated': 'One call regenerated many licenses. It holds their number and the filter',
  'app.keys_rotated': 'The signing key of the app was replaced',
  'webhook.test': 'Somebody called webhook-test',
}

/** An event about a license in its state after the change. */
export function licenseEvent(type: LicenseEventType, license: LicenseRecord, now: NumericDate): EventDraft {
  const data: LicenseEventData = {
    licenseId: license.id,
    sequence: license.version,
    installationId: license.installationId,
    customerId: license.customerId,
    tierId: license.tierId,
    tier: license.tier,
    status: statusOf(license, now),
    expiresAt: license.expiresAt,
    revokedAt: license.revokedAt,
  }
  return { type, data }
}

function wired(data: object): object {
  const fields = Object.entries(data).map(([name, value]) => [
    snakeCase(name),
    /(At|Until)$/.test(name) && typeof value === 'number' ? isoTime(value) : (value as unknown),
  ])
  return Object.fromEntries(fields) as object
}

/** The body of a webhook by Standard Webhooks, to the byte: `type`, `timestamp` and `data`. */
export function payloadOf({ type, time, appId, app, data }: LicensingEvent): string {
  return JSON.stringify({ type, timestamp: isoTime(time), data: wired({ appId, app, ...data }) })
}

/** The record of an event that waits to be sent. A revocation goes first. */
export function deliveryOf(id: string, event: LicensingEvent, app: AppRecord): DeliveryRecord {
  return {
    id,
    appId: app.id,
    eventId: event.id,
    type: event.type,
    payload: payloadOf(event),
    priority: event.type === 'license.revoked' ? 0 : 1,
    state: 'pending',
    attempts: 0,
    lastStatus: null,
    lastError: null,
    lastAttemptAt: null,
    dueAt: event.time,
    createdAt: event.time,
    version: 1,
  }
}
