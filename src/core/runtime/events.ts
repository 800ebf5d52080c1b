import type {
  AppRecord,
  DeliveryRecord,
  LicenseKeyRecord,
  LicenseRecord,
  NumericDate,
  RevokedCause,
} from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'
import { isoTime, isTimeName, snakeCase } from '../wire.ts'

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
  /** The license key that it is a seat of; `null` for a license without one. */
  readonly licenseKeyId: string | null
}

/** The data of `license.released`: a seat of a license key was given back. */
export interface ReleaseEventData extends LicenseEventData {
  /** `released` by its holder or the vendor, `lapsed` after silence, `replaced` or `moved` by another activation. */
  readonly cause: RevokedCause | null
}

/** The data of an event about one license key: ids and state, never its text. Times are whole seconds since 1970. */
export interface LicenseKeyEventData {
  readonly licenseKeyId: string
  /** Rises with every event of the license key. The higher of two holds the later state. */
  readonly sequence: number
  readonly customerId: string
  readonly tierId: string | null
  readonly tier: string
  readonly status: 'active' | 'expired' | 'revoked'
  readonly expiresAt: NumericDate | null
  readonly revokedAt: NumericDate | null
  /** Seats that were sold. */
  readonly seats: number
  /** Seats that are taken. */
  readonly seatsUsed: number
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
  /** The `seq` of its statement in `trust.json`. */
  readonly seq: number
  /** True if the statement revokes the old key. */
  readonly compromised: boolean
}

/** The data of a new recovery set. */
export interface RecoveryEventData {
  /** The `seq` of its statement in `trust.json`. */
  readonly seq: number
  /** The number of recovery keys that must sign. */
  readonly threshold: number
  /** The thumbprints (RFC 7638) of the recovery keys. */
  readonly kids: readonly string[]
}

/** The data of a revocation of earlier signing keys. */
export interface RevokedKeysEventData {
  /** The `seq` of its statement in `trust.json`. */
  readonly seq: number
  /** The thumbprints (RFC 7638) of the revoked keys. */
  readonly kids: readonly string[]
}

/** The data of a checkpoint of the audit log. */
export interface CheckpointEventData {
  /** The place of the last entry that it covers. */
  readonly seq: number
  /** The `mac` of that entry. */
  readonly head: string
  /** The signed statement (RFC 7515 section 7.1). Keep it where nobody who can change the database can change it. */
  readonly checkpoint: string
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
  readonly 'license.activated': LicenseEventData
  readonly 'license.released': ReleaseEventData
  readonly 'license_key.created': LicenseKeyEventData
  readonly 'license_key.updated': LicenseKeyEventData
  readonly 'license_key.rolled': LicenseKeyEventData
  readonly 'license_key.revoked': LicenseKeyEventData
  readonly 'license_key.reinstated': LicenseKeyEventData
  readonly 'license_key.deleted': LicenseKeyEventData
  readonly 'license_key.expiring': LicenseKeyEventData
  readonly 'license_key.expired': LicenseKeyEventData
  readonly 'license_key.over_seats': LicenseKeyEventData
  readonly 'license_key.seat_limit_reached': LicenseKeyEventData
  readonly 'licenses.regenerated': BulkEventData
  readonly 'app.keys_rotated': RotationEventData
  readonly 'app.keys_revoked': RevokedKeysEventData
  readonly 'app.recovery_set': RecoveryEventData
  readonly 'audit.checkpoint': CheckpointEventData
  readonly 'webhook.test': Readonly<Record<never, never>>
}

export type EventType = keyof EventData

/** The event types about one license key. */
export type LicenseKeyEventType = Extract<EventType, `license_key.${string}`>

/** The event types about one license. */
export type LicenseEventType = Exclude<Extract<EventType, `license.${string}`>, 'license.released'>

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
  [Type in EventType]: {
    readonly type: Type
    readonly data: EventData[Type]
    /** Seats that the change of a license key has revoked, for the statistics of the app. */
    readonly revokedSeats?: number
  }
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
  'license.activated': 'An installation took a seat of a license key. It takes the place of license.created',
  'license.released': 'A seat of a license key was given back. It holds the cause',
  'license_key.created': 'A license key was made',
  'license_key.updated': 'A license key was changed, and its seats with it',
  'license_key.rolled': 'A license key got a new text',
  'license_key.revoked': 'A license key was revoked, and its seats with it',
  'license_key.reinstated': 'The revocation of a license key was undone',
  'license_key.deleted': 'A license key or its customer was deleted, and its seats with it',
  'license_key.expiring': 'A license key ends within 7 days. Sent once for each end date',
  'license_key.expired': 'A license key has ended. Sent once for each end date',
  'license_key.over_seats': 'A license key was changed to fewer seats than are taken',
  'license_key.seat_limit_reached': 'An installation found no free seat. Sent once an hour at most',
  'licenses.regenerated': 'One call regenerated many licenses. It holds their number and the filter',
  'app.keys_rotated': 'The signing key of the app was replaced',
  'app.keys_revoked': 'Recovery keys revoked earlier signing keys of the app',
  'app.recovery_set': 'The app got recovery keys, or others in place of them',
  'audit.checkpoint': 'The audit log grew, and the app has signed how far. Keep it elsewhere',
  'webhook.test': 'Somebody called webhook-test',
}

/** An event about a license in its state after the change. */
export function licenseEvent(type: LicenseEventType, license: LicenseRecord, now: NumericDate): EventDraft {
  return { type, data: licenseData(license, now) }
}

/** The event for a seat that was given back, in its state after that. */
export function releaseEvent(seat: LicenseRecord, now: NumericDate): EventDraft {
  return { type: 'license.released', data: { ...licenseData(seat, now), cause: seat.revokedCause } }
}

/** An event about a license key in its state after the change. */
export function licenseKeyEvent(
  type: LicenseKeyEventType,
  key: LicenseKeyRecord,
  seatsUsed: number,
  now: NumericDate,
): EventDraft {
  const data: LicenseKeyEventData = {
    licenseKeyId: key.id,
    sequence: key.version,
    customerId: key.customerId,
    tierId: key.tierId,
    tier: key.tier,
    status: statusOf(key, now),
    expiresAt: key.expiresAt,
    revokedAt: key.revokedAt,
    seats: key.seats,
    seatsUsed,
  }
  return { type, data }
}

function licenseData(license: LicenseRecord, now: NumericDate): LicenseEventData {
  return {
    licenseId: license.id,
    sequence: license.version,
    installationId: license.installationId,
    customerId: license.customerId,
    tierId: license.tierId,
    tier: license.tier,
    status: statusOf(license, now),
    expiresAt: license.expiresAt,
    revokedAt: license.revokedAt,
    licenseKeyId: license.licenseKeyId,
  }
}

function wired(data: object): object {
  const fields = Object.entries(data).map(([name, value]) => [
    snakeCase(name),
    isTimeName(name) && typeof value === 'number' ? isoTime(value) : (value as unknown),
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
    licenseId: 'licenseId' in event.data ? event.data.licenseId : null,
    payload: payloadOf(event),
    priority: event.type.endsWith('.revoked') ? 0 : 1,
    state: 'pending',
    attempts: 0,
    lastStatus: null,
    lastError: null,
    lastAttemptAt: null,
    lastAttempts: [],
    dueAt: event.time,
    createdAt: event.time,
    version: 1,
  }
}
