import type { Context } from '../context.ts'
import { findApp } from '../lookup.ts'
import { eachPage } from '../paging.ts'
import { requirePermission, sees, visibleApps } from '../principal.ts'
import type { Refusal } from '../runtime/refusals.ts'
import type { AppRecord, NumericDate } from '../storage/index.ts'

/** The webhooks of all apps that the caller sees. */
export interface WebhookStatus {
  /** Due events that wait to be sent, at most 10,000 of an app; `null` if storage does not respond. */
  readonly due: number | null
  /** The time since which the first of them is due; `null` if none is. */
  readonly oldestDueAt: NumericDate | null
  /** The slugs of the apps whose webhook is switched off because of failures. */
  readonly disabled: readonly string[]
  /** The slugs of the apps whose queue is full, so that new events are dropped. Servers look at it every 10 seconds. */
  readonly webhookQueueFull: readonly string[]
}

/** The state of this process and of its storage: `licensing.status`. */
export interface Status {
  /** `error` if storage does not respond. */
  readonly storage: 'ok' | 'error'
  /** Tokens that are being signed, and those that wait for it, in this process. */
  readonly signing: { readonly running: number; readonly waiting: number }
  readonly webhooks: WebhookStatus
  /** The time by the clock of this process. */
  readonly clock: NumericDate
  /** The last requests that the servers of this process refused, newest first; at most 100. */
  readonly refusals: readonly Refusal[]
}

const pageSize = 100
const mostDue = 10_000
const unknown: WebhookStatus = { due: null, oldestDueAt: null, disabled: [], webhookQueueFull: [] }

interface MutableStatus {
  due: number
  oldestDueAt: NumericDate | null
  readonly disabled: string[]
  readonly webhookQueueFull: string[]
}

async function addQueues(
  { storage, runtime }: Context,
  apps: readonly AppRecord[],
  full: ReadonlySet<string>,
  to: MutableStatus,
): Promise<void> {
  const slugs = new Map(apps.map(({ id, slug }) => [id, slug]))
  const queues = await storage.findWebhookQueues([...slugs.keys()], runtime.now(), mostDue)
  for (const { appId, due, oldestDueAt, disabledAt } of queues) {
    to.due += due
    if (oldestDueAt !== null) to.oldestDueAt = Math.min(oldestDueAt, to.oldestDueAt ?? oldestDueAt)
    if (disabledAt !== null) to.disabled.push(slugs.get(appId)!)
    if (full.has(appId)) to.webhookQueueFull.push(slugs.get(appId)!)
  }
}

async function webhooksOf(context: Context): Promise<WebhookStatus> {
  const { storage, principal } = context
  const sum: MutableStatus = { due: 0, oldestDueAt: null, disabled: [], webhookQueueFull: [] }
  const full = new Set((await storage.listFullWebhooks()).map(({ appId }) => appId))
  const filter = visibleApps(principal)
  for await (const apps of eachPage<AppRecord>(pageSize, (page) => storage.listApps(filter, page)))
    await addQueues(
      context,
      apps.filter(({ webhookUrl }) => webhookUrl !== null),
      full,
      sum,
    )
  return sum
}

/** The refusals with the apps that the caller sees. A slug that no app has is what anybody sent, so it is left out. */
async function visible(context: Context, refusals: readonly Refusal[]): Promise<readonly Refusal[]> {
  const names = new Set(refusals.map(({ app }) => app).filter((app) => app !== null))
  const apps = new Map<string, AppRecord>()
  for (const name of names) {
    const app = await findApp(context, name)
    if (app !== null) apps.set(name, app)
  }
  return refusals.flatMap((refusal) => {
    if (refusal.app === null) return [refusal]
    const app = apps.get(refusal.app)
    // The request may have been meant for an app that had the slug before.
    const isMeant = app !== undefined && app.createdAt <= refusal.time
    if (!isMeant) return context.principal?.mode === 'test' ? [] : [{ ...refusal, app: null }]
    return sees(context.principal, app) ? [{ ...refusal, app: app.slug }] : []
  })
}

/** The state of this process and of its storage: see `Licensing.status`. @throws {LicensingError} `forbidden`. */
export async function status(context: Context): Promise<Status> {
  const { runtime, storage, principal } = context
  requirePermission(principal, 'keys:write')
  const { running, waiting } = runtime.signing.load()
  const isUp = await storage.ping().then(
    () => true,
    () => false,
  )
  return {
    storage: isUp ? 'ok' : 'error',
    signing: { running, waiting },
    webhooks: isUp ? await webhooksOf(context) : unknown,
    clock: runtime.now(),
    refusals: isUp ? await visible(context, runtime.refusals.latest()) : [],
  }
}
