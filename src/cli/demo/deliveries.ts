import type { AttemptOutcome, Licensing } from '../../core/index.ts'
import type { Chance } from './chance.ts'

const delivered: AttemptOutcome = { status: 204, error: null, retryIn: null }
const failures: readonly AttemptOutcome[] = [
  { status: 500, error: 'The receiver answered 500', retryIn: null },
  { status: null, error: 'The receiver did not answer within 15 seconds', retryIn: null },
]
const retried: AttemptOutcome = { status: 503, error: 'The receiver answered 503', retryIn: 3_600 }

function outcomeOf(chance: Chance): AttemptOutcome {
  if (chance.happens(0.9)) return delivered
  return chance.happens(0.6) ? retried : chance.pick(failures)
}

/** Settles every due event as if a receiver had answered. No request leaves the computer. */
export async function settleDue({ outbox }: Licensing, chance: Chance): Promise<void> {
  for (const appId of await outbox.due()) {
    for (;;) {
      const lease = await outbox.lease(appId, { limit: 100, leaseSeconds: 60 })
      if (lease === null) break
      for (const delivery of lease.deliveries) await outbox.settle(delivery, outcomeOf(chance))
    }
  }
}
