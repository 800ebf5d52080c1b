import type { AttemptOutcome, LeasedDelivery, Licensing } from '../../core/index.ts'
import type { Chance } from './chance.ts'
import type { Past } from './past.ts'

const hour = 3_600
/** The words of the real delivery. */
const failures: readonly Pick<AttemptOutcome, 'status' | 'error'>[] = [
  { status: 500, error: 'The receiver answered 500' },
  { status: null, error: 'No answer in time' },
]
const mostAttempts = 4

/** The days ago between which the receiver was down. Its events were given up, and so many switch a webhook off. */
const outage = { from: 9, to: 6, over: 4.5 }

function failedOutcome({ attempts, lastAttempts }: LeasedDelivery, chance: Chance): AttemptOutcome {
  const before = lastAttempts.at(-1)
  const { status, error } = before ?? chance.pick(failures)
  const durationMs = status === null ? 15_000 : chance.between(30, 900)
  return { status, error, durationMs, retryIn: attempts + 1 < mostAttempts ? 20 * hour : null }
}

function outcomeOf(delivery: LeasedDelivery, chance: Chance, isDown: boolean): AttemptOutcome {
  if (isDown || chance.happens(0.06)) return failedOutcome(delivery, chance)
  return { status: 204, error: null, retryIn: null, durationMs: chance.between(20, 240) }
}

/** Settles every due event as if a receiver had answered. No request leaves the computer. */
export async function settleDue({ outbox }: Licensing, chance: Chance, daysAgo: number): Promise<void> {
  const isDown = daysAgo <= outage.from && daysAgo >= outage.to
  for (const appId of await outbox.due()) {
    for (;;) {
      const lease = await outbox.lease(appId, { limit: 100, leaseSeconds: 60 })
      if (lease === null) break
      for (const delivery of lease.deliveries)
        await outbox.settle(delivery, outcomeOf(delivery, chance, isDown))
    }
  }
}

/** Plans that many licenses are renewed by hand while the receiver is down. The webhook is on again since. */
export function planOutage(licensing: Licensing, past: Past, app: string): void {
  past.plan(outage.from + 0.1, async () => {
    const { data } = await licensing.licenses.list(app, { status: 'active', perPage: 38 })
    for (const { id, tierId } of data) if (tierId !== null) await licensing.licenses.regenerate(app, id)
  })
  past.plan(outage.over, async () => {
    const { webhookUrl } = await licensing.apps.get(app)
    await licensing.apps.update(app, { webhookUrl })
  })
}
