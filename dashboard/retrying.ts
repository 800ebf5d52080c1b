import type { WebhookDelivery } from '../src/core/index.ts'
import { licensing } from './api.ts'

/** Deliveries to send again. `since` sends all failed ones again by one call, however many they are. */
export interface Retry {
  readonly app: string
  readonly deliveries: readonly WebhookDelivery[]
  readonly since: number | null
  readonly total: number
}

/** The end of deliveries that were sent again. */
export interface RetryOutcome {
  readonly arrived: number
  /** Those whose attempt failed. Most are tried again. */
  readonly failed: number
  readonly waiting: number
}

/** Sends deliveries again, and tells how many are queued. */
export async function queueAgain(
  { app, deliveries, since }: Retry,
  signal: AbortSignal,
  onQueued: (count: number) => void,
): Promise<void> {
  const { webhooks } = licensing.withOptions({ signal })
  let queued = 0
  if (since === null)
    for (const { id } of deliveries) {
      signal.throwIfAborted()
      await webhooks.retry(app, id)
      onQueued(++queued)
    }
  else
    for (let hasMore = true; hasMore;) {
      const answer = await webhooks.retryAll(app, { state: 'failed', since })
      hasMore = answer.hasMore
      onQueued((queued += answer.retried))
    }
}

/** One look at how far they are; `null` if the lists are too long for one look. */
export async function lookAt({ app, deliveries }: Retry, signal: AbortSignal): Promise<RetryOutcome | null> {
  const { webhooks } = licensing.withOptions({ signal })
  const [pending, failed] = await Promise.all(
    (['pending', 'failed'] as const).map((state) => webhooks.deliveries(app, { state, perPage: 100 })),
  )
  if (!pending || !failed || pending.nextCursor !== null || failed.nextCursor !== null) return null
  const ids = new Set(deliveries.map(({ id }) => id))
  const left = [...pending.data, ...failed.data].filter(({ id }) => ids.has(id))
  const waiting = left.filter(({ state, attempts }) => state === 'pending' && attempts === 0).length
  return { arrived: ids.size - left.length, failed: left.length - waiting, waiting }
}
