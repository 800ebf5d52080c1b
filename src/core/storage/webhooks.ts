import { Type } from '@sinclair/typebox'
import { instant, integer, nullable } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import { counter, id, sealed, version, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** The signing secrets of an app's webhook, and the record of its failures. */
export interface WebhookRecord {
  readonly appId: string
  /** Sealed. */
  readonly secret: string
  /** The secret before this one, sealed. */
  readonly previousSecret: string | null
  /** The time until which the previous secret signs as well. */
  readonly previousUntil: NumericDate | null
  /** The number of deliveries in a row that failed for good. */
  readonly failures: number
  readonly disabledAt: NumericDate | null
  /** The time since which the queue of deliveries is full. */
  readonly queueFullAt: NumericDate | null
  /** The number of events that were dropped because the queue was full. It never falls. */
  readonly droppedEvents: number
  /** Rises with every write. `updateWebhook` compares it. */
  readonly version: number
}

export const webhookRecord: RecordSchema<WebhookRecord> = input<WebhookRecord>()(
  Type.Object({
    appId: id('app', 'App of the webhook'),
    secret: sealed('Secret that signs the app’s events'),
    previousSecret: nullable(sealed('Previous secret')),
    previousUntil: nullable(
      instant('Time until which the previous secret also signs; null if there is none'),
    ),
    failures: counter('Number of deliveries in a row that failed for good', 0),
    disabledAt: nullable(instant('Time since which no events are sent, because of failures')),
    queueFullAt: nullable(instant('Time since which the queue is full and new events are dropped')),
    droppedEvents: integer('Number of events that a full queue has dropped', 0, Number.MAX_SAFE_INTEGER),
    version: version(1),
  }),
)

/** The fields of a webhook that may change; `version` rises by itself. */
export type WebhookPatch = Partial<Omit<WebhookRecord, 'appId' | 'version'>>

export interface WebhookStorage {
  /** `null` before the first {@link insertWebhook}. */
  findWebhook(appId: string): Promise<WebhookRecord | null>
  /** Writes the webhook if the app has none, and resolves to the stored one. One of several concurrent callers wins. */
  insertWebhook(webhook: WebhookRecord): Promise<WebhookRecord>
  /** Writes `patch` and adds one to `version`, but only while `version` equals `expectedVersion`; `null` otherwise. */
  updateWebhook(appId: string, expectedVersion: number, patch: WebhookPatch): Promise<WebhookRecord | null>
  /** The webhooks whose `queueFullAt` is set, in any order. */
  listFullWebhooks(): Promise<readonly WebhookRecord[]>
}
