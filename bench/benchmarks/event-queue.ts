import { newTypeId } from '../../src/core/ids.ts'
import type { DeliveryRecord } from '../../src/core/index.ts'
import type { Benchmark } from '../benchmark.ts'
import { flush } from '../databases.ts'
import { openFixture, type Fixture } from '../fixtures.ts'
import { formatNumber } from '../result.ts'
import { idleTurn, turnRow, type Turns, watchTurns } from '../turns.ts'

const day = 86_400
const mostEvents = 100_000
const atOnce = 1_000

type Queued = Pick<DeliveryRecord, 'createdAt' | 'dueAt' | 'state'>

function eventOf({ app }: Fixture, queued: Queued): DeliveryRecord {
  return {
    id: newTypeId('whd'),
    appId: app.id,
    eventId: newTypeId('evt'),
    type: 'license.expiring',
    licenseId: null,
    payload: JSON.stringify({ type: 'license.expiring', data: { app: app.id } }),
    priority: 1,
    attempts: 0,
    lastStatus: null,
    lastError: null,
    lastAttemptAt: null,
    lastAttempts: [],
    version: 0,
    ...queued,
  }
}

async function addEvents(fixture: Fixture, count: number, queued: Queued): Promise<void> {
  for (let added = 0; added < count; added += atOnce)
    await fixture.storage.transaction(async (tx) => {
      for (let n = added; n < Math.min(added + atOnce, count); n++)
        await tx.insertDelivery(eventOf(fixture, queued))
    })
  flush(fixture.location)
}

/** Sends one event to a receiver that wants no more (410), and goes on until no event is due. */
async function giveUpAll({ licensing: { outbox }, app }: Fixture): Promise<void> {
  const lease = await outbox.lease(app.id, { limit: 1, leaseSeconds: 60 })
  const gone = { status: 410, error: 'The receiver answered 410', retryIn: null, gone: true }
  for (const event of lease?.deliveries ?? []) await outbox.settle(event, gone)
  while ((await outbox.lease(app.id, { limit: 100, leaseSeconds: 60 })) !== null);
}

/** Measures how long giving up many events, and pruning them, keep the event loop from others. */
export const eventQueue: Benchmark = async ({ rounds, licenses }, databases) => {
  const count = Math.min(licenses, mostEvents)
  const now = Math.floor(Date.now() / 1000)
  const [idle, givenUp, pruned]: [number[], Turns[], Turns[]] = [[], [], []]
  for (let round = 0; round < Math.min(rounds, 5); round++) {
    const fixture = await openFixture(await databases.create(`events-${round}`), 'bench')
    await fixture.licensing.apps.update('bench', { webhookUrl: 'https://hooks.example.com/licenses' })
    await addEvents(fixture, count, { createdAt: now, dueAt: now, state: 'pending' })
    idle.push(await idleTurn())
    givenUp.push(await watchTurns(() => giveUpAll(fixture)))
    await addEvents(fixture, count, { createdAt: now - 31 * day, dueAt: null, state: 'delivered' })
    pruned.push(await watchTurns(() => fixture.licensing.outbox.prune()))
    await fixture.close()
  }
  return [
    turnRow(`give up ${formatNumber(count)} events after a 410`, givenUp, idle),
    turnRow(`prune ${formatNumber(count)} events`, pruned, idle),
  ]
}
