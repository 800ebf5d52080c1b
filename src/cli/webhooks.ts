import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { DeliveryAttempt, WebhookDelivery, WebhookDeliveryDetail } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { detailLines } from './terminal/columns.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'

/** The options of every webhook command. `app` is a slug. */
export interface WebhookCommandOptions extends AsJson {
  readonly app: string
}

export interface ListDeliveriesOptions extends WebhookCommandOptions {
  readonly state?: WebhookDelivery['state']
  readonly type?: WebhookDelivery['type']
  /** An id. */
  readonly license?: string
  readonly limit?: number
}

export interface RetryFailedOptions extends WebhookCommandOptions {
  /** Seconds since 1970. */
  readonly since: number
}

function outcomeOf({ lastStatus, lastError }: WebhookDelivery): string {
  return lastError ?? (lastStatus === null ? '' : `${lastStatus}`)
}

const format: ListFormat<WebhookDelivery> = {
  head: ['ID', 'STATE', 'CREATED', 'TYPE', 'ATTEMPTS', 'LAST', 'LICENSE'],
  row: (delivery) => [
    delivery.id,
    delivery.state,
    isoTime(delivery.createdAt),
    delivery.type,
    `${delivery.attempts}`,
    outcomeOf(delivery),
    delivery.licenseId ?? '',
  ],
  toJson: toWire,
}

function timeOf(time: number | null): string {
  return time === null ? '' : isoTime(time)
}

function attemptLine({ attemptedAt, status, error, durationMs }: DeliveryAttempt): readonly [string, string] {
  const outcome = error ?? `${status}`
  return ['attempt', `${isoTime(attemptedAt)} ${outcome}${durationMs === null ? '' : ` in ${durationMs} ms`}`]
}

function details(delivery: WebhookDeliveryDetail): string {
  return detailLines([
    ['id', delivery.id],
    ['event', delivery.eventId],
    ['type', delivery.type],
    ['license', delivery.licenseId ?? ''],
    ['state', delivery.state],
    ['created', isoTime(delivery.createdAt)],
    ['next attempt', timeOf(delivery.nextAttemptAt)],
    ['attempts', `${delivery.attempts}`],
    ['last', outcomeOf(delivery)],
    ...delivery.lastAttempts.map(attemptLine),
    ['body', delivery.payload],
  ])
}

/** Lists the deliveries of an app, newest first. */
export async function listDeliveries(
  settings: CliSettings,
  { app, state, type, license, limit, json }: ListDeliveriesOptions,
  output: Output,
): Promise<void> {
  const filter = {
    ...(state !== undefined && { state }),
    ...(type !== undefined && { type }),
    ...(license !== undefined && { licenseId: license }),
  }
  await withExistingDatabase(settings, async ({ licensing }) => {
    const pages = pagesOf((paging) => licensing.webhooks.deliveries(app, { ...filter, ...paging }), limit)
    await printList(pages, format, { json }, output)
  })
}

/** Shows a delivery with its body and its last attempts. */
export async function getDelivery(
  settings: CliSettings,
  id: string,
  { app, json }: WebhookCommandOptions,
  output: Output,
): Promise<void> {
  const delivery = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.webhooks.delivery(app, id),
  )
  output.line(json ? jsonOf(toWire(delivery)) : details(delivery))
}

/** Makes an event pending again. A running server sends it. */
export async function retryDelivery(
  settings: CliSettings,
  id: string,
  { app, json }: WebhookCommandOptions,
  output: Output,
): Promise<void> {
  const delivery = await withExistingDatabase(settings, ({ licensing }) => licensing.webhooks.retry(app, id))
  output.line(json ? jsonOf(toWire(delivery)) : `Event ${delivery.eventId} is pending again.`)
}

/** Makes all failed events since a time pending again. */
export async function retryFailed(
  settings: CliSettings,
  { app, since, json }: RetryFailedOptions,
  output: Output,
): Promise<void> {
  const { retried, hasMore } = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.webhooks.retryAll(app, { state: 'failed', since }),
  )
  const more = hasMore ? ' More may be left: run the command again.' : ''
  output.line(
    json ? jsonOf(toWire({ retried, hasMore })) : `Failed events that are pending again: ${retried}.${more}`,
  )
}
