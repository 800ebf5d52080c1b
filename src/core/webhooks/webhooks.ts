import { Type } from '@sinclair/typebox'
import { actIn, recordReads } from '../acts/act.ts'
import type { Changes } from '../acts/changes.ts'
import { allItems, type FilterOf } from '../all-items.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { identifier, integer, oneOf } from '../input/fields.ts'
import { input, isText, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from '../paging.ts'
import { retryUntilWon } from '../retry.ts'
import { queueFull } from '../runtime/delivery-queues.ts'
import { eventTypes, type EventType } from '../runtime/events.ts'
import type {
  AppRecord,
  DeliveryAttempt,
  DeliveryRecord,
  NumericDate,
  WebhookRecord,
} from '../storage/index.ts'
import { day } from '../time.ts'
import { afterCommit, inTransaction } from '../transaction.ts'
import { isoTime } from '../wire.ts'
import {
  checkReady,
  requireRoom,
  retryAll,
  type DeliverySelection,
  type RetriedDeliveries,
} from './retries.ts'
import { openWebhookSecret, sealWebhookSecret, webhookOf } from './secret.ts'

/** The secret that signs an app's events. */
export interface WebhookSecret {
  /** `whsec_…`, by Standard Webhooks. */
  readonly secret: string
  /** The time until which the previous secret signs too; `null` if it does not. */
  readonly previousExpiresAt: NumericDate | null
}

/** Options of `licensing.webhooks.rollSecret`. */
export interface WebhookRollOptions {
  /** Seconds for which the old secret signs too, 0 to 2,592,000 (30 days). Default 86,400 (a day). */
  readonly overlapSeconds?: number
}

/** An event on its way to an app's webhook. Times are whole seconds since 1970. */
export interface WebhookDelivery {
  /** `whd_…` */
  readonly id: string
  /** `evt_…`, the `webhook-id` of every attempt. */
  readonly eventId: string
  readonly type: EventType
  /** The license of an event about one license, which may be gone; `null` for other events. */
  readonly licenseId: string | null
  /** A `failed` delivery was given up. `retry` sends it again. */
  readonly state: DeliveryRecord['state']
  readonly attempts: number
  /** The HTTP status of the last attempt; `null` if no response came. */
  readonly lastStatus: number | null
  /** The failure of the last attempt; `null` if it did not fail. */
  readonly lastError: string | null
  readonly lastAttemptAt: NumericDate | null
  /** The time of the next attempt; `null` unless pending. */
  readonly nextAttemptAt: NumericDate | null
  readonly createdAt: NumericDate
}

/** A delivery with its body and its last attempts. */
export interface WebhookDeliveryDetail extends WebhookDelivery {
  /** The body of the request, to the byte: the signature is over these bytes. */
  readonly payload: string
  /** The last ten attempts, the latest last. A retry keeps them. */
  readonly lastAttempts: readonly DeliveryAttempt[]
}

/** Filter and page of `licensing.webhooks.deliveries`. */
export interface DeliveryQuery extends Paging {
  readonly state?: DeliveryRecord['state']
  readonly type?: EventType
  /** Only events about this license. */
  readonly licenseId?: string
}

/**
 * The use cases of webhooks: `licensing.webhooks`.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function connect(licensing: Licensing): Promise<string> {
 *   await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/licenses' })
 *   await licensing.webhooks.test('desktop-app')
 *   const { secret } = await licensing.webhooks.secret('desktop-app')
 *   return secret
 * }
 * ```
 */
export interface Webhooks {
  /** The secret that signs the app's events. @throws {LicensingError} `not_found`. */
  secret(app: string): Promise<WebhookSecret>
  /**
   * Replaces the secret. For `overlapSeconds` each event carries the signatures of both, so that receivers have time to change.
   * @throws {LicensingError} `validation_error`, `not_found`.
   */
  rollSecret(app: string, options?: WebhookRollOptions): Promise<WebhookSecret>
  /**
   * Deliveries that wait, were delivered, or failed, newest first. They are kept for 30 days.
   * @throws {LicensingError} `validation_error`, `not_found`.
   */
  deliveries(app: string, query?: DeliveryQuery): Promise<Listing<WebhookDelivery>>
  /** Every matching delivery, newest first, for `for await`. @throws {LicensingError} `validation_error`, `not_found`. */
  allDeliveries(app: string, filter?: FilterOf<DeliveryQuery>): AsyncIterable<WebhookDelivery>
  /** A delivery with its body and its last attempts. @throws {LicensingError} `not_found`. */
  delivery(app: string, id: string): Promise<WebhookDeliveryDetail>
  /**
   * Sends an event again, at once, under the same `webhook-id`, and with all its attempts ahead of it.
   * @throws {LicensingError} `not_found`; `conflict` if the app has no webhook, it is switched off, or its queue is full.
   */
  retry(app: string, id: string): Promise<WebhookDelivery>
  /**
   * Sends all failed events since a time again, the oldest first, as {@link Webhooks.retry} does with one. A call takes at most
   * 10,000, and no more than the queue has room for. It takes them in pages, each of which is one step: a call that breaks off
   * may be repeated, and no event is queued twice.
   * @throws {LicensingError} `validation_error`, `not_found`; `conflict` as for {@link Webhooks.retry}.
   *
   * @example
   * ```ts
   * import type { Licensing } from 'heartwood'
   *
   * async function resend({ webhooks }: Licensing, since: Date): Promise<void> {
   *   for (let hasMore = true; hasMore; )
   *     ({ hasMore } = await webhooks.retryAll('desktop-app', { state: 'failed', since }))
   * }
   * ```
   */
  retryAll(app: string, selection: DeliverySelection): Promise<RetriedDeliveries>
  /** Sends a `webhook.test` event. @throws {LicensingError} `not_found`; `conflict` as for {@link Webhooks.retry}. */
  test(app: string): Promise<WebhookDelivery>
}

export const webhookRollOptions: Input<WebhookRollOptions> = input<WebhookRollOptions>()(
  Type.Object({
    overlapSeconds: Type.Optional(integer('Seconds for which the old secret signs as well', 0, 2_592_000)),
  }),
)

export const deliveryQuery: Input<DeliveryQuery> = input<DeliveryQuery>()(
  Type.Object({
    ...pagingFields,
    state: Type.Optional(oneOf('Only deliveries in this state', ['pending', 'delivered', 'failed'])),
    type: Type.Optional(oneOf('Only events of this type', Object.keys(eventTypes) as EventType[])),
    licenseId: Type.Optional(identifier('Only events about this license')),
  }),
)

function toDelivery(record: DeliveryRecord): WebhookDelivery {
  return {
    id: record.id,
    eventId: record.eventId,
    type: record.type as EventType,
    licenseId: record.licenseId,
    state: record.state,
    attempts: record.attempts,
    lastStatus: record.lastStatus,
    lastError: record.lastError,
    lastAttemptAt: record.lastAttemptAt,
    nextAttemptAt: record.dueAt,
    createdAt: record.createdAt,
  }
}

function toSecret(context: Context, { appId, secret, previousUntil }: WebhookRecord): WebhookSecret {
  const isRolling = previousUntil !== null && previousUntil > context.runtime.now()
  return {
    secret: openWebhookSecret(context, appId, secret),
    previousExpiresAt: isRolling ? previousUntil : null,
  }
}

/** Shows the secret, which the audit log has first. */
async function showSecret(context: Context, app: string): Promise<WebhookSecret> {
  const record = await requireApp(context, app, 'webhooks:write')
  const webhook = await webhookOf(context, record.id)
  await recordReads(context, [actIn(record, 'webhook.secret_shown', ['app', record.id], null)])
  return toSecret(context, webhook)
}

function rolledSecret(previousUntil: NumericDate | null): Changes {
  const overlap = previousUntil === null ? {} : { previous_until: [null, isoTime(previousUntil)] as const }
  return { webhook_secret: ['…', '…'], ...overlap }
}

async function rollSecret(
  context: Context,
  app: string,
  options: WebhookRollOptions,
): Promise<WebhookSecret> {
  const { overlapSeconds = day } = webhookRollOptions.parse(options)
  const record = await requireApp(context, app, 'webhooks:write')
  const { id } = record
  const secret = sealWebhookSecret(context, id)
  return retryUntilWon(async () => {
    const { secret: old, version } = await webhookOf(context, id)
    const patch = {
      secret,
      previousSecret: overlapSeconds === 0 ? null : old,
      previousUntil: overlapSeconds === 0 ? null : context.runtime.now() + overlapSeconds,
    }
    return inTransaction(context, async (tx, _emit, note) => {
      const webhook = await tx.updateWebhook(id, version, patch)
      note(actIn(record, 'webhook.secret_rolled', ['app', id], rolledSecret(patch.previousUntil)))
      return webhook && toSecret(context, webhook)
    })
  })
}

async function listDeliveries(
  context: Context,
  app: string,
  query: DeliveryQuery,
): Promise<Listing<WebhookDelivery>> {
  const { state, type, licenseId, ...paging } = deliveryQuery.parse(query)
  const { id: appId } = await requireApp(context, app, 'webhooks:read')
  const filter = { appId, state, type, licenseId }
  const listing = await readPage(paging, {
    prefix: 'whd',
    list: (page) => context.storage.listDeliveries(filter, page),
    count: () => context.storage.countDeliveries(filter),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, toDelivery)
}

/** @throws {LicensingError} `not_found`. */
async function requireDelivery(
  { storage }: Context,
  { id: appId }: AppRecord,
  id: string,
): Promise<DeliveryRecord> {
  const delivery = isText(id) ? await storage.findDelivery(appId, id) : null
  if (delivery === null) throw new LicensingError('not_found', 'Delivery not found')
  return delivery
}

async function getDelivery(context: Context, app: string, id: string): Promise<WebhookDeliveryDetail> {
  const record = await requireDelivery(context, await requireApp(context, app, 'webhooks:read'), id)
  return { ...toDelivery(record), payload: record.payload, lastAttempts: record.lastAttempts }
}

/** A delivery that is being sent right now is sent once more. A receiver drops the copy by its `webhook-id`. */
async function retry(context: Context, app: string, id: string): Promise<WebhookDelivery> {
  const record = await requireApp(context, app, 'webhooks:write')
  const due = await retryUntilWon(async () => {
    const delivery = await requireDelivery(context, record, id)
    await checkReady(context, record)
    if (delivery.state !== 'pending') await requireRoom(context, record)
    const again = { state: 'pending', attempts: 0, dueAt: context.runtime.now() } as const
    return inTransaction(context, async (tx, _emit, note) => {
      const changed = await tx.updateDelivery(id, delivery.version, again)
      note(actIn(record, 'webhook_delivery.retried', ['webhook_delivery', id], null))
      return changed && toDelivery(changed)
    })
  })
  afterCommit(context, () => context.runtime.listeners.notify(record.id))
  return due
}

async function test(context: Context, app: string): Promise<WebhookDelivery> {
  const record = await requireApp(context, app, 'webhooks:write')
  await checkReady(context, record)
  await requireRoom(context, record)
  const delivery = await inTransaction(context, async (_tx, emit, note) => {
    const sent = await emit(record, { type: 'webhook.test', data: {} })
    note(actIn(record, 'webhook.test', ['app', record.id], null))
    return sent && toDelivery(sent)
  })
  if (delivery === null) throw queueFull()
  return delivery
}

export function bindWebhooks(context: Context): Webhooks {
  return {
    secret: (app) => showSecret(context, app),
    rollSecret: (app, options = {}) => rollSecret(context, app, options),
    deliveries: (app, query = {}) => listDeliveries(context, app, query),
    allDeliveries: (app, filter) =>
      allItems((paging) => listDeliveries(context, app, { ...filter, ...paging })),
    delivery: (app, id) => getDelivery(context, app, id),
    retry: (app, id) => retry(context, app, id),
    retryAll: (app, selection) => retryAll(context, app, selection),
    test: (app) => test(context, app),
  }
}
