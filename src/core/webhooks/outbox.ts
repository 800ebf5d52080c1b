import type { Context } from '../context.ts'
import type { AttemptCounts } from '../load.ts'
import { announceEnds } from './expiry-notices.ts'
import type { DeliveryRecord } from '../storage/index.ts'
import { day } from '../time.ts'
import { changeWebhook, openWebhookSecret, webhookOf } from './secret.ts'

/** Where an app's events go, and what they are signed with. */
export interface WebhookTarget {
  readonly url: string
  /** `whsec_…`; during a roll the new one, then the old one. */
  readonly secrets: readonly string[]
}

/** An event that a server has taken upon itself to send. */
export interface LeasedDelivery {
  /** `whd_…` */
  readonly id: string
  /** `evt_…`, the `webhook-id`. */
  readonly eventId: string
  readonly appId: string
  readonly type: string
  /** The body, to the byte. */
  readonly payload: string
  /** How often it was tried before. */
  readonly attempts: number
  /** What settles the claim. */
  readonly version: number
  /** The app's address at the time of the claim. */
  readonly url: string
}

export interface DeliveryLease {
  readonly target: WebhookTarget
  readonly deliveries: readonly LeasedDelivery[]
}

/** How an attempt to send ended. */
export interface AttemptOutcome {
  /** The HTTP status, `null` when none came. */
  readonly status: number | null
  /** `null` when it was delivered, else what was wrong, in words of ours. */
  readonly error: string | null
  /** In how many whole seconds to try again; `null` when it was delivered or is given up. */
  readonly retryIn: number | null
  /** Whether the receiver asked never to be sent to again (410), which switches the webhook off. */
  readonly gone?: boolean
}

/**
 * Events that wait to be sent: what `startDelivery` of `heartwood/webhooks` works with, and what a sender of your own would.
 * Any number of servers may: a claim is one server's until its lease is over.
 */
export interface Outbox {
  /** Whether webhooks may go to `http` and to private addresses: see `createLicensing`. */
  readonly allowPrivateTargets: boolean
  /** The ids of the apps for which something is due. */
  due(): Promise<readonly string[]>
  /** Takes due events of an app for `leaseSeconds`, a revocation first. `null` when none is due. */
  lease(
    appId: string,
    options: { readonly limit: number; readonly leaseSeconds: number },
  ): Promise<DeliveryLease | null>
  /** Writes down how an attempt ended; `false` when the claim was over and another server has taken the event. */
  settle(event: LeasedDelivery, outcome: AttemptOutcome): Promise<boolean>
  /** Puts an event back that was not tried, or of which nobody knows: it is due at once. */
  release(event: LeasedDelivery): Promise<void>
  /**
   * Tells of licenses that end within 7 days, or have ended in the last 7: once for each license and end date. Call it every
   * few minutes. Nothing is told until calls have followed each other for an hour, with less than a quarter of one between
   * two, whatever server made them: so a clock that is set wrong and soon right again starts no wave that nobody can take
   * back. Resolves to how many were told of.
   */
  announceEnds(): Promise<number>
  /** Forgets deliveries that ended more than 30 days ago. Resolves to how many. */
  prune(): Promise<number>
  /** Calls `handler` with the app's id whenever this process may have put something in; answers how to stop it. */
  onWritten(handler: (appId: string) => void): () => void
}

/** After so many events in a row that were given up, each after all its attempts, a webhook is switched off. */
export const failuresUntilOff = 10

const keptFor = 30 * day
const prunedAtOnce = 1_000

/** Why nothing can be sent to the app. */
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

function toEvent(delivery: DeliveryRecord, url: string): LeasedDelivery {
  const { id, eventId, appId, type, payload, attempts, version } = delivery
  return { id, eventId, appId, type, payload, attempts, version, url }
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

async function claim(
  context: Context,
  appId: string,
  { limit, leaseSeconds }: { readonly limit: number; readonly leaseSeconds: number },
): Promise<DeliveryLease | null> {
  const now = context.runtime.now()
  const span = { now, until: now + leaseSeconds }
  for (;;) {
    const claimed = await context.storage.leaseDeliveries({ appId, ...span, limit })
    if (claimed.length === 0) return null
    const target = await targetOf(context, appId)
    if (typeof target !== 'string')
      return { target, deliveries: claimed.map((delivery) => toEvent(delivery, target.url)) }
    for (const delivery of claimed) await giveUp(context, delivery, target)
  }
}

/** Counts events in a row that were given up, and switches the webhook off after so many. */
async function countOutcome(
  context: Context,
  { appId, url }: LeasedDelivery,
  { error, retryIn, gone = false }: AttemptOutcome,
): Promise<void> {
  if (error !== null && retryIn !== null) return
  // What an address says that the app no longer has is not held against the next one.
  if ((await context.storage.findApp(appId))?.webhookUrl !== url) return
  await changeWebhook(context, appId, ({ failures, disabledAt }) => {
    if (error === null) return failures === 0 ? null : { failures: 0 }
    const isOff = gone || failures + 1 >= failuresUntilOff
    return {
      failures: failures + 1,
      ...(isOff && disabledAt === null && { disabledAt: context.runtime.now() }),
    }
  })
}

const stateAfter = { delivered: 'delivered', retried: 'pending', givenUp: 'failed' } as const

function endingOf({ error, retryIn }: AttemptOutcome): keyof AttemptCounts {
  if (error === null) return 'delivered'
  return retryIn === null ? 'givenUp' : 'retried'
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
  })
  if (settled === null) return false
  await countOutcome(context, event, outcome)
  return true
}

async function prune(context: Context): Promise<number> {
  let total = 0
  for (;;) {
    const count = await context.storage.pruneDeliveries(context.runtime.now() - keptFor, prunedAtOnce)
    total += count
    if (count < prunedAtOnce) return total
  }
}

/** Binds the outbox to a context. */
export function bindOutbox(context: Context): Outbox {
  return {
    allowPrivateTargets: context.runtime.allowPrivateTargets,
    due: () => context.storage.listAppsWithDueDeliveries(context.runtime.now()),
    lease: (appId, options) => claim(context, appId, options),
    settle: (event, outcome) => settle(context, event, outcome),
    release: async ({ id: deliveryId, version }) => {
      await context.storage.updateDelivery(deliveryId, version, { dueAt: context.runtime.now() })
    },
    announceEnds: () => announceEnds(context),
    prune: () => prune(context),
    onWritten: (handler) => context.runtime.listeners.onAny(handler),
  }
}
