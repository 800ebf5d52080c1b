import { Type } from '@sinclair/typebox'
import { actIn, type Act } from '../acts/act.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { instant, oneOf } from '../input/fields.ts'
import { input, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import { queueFull } from '../runtime/delivery-queues.ts'
import type { AppRecord, NumericDate, RetriedPage, RetryPage } from '../storage/index.ts'
import { afterCommit, inTransaction, unrecorded } from '../transaction.ts'
import { isoTime } from '../wire.ts'

/** The deliveries that `licensing.webhooks.retryAll` sends again. */
export interface DeliverySelection {
  readonly state: 'failed'
  /** The first time of the events; seconds since 1970, or a `Date`. */
  readonly since: NumericDate | Date
}

/** The outcome of `licensing.webhooks.retryAll`. */
export interface RetriedDeliveries {
  /** The number of deliveries that are pending again. */
  readonly retried: number
  /** True if failed deliveries may be left, because a call takes a limited number of them. */
  readonly hasMore: boolean
}

export const deliverySelection: Input<{ readonly state: 'failed'; readonly since: NumericDate }> = input<{
  readonly state: 'failed'
  readonly since: NumericDate
}>()(
  Type.Object({
    state: oneOf('The state of the deliveries to send again', ['failed']),
    since: instant('The first time of their events'),
  }),
)

/** On SQLite a page keeps the event loop, for some ten milliseconds. */
const pageSize = 250
const mostOfCall = 10_000

/** @throws {LicensingError} `conflict` if the app has no webhook, or it is switched off. */
export async function checkReady(context: Context, app: AppRecord): Promise<void> {
  if (app.webhookUrl === null) throw new LicensingError('conflict', 'The app has no webhook_url')
  const webhook = await context.storage.findWebhook(app.id)
  if (typeof webhook?.disabledAt === 'number')
    throw new LicensingError('conflict', 'The webhook is switched off: saving webhook_url switches it on')
}

/** @throws {LicensingError} `conflict` if the queue of the app is full. */
export function requireRoom({ runtime, storage }: Context, { id }: AppRecord): Promise<void> {
  return runtime.deliveryQueues.requireRoom(storage, id)
}

/**
 * No page holds the whole result: an idempotency key stores that after the last one. The first page with a delivery writes the
 * entry of the act.
 */
function retryPage(context: Context, page: RetryPage, act: Act | null): Promise<RetriedPage> {
  return inTransaction(
    unrecorded(context),
    async (tx, _emit, note) => {
      const retried = await tx.retryDeliveries(page)
      if (act !== null && retried.count > 0) note(act)
      return retried
    },
    { alone: true },
  )
}

async function retryPages(context: Context, app: AppRecord, since: NumericDate): Promise<RetriedDeliveries> {
  const { runtime, storage } = context
  const { id: appId } = app
  const now = runtime.now()
  const act = actIn(app, 'webhook_deliveries.retried', ['app', appId], { since: [null, isoTime(since)] })
  let retried = 0
  let after: RetriedPage['last'] = null
  while (retried < mostOfCall) {
    const limit = Math.min(pageSize, await runtime.deliveryQueues.roomOf(storage, appId))
    if (limit <= 0) break
    const page = await retryPage(
      context,
      { appId, since, now, limit, ...(after !== null && { after }) },
      retried === 0 ? act : null,
    )
    retried += page.count
    if (page.last === null) return { retried, hasMore: false }
    after = page.last
  }
  if (retried === 0) throw queueFull()
  return { retried, hasMore: true }
}

/** Sends failed events again, in pages of one step each. */
export async function retryAll(
  context: Context,
  app: string,
  selection: DeliverySelection,
): Promise<RetriedDeliveries> {
  const { since } = deliverySelection.parse(selection)
  const record = await requireApp(context, app, 'webhooks:write')
  await checkReady(context, record)
  const outcome = await retryPages(context, record, since)
  afterCommit(context, () => context.runtime.listeners.notify(record.id))
  return outcome
}
