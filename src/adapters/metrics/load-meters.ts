import { Counter, Gauge, type Registry } from 'prom-client'
import type { Licensing } from '../../core/licensing.ts'
import type { Load } from '../../core/load.ts'

/** A series that is read off core at each scrape. */
type Row = readonly [name: string, help: string, read: (load: Load) => number]

const gauges: readonly Row[] = [
  ['signing_places', 'How many may hold a place among the signers.', ({ signing }) => signing.places],
  ['signing_places_taken', 'How many hold one.', ({ signing }) => signing.taken],
  ['signing_running', 'Tokens being signed.', ({ signing }) => signing.running],
  ['signing_waiting', 'Tokens that wait for their turn.', ({ signing }) => signing.waiting],
  ['key_pool_size', 'Key pairs that are to be ready.', ({ keyPairs }) => keyPairs.size],
  ['key_pool_ready', 'Key pairs that are ready.', ({ keyPairs }) => keyPairs.ready],
  ['key_pairs_running', 'Key pairs being made.', ({ keyPairs }) => keyPairs.running],
  ['key_pairs_waiting', 'Key pairs that wait for their turn.', ({ keyPairs }) => keyPairs.waiting],
]

const counters: readonly Row[] = [
  ['tokens_signed_total', 'License tokens signed.', ({ signing }) => signing.done],
  ['signing_refused_total', 'Calls refused because no place was free.', ({ signing }) => signing.refused],
  ['key_pairs_made_total', 'Key pairs made.', ({ keyPairs }) => keyPairs.done],
  ['key_pairs_refused_total', 'Calls refused because too many waited.', ({ keyPairs }) => keyPairs.refused],
]

/** A storage that takes longer counts as away: a scrape does not wait for it. */
const patienceMs = 1_000

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

function attemptsOf(registry: Registry): Refresh {
  const attempts = new Counter({
    name: 'heartwood_webhook_attempts_total',
    help: 'Attempts of this process to send an event, by how they ended.',
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

/** How many apps have events due, `null` when the storage does not say so in time. */
async function appsDue({ outbox }: Licensing): Promise<number | null> {
  const late = Promise.withResolvers<null>()
  const timer = setTimeout(late.resolve, patienceMs, null)
  const count = outbox.due().then(
    ({ length }) => length,
    () => null,
  )
  return Promise.race([count, late.promise]).finally(() => clearTimeout(timer))
}

function storageOf(registry: Registry, licensing: Licensing): () => Promise<void> {
  const registers = [registry]
  const up = new Gauge({ name: 'heartwood_storage_up', help: 'Whether the storage answers.', registers })
  const due = new Gauge({
    name: 'heartwood_webhook_apps_due',
    help: 'Apps with events that are due and that no server has taken.',
    registers,
  })
  return async () => {
    const count = await appsDue(licensing)
    up.set(count === null ? 0 : 1)
    if (count === null) due.remove()
    else due.set(count)
  }
}

/** Measures what core tells of itself. Answers what brings it up to date, for each scrape: nothing is done in between. */
export function loadMeters(registry: Registry, licensing: Licensing): () => Promise<void> {
  const refreshes = [
    ...gauges.map((row) => gaugeOf(registry, row)),
    ...counters.map((row) => counterOf(registry, row)),
    attemptsOf(registry),
  ]
  const askStorage = storageOf(registry, licensing)
  return async () => {
    await askStorage()
    const load = licensing.load()
    for (const refresh of refreshes) refresh(load)
  }
}
