import { Type } from '@sinclair/typebox'
import { actIn, recordReads } from '../acts/act.ts'
import type { Changes } from '../acts/changes.ts'
import { allItems, type FilterOf } from '../all-items.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { integer, oneOf } from '../input/fields.ts'
import { input, isText, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from '../paging.ts'
import { retryUntilWon } from '../retry.ts'
import type { EventType } from '../runtime/events.ts'
import type { AppRecord, DeliveryRecord, NumericDate, WebhookRecord } from '../storage/index.ts'
import { day } from '../time.ts'
import { afterCommit, inTransaction } from '../transaction.ts'
import { isoTime } from '../wire.ts'
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

/** Filter and page of `licensing.webhooks.deliveries`. */
export interface DeliveryQuery extends Paging {
  readonly state?: DeliveryRecord['state']
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
  /**
   * Sends an event again, at once, under the same `webhook-id`, and with all its attempts ahead of it.
   * @throws {LicensingError} `not_found`; `conflict` if the app has no webhook, or it is switched off.
   */
  retry(app: string, id: string): Promise<WebhookDelivery>
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
  }),
)

function toDelivery(record: DeliveryRecord): WebhookDelivery {
  return {
    id: record.id,
    eventId: record.eventId,
    type: record.type as EventType,
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
  const { state, ...paging } = deliveryQuery.parse(query)
  const { id: appId } = await requireApp(context, app, 'webhooks:read')
  const filter = { appId, state }
  const listing = await readPage(paging, {
    prefix: 'whd',
    list: (page) => context.storage.listDeliveries(filter, page),
    count: () => context.storage.countDeliveries(filter),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, toDelivery)
}

/** @throws {LicensingError} `conflict` if nothing can be sent to the app. */
async function checkReady(context: Context, app: AppRecord): Promise<void> {
  if (app.webhookUrl === null) throw new LicensingError('conflict', 'The app has no webhook_url')
  const webhook = await context.storage.findWebhook(app.id)
  if (typeof webhook?.disabledAt === 'number')
    throw new LicensingError('conflict', 'The webhook is switched off: saving webhook_url switches it on')
}

function notFound(): LicensingError {
  return new LicensingError('not_found', 'Delivery not found')
}

/** A delivery that is being sent right now is sent once more. A receiver drops the copy by its `webhook-id`. */
async function retry(context: Context, app: string, id: string): Promise<WebhookDelivery> {
  const record = await requireApp(context, app, 'webhooks:write')
  const due = await retryUntilWon(async () => {
    const delivery = isText(id) ? await context.storage.findDelivery(record.id, id) : null
    if (delivery === null) throw notFound()
    await checkReady(context, record)
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
  const delivery = await inTransaction(context, async (_tx, emit, note) => {
    const sent = await emit(record, { type: 'webhook.test', data: {} })
    note(actIn(record, 'webhook.test', ['app', record.id], null))
    return sent && toDelivery(sent)
  })
  if (delivery === null) throw notFound()
  return delivery
}

export function bindWebhooks(context: Context): Webhooks {
  return {
    secret: (app) => showSecret(context, app),
    rollSecret: (app, options = {}) => rollSecret(context, app, options),
    deliveries: (app, query = {}) => listDeliveries(context, app, query),
    allDeliveries: (app, filter) =>
      allItems((paging) => listDeliveries(context, app, { ...filter, ...paging })),
    retry: (app, id) => retry(context, app, id),
    test: (app) => test(context, app),
  }
}
