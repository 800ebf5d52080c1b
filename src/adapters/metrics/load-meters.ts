import { Counter, Gauge, type Registry } from 'prom-client'
import type { Licensing } from '../../core/licensing.ts'
import type { Load } from '../../core/load.ts'

/** A series whose value core reports at each scrape. */
type Row = readonly [name: string, help: string, read: (load: Load) => number]

const gauges: readonly Row[] = [
  ['signing_places', 'Places in the signing queue.', ({ signing }) => signing.places],
  ['signing_places_taken', 'Places in the signing queue that are taken.', ({ signing }) => signing.taken],
  ['signing_running', 'Tokens being signed.', ({ signing }) => signing.running],
  ['signing_waiting', 'Tokens that wait to be signed.', ({ signing }) => signing.waiting],
  ['key_pool_size', 'Key pairs that the pool keeps ready.', ({ keyPairs }) => keyPairs.size],
  ['key_pool_ready', 'Key pairs that are ready now.', ({ keyPairs }) => keyPairs.ready],
  ['key_pairs_running', 'Key pairs being made.', ({ keyPairs }) => keyPairs.running],
  ['key_pairs_waiting', 'Key pairs that wait to be made.', ({ keyPairs }) => keyPairs.waiting],
]

const counters: readonly Row[] = [
  ['tokens_signed_total', 'License tokens signed.', ({ signing }) => signing.done],
  [
    'signing_refused_total',
    'Calls refused because the signing queue was full.',
    ({ signing }) => signing.refused,
  ],
  ['key_pairs_made_total', 'Key pairs made.', ({ keyPairs }) => keyPairs.done],
  [
    'key_pairs_refused_total',
    'Calls refused because too many waited for a key pair.',
    ({ keyPairs }) => keyPairs.refused,
  ],
  [
    'webhook_events_dropped_total',
    'Events that were not queued because the queue of their app was full.',
    ({ webhookEventsDropped }) => webhookEventsDropped,
  ],
]

/** A scrape does not wait longer for storage, and reports it as down. */
const storageTimeoutMs = 1_000

type Refresh = (load: Load) => void

function gaugeOf(registry: Registry, [name, help, read]: Row): Refresh {
  const gauge = new Gauge({ name: `heartwood_${name}`, help, registers: [registry] })
  return (load) => gauge.set(read(load))
}

function counterOf(registry: Registry, [name, help, read]: Row): Refresh {
  const counter = new Counter({ name: `heartwood_${name}`, help, registers: [registry] })
  return (load) => {
    counter.reset()
    counter.inc(read(load))
  }
}

function attemptsMeter(registry: Registry): Refresh {
  const attempts = new Counter({
    name: 'heartwood_webhook_attempts_total',
    help: 'Attempts of this process to send an event, by outcome.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return ({ webhookAttempts: { delivered, retried, givenUp } }) => {
    attempts.reset()
    attempts.inc({ outcome: 'delivered' }, delivered)
    attempts.inc({ outcome: 'retried' }, retried)
    attempts.inc({ outcome: 'given_up' }, givenUp)
  }
}

/** The number of apps with due events, `null` if storage fails or is too slow. */
async function appsDue({ outbox }: Licensing): Promise<number | null> {
  const timeout = Promise.withResolvers<null>()
  const timer = setTimeout(timeout.resolve, storageTimeoutMs, null)
  const count = outbox.due().then(
    ({ length }) => length,
    () => null,
  )
  return Promise.race([count, timeout.promise]).finally(() => clearTimeout(timer))
}

function storageMeters(registry: Registry, licensing: Licensing): () => Promise<void> {
  const registers = [registry]
  const up = new Gauge({
    name: 'heartwood_storage_up',
    help: '1 if the storage answers, otherwise 0.',
    registers,
  })
  const due = new Gauge({
    name: 'heartwood_webhook_apps_due',
    help: 'Apps with due events that no server has taken.',
    registers,
  })
  return async () => {
    const count = await appsDue(licensing)
    up.set(count === null ? 0 : 1)
    if (count === null) due.remove()
    else due.set(count)
  }
}

/** Makes the meters of core's load. The returned function updates them: call it at each scrape. */
export function loadMeters(registry: Registry, licensing: Licensing): () => Promise<void> {
  const refreshes = [
    ...gauges.map((row) => gaugeOf(registry, row)),
    ...counters.map((row) => counterOf(registry, row)),
    attemptsMeter(registry),
  ]
  const refreshStorage = storageMeters(registry, licensing)
  return async () => {
    await refreshStorage()
    const load = licensing.load()
    for (const refresh of refreshes) refresh(load)
  }
}
