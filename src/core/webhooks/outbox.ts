import { system } from '../actor.ts'
import { actIn } from '../acts/act.ts'
import type { Context } from '../context.ts'
import type { AttemptCounts } from '../load.ts'
import { LicensingError } from '../errors.ts'
import { retryUntilWon } from '../retry.ts'
import { rememberedAttempts } from '../storage/deliveries.ts'
import type {
  AppRecord,
  DeliveryAttempt,
  DeliveryRecord,
  NumericDate,
  WebhookPatch,
  WebhookRecord,
} from '../storage/index.ts'
import { day } from '../time.ts'
import { inTransaction } from '../transaction.ts'
import { isoTime } from '../wire.ts'
import { announceEnds } from './expiry-notices.ts'
import { reportFullQueues, type FullQueue } from './full-queues.ts'
import { openWebhookSecret, webhookOf } from './secret.ts'

/** The receiver of an app's events, and the secrets that sign them. */
export interface WebhookTarget {
  readonly url: string
  /** `whsec_…`. During a roll the new secret, then the old one. */
  readonly secrets: readonly string[]
}

/** A delivery that one server sends, for as long as its lease lasts. */
export interface LeasedDelivery {
  /** `whd_…` */
  readonly id: string
  /** `evt_…`, the `webhook-id`. */
  readonly eventId: string
  readonly appId: string
  readonly type: string
  /** The body, to the byte. */
  readonly payload: string
  /** Number of earlier attempts. */
  readonly attempts: number
  /** The last of them, the latest last. */
  readonly lastAttempts: readonly DeliveryAttempt[]
  /** Identifies this lease: another server's lease raises it. */
  readonly version: number
  /** The app's webhook URL at the time of the lease. */
  readonly url: string
}

/** Deliveries of one app that one server sends. */
export interface DeliveryLease {
  readonly target: WebhookTarget
  readonly deliveries: readonly LeasedDelivery[]
}

/** The outcome of an attempt to send. */
export interface AttemptOutcome {
  /** The HTTP status; `null` if no response came. */
  readonly status: number | null
  /** The failure in words of our own; `null` if it was delivered. */
  readonly error: string | null
  /** Whole seconds until the next attempt; `null` if it was delivered or is given up. */
  readonly retryIn: number | null
  /** True if the receiver wants no more events (410). That switches the webhook off. */
  readonly gone?: boolean
  /** The length of the attempt in milliseconds. */
  readonly durationMs?: number
}

/**
 * The queue of events for webhooks: `licensing.outbox`. `startDelivery` of `heartwood/webhooks` sends them; a sender of your
 * own may. Any number of servers may send at the same time, because each leases the deliveries that it sends.
 *
 * @example
 * ```ts
 * import type { LeasedDelivery, Licensing, WebhookTarget } from 'heartwood'
 *
 * type Send = (delivery: LeasedDelivery, target: WebhookTarget) => Promise<number>
 *
 * async function sendOnce({ outbox }: Licensing, send: Send): Promise<void> {
 *   for (const appId of await outbox.due()) {
 *     const lease = await outbox.lease(appId, { limit: 10, leaseSeconds: 60 })
 *     for (const delivery of lease?.deliveries ?? []) {
 *       const status = await send(delivery, lease!.target)
 *       const isDelivered = status >= 200 && status < 300
 *       const error = isDelivered ? null : `The receiver answered ${status}`
 *       await outbox.settle(delivery, { status, error, retryIn: isDelivered ? null : 60 })
 *     }
 *   }
 * }
 * ```
 */
export interface Outbox {
  /** True if webhooks may go to `http` and to private addresses: see `WebhookOptions`. */
  readonly allowPrivateTargets: boolean
  /** The ids of the apps that have due deliveries. */
  due(): Promise<readonly string[]>
  /** Leases due deliveries of an app for `leaseSeconds`, revocations first. `null` if none is due. */
  lease(
    appId: string,
    options: { readonly limit: number; readonly leaseSeconds: number },
  ): Promise<DeliveryLease | null>
  /** Records the outcome of an attempt. Resolves to `false` if the lease ended and another server has leased the delivery. */
  settle(event: LeasedDelivery, outcome: AttemptOutcome): Promise<boolean>
  /** Ends the lease of a delivery that was not tried, or whose outcome is unknown. It is due at once. */
  release(event: LeasedDelivery): Promise<void>
  /**
   * Emits an event for each license that ends within 7 days or ended in the last 7 days, once for each license and end date. Of
   * a license key and its seats, only the license key has one.
   * Call it every few minutes. It emits nothing until calls have followed each other for an hour, less than 15 minutes apart,
   * on any server. So a clock that is wrong for a short time starts no wave of events that nobody can take back.
   *
   * Resolves to the number of events.
   */
  announceEnds(): Promise<number>
  /**
   * Deletes deliveries that ended and were made more than 30 days ago, and seats of license keys that were given back more than
   * 400 days ago. Resolves to their number.
   */
  prune(): Promise<number>
  /**
   * Writes how many events this process has dropped since the last call because a queue was full, and clears `webhookQueueFullAt`
   * of the apps whose queues have room again. Call it every few seconds.
   *
   * Resolves to the apps of those events.
   */
  reportFullQueues(): Promise<readonly FullQueue[]>
  /**
   * Calls `handler` with an app's id whenever this process may have added a delivery for the app. Returns a function that ends
   * the calls.
   */
  onWritten(handler: (appId: string) => void): () => void
}

/** Events in a row that were given up, each after all its attempts, before a webhook is switched off. */
export const failuresUntilOff = 10

const keptFor = 30 * day
/** A program that was off for a year still hears that its seat was given back. */
const seatsKeptFor = 400 * day
const prunedAtOnce = 1_000

type Obstacle = 'The webhook is switched off' | 'The app has no webhook_url'

async function targetOf(context: Context, appId: string): Promise<WebhookTarget | Obstacle> {
  const app = await context.storage.findApp(appId)
  if (app === null || app.webhookUrl === null) return 'The app has no webhook_url'
  const { secret, previousSecret, previousUntil, disabledAt } = await webhookOf(context, appId)
  if (disabledAt !== null) return 'The webhook is switched off'
  const isRolling = previousSecret !== null && previousUntil !== null && context.runtime.now() < previousUntil
  const sealed = isRolling ? [secret, previousSecret] : [secret]
  return { url: app.webhookUrl, secrets: sealed.map((one) => openWebhookSecret(context, appId, one)) }
}

function toLeased(delivery: DeliveryRecord, url: string): LeasedDelivery {
  const { id, eventId, appId, type, payload, attempts, lastAttempts, version } = delivery
  return { id, eventId, appId, type, payload, attempts, lastAttempts, version, url }
}

async function giveUp(context: Context, { id, version }: DeliveryRecord, why: Obstacle): Promise<void> {
  await context.storage.updateDelivery(id, version, {
    state: 'failed',
    dueAt: null,
    lastStatus: null,
    lastError: why,
    lastAttemptAt: context.runtime.now(),
  })
}

async function lease(
  context: Context,
  appId: string,
  { limit, leaseSeconds }: { readonly limit: number; readonly leaseSeconds: number },
): Promise<DeliveryLease | null> {
  const now = context.runtime.now()
  const span = { now, until: now + leaseSeconds }
  for (;;) {
    const leased = await context.storage.leaseDeliveries({ appId, ...span, limit })
    if (leased.length === 0) return null
    const target = await targetOf(context, appId)
    if (typeof target !== 'string')
      return { target, deliveries: leased.map((delivery) => toLeased(delivery, target.url)) }
    for (const delivery of leased) await giveUp(context, delivery, target)
  }
}

async function countOutcome(
  context: Context,
  { appId, url }: LeasedDelivery,
  { error, retryIn, gone = false }: AttemptOutcome,
): Promise<void> {
  if (error !== null && retryIn !== null) return
  // Ignore the outcome if the app's webhook URL has changed since the lease.
  const app = await context.storage.findApp(appId)
  if (app?.webhookUrl !== url) return
  const patchOf = ({ failures, disabledAt }: WebhookRecord): WebhookPatch | null => {
    if (error === null) return failures === 0 ? null : { failures: 0 }
    const isOff = gone || failures + 1 >= failuresUntilOff
    return {
      failures: failures + 1,
      ...(isOff && disabledAt === null && { disabledAt: context.runtime.now() }),
    }
  }
  await retryUntilWon(
    async () => {
      const webhook = await webhookOf(context, appId)
      const patch = patchOf(webhook)
      return patch === null ? webhook : writeOutcome(context, app, webhook, patch)
    },
    { lost: () => new LicensingError('conflict', 'Other requests changed the webhook first') },
  )
}

/** Counting is nobody's act. To switch the webhook off is one of the server itself. */
function writeOutcome(
  context: Context,
  app: AppRecord,
  { version }: WebhookRecord,
  patch: WebhookPatch,
): Promise<WebhookRecord | null> {
  const { disabledAt } = patch
  if (typeof disabledAt !== 'number') return context.storage.updateWebhook(app.id, version, patch)
  const act = actIn(app, 'webhook.disabled', ['app', app.id], {
    webhook_disabled_at: [null, isoTime(disabledAt)],
  })
  return inTransaction({ ...context, actor: system }, async (tx, _emit, note) => {
    note(act)
    return tx.updateWebhook(app.id, version, patch)
  })
}

const stateAfter = { delivered: 'delivered', retried: 'pending', givenUp: 'failed' } as const

function endingOf({ error, retryIn }: AttemptOutcome): keyof AttemptCounts {
  if (error === null) return 'delivered'
  return retryIn === null ? 'givenUp' : 'retried'
}

function attemptOf({ status, error, durationMs }: AttemptOutcome, now: NumericDate): DeliveryAttempt {
  const length = durationMs === undefined ? null : Math.min(Math.max(Math.round(durationMs), 0), 2 ** 31 - 1)
  return { attemptedAt: now, status, error, durationMs: length }
}

async function settle(context: Context, event: LeasedDelivery, outcome: AttemptOutcome): Promise<boolean> {
  const { status, error, retryIn } = outcome
  const now = context.runtime.now()
  const ending = endingOf(outcome)
  context.runtime.webhookAttempts[ending]++
  const state = stateAfter[ending]
  const settled = await context.storage.updateDelivery(event.id, event.version, {
    state,
    dueAt: state === 'pending' ? now + (retryIn ?? 0) : null,
    attempts: event.attempts + 1,
    lastStatus: status,
    lastError: error,
    lastAttemptAt: now,
    lastAttempts: [...event.lastAttempts, attemptOf(outcome, now)].slice(-rememberedAttempts),
  })
  if (settled === null) return false
  await countOutcome(context, event, outcome)
  return true
}

/** Deletes in pages, so that nobody waits for long. */
async function pruneAll(prunePage: (limit: number) => Promise<number>): Promise<number> {
  let total = 0
  for (;;) {
    const count = await prunePage(prunedAtOnce)
    total += count
    if (count < prunedAtOnce) return total
  }
}

async function prune({ storage, runtime }: Context): Promise<number> {
  const now = runtime.now()
  const deliveries = await pruneAll((limit) => storage.pruneDeliveries(now - keptFor, limit))
  return deliveries + (await pruneAll((limit) => storage.pruneSeats(now - seatsKeptFor, limit)))
}

export function bindOutbox(context: Context): Outbox {
  return {
    allowPrivateTargets: context.runtime.allowPrivateTargets,
    due: () => context.storage.listAppsWithDueDeliveries(context.runtime.now()),
    lease: (appId, options) => lease(context, appId, options),
    settle: (event, outcome) => settle(context, event, outcome),
    release: async ({ id: deliveryId, version }) => {
      await context.storage.updateDelivery(deliveryId, version, { dueAt: context.runtime.now() })
    },
    announceEnds: () => announceEnds(context),
    prune: () => prune(context),
    reportFullQueues: () => reportFullQueues(context),
    onWritten: (handler) => context.runtime.listeners.onAny(handler),
  }
}
