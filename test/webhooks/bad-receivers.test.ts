import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Webhook } from 'standardwebhooks'
import type { Licensing } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { noPostgres, openTestDatabase } from '../storage/postgres-database.ts'
import { inTemporaryFolder } from '../storage/temporary-folder.ts'
import { openTarget } from '../storage/two-servers.ts'
import { installation, newWorld } from '../support/fixtures.ts'
import { eventually, receiver, type Receiver } from './receivers.ts'

// HEARTWOOD_TEST_WEBHOOKS=full runs the promised load. The default is a tenth of it.
const isFull = process.env.HEARTWOOD_TEST_WEBHOOKS === 'full'
const [eventCount, kills] = isFull ? [10_000, 50] : [1_000, 5]

/** The behaviour of a receiver. */
interface Behaviour {
  /** The share of requests that it answers with 500. */
  readonly fails: number
  /** The share of requests that it never answers. */
  readonly hangs: number
}

const behaviours: Readonly<Record<string, Behaviour>> = {
  good: { fails: 0, hangs: 0 },
  'bad-one': { fails: 0.3, hangs: 0.1 },
  'bad-two': { fails: 0.3, hangs: 0.1 },
  'bad-three': { fails: 0.3, hangs: 0.1 },
}

/** A receiver with a record of its requests. */
interface RecordingReceiver extends Receiver {
  /** The number of requests for each event id. */
  readonly sent: Map<string, number>
  /** The event ids that it accepted. */
  readonly accepted: Set<string>
  /** The requests without a valid signature. */
  readonly wrong: string[]
}

async function recordingReceiver(
  { fails, hangs }: Behaviour,
  secretOf: () => string,
): Promise<RecordingReceiver> {
  const [sent, accepted, wrong] = [new Map<string, number>(), new Set<string>(), [] as string[]]
  const { url, port, close } = await receiver((request, response, body) => {
    const id = String(request.headers['webhook-id'])
    sent.set(id, (sent.get(id) ?? 0) + 1)
    try {
      new Webhook(secretOf()).verify(body, request.headers as Record<string, string>)
    } catch (error) {
      wrong.push(`${id}: ${String(error)}`)
    }
    const luck = Math.random()
    if (luck < hangs) return
    if (luck < hangs + fails) return void response.writeHead(500).end()
    accepted.add(id)
    response.writeHead(204).end()
  })
  return { url, port, close, sent, accepted, wrong }
}

/** Creates an app with a receiver and 20 licenses to change. */
async function shopOf(licensing: Licensing, slug: string) {
  let secret = ''
  const seen = await recordingReceiver(behaviours[slug] ?? behaviours.good!, () => secret)
  const app = await licensing.apps.create({ name: slug, slug, webhookUrl: seen.url })
  secret = (await licensing.webhooks.secret(slug)).secret
  await licensing.tiers.create(slug, { name: 'Pro', slug: 'pro' })
  const customer = await licensing.customers.create(slug, { email: 'ada@example.com' })
  const ids: string[] = []
  for (let at = 0; at < 20; at++) {
    const license = {
      customerId: customer.id,
      tierId: 'pro',
      installationId: installation(at),
      forever: true,
    }
    ids.push((await licensing.licenses.create(slug, license as never)).id)
  }
  return { slug, app, seen, ids }
}

function startSender(target: string): ChildProcess {
  const script = fileURLToPath(new URL('sender-process.ts', import.meta.url))
  const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []
  return spawn(process.execPath, [...flags, script, target], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Kills each sender soon after it has begun to send, and resolves to the last one, which lives. */
async function killSenders(target: string): Promise<ChildProcess> {
  for (let killed = 0; ; killed++) {
    const sender = startSender(target)
    await once(sender.stdout!, 'data')
    if (killed === kills) return sender
    await setTimeout(100 + Math.random() * 500)
    const ended = once(sender, 'exit')
    sender.kill('SIGKILL')
    await ended
  }
}

/** Every event of an app in the storage. */
async function eventsOf(licensing: Licensing, slug: string) {
  const events: { readonly eventId: string; readonly type: string; readonly state: string }[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const query: { perPage: number; cursor?: string } = { perPage: 100, ...(cursor !== '' && { cursor }) }
    const page: Awaited<ReturnType<Licensing['webhooks']['deliveries']>> =
      await licensing.webhooks.deliveries(slug, query)
    events.push(...page.data)
    cursor = page.nextCursor
  }
  return events
}

const postgres = await openTestDatabase()
after(() => postgres?.drop())

type UseTarget = (work: (target: string) => Promise<void>) => Promise<void>

const targets: Readonly<Record<string, UseTarget>> = {
  SQLite: (work) => inTemporaryFolder((folder) => work(`${folder}/heartwood.db`)),
  PostgreSQL: async (work) => work(await postgres!.nextSchema()),
}

for (const [name, use] of Object.entries(targets)) {
  const skip = name === 'PostgreSQL' && postgres === undefined && noPostgres
  const options = { skip, timeout: 590_000 }
  test(
    `startDelivery() on ${name}: ${eventCount} events, bad receivers and ${kills} kills lose no event`,
    options,
    () => use(sendUnderFailures),
  )
}

async function sendUnderFailures(target: string): Promise<void> {
  const storage = await openTarget(target)
  const { licensing } = await newWorld({
    storage,
    now: Date.now,
    newId: undefined as never,
    webhooks: { allowPrivateTargets: true },
  })
  const shops = []
  for (const slug of Object.keys(behaviours)) shops.push(await shopOf(licensing, slug))
  const began = Date.now()
  const sending = killSenders(target)
  // Licensing in a host's transaction signs no tokens, which this test does not read.
  const quiet = licensing.with(storage)
  for (let at = shops.length * 20; at < eventCount; at++) {
    const { slug, ids } = shops[at % shops.length]!
    await quiet.licenses.update(slug, ids[(at >> 2) % ids.length]!, { metadata: { at } })
  }
  const written = Date.now() - began
  const sender = await sending
  const killed = Date.now() - began
  const pending = async (slug: string) =>
    (await licensing.webhooks.deliveries(slug, { state: 'pending', perPage: 1 })).total
  for (const { slug } of shops) await eventually(async () => (await pending(slug)) === 0, 400_000)
  const took = Date.now() - began
  sender.kill('SIGKILL')
  let [total, requests] = [0, 0]
  for (const { slug, seen } of shops) {
    const events = await eventsOf(licensing, slug)
    assert.deepEqual(
      events.filter(({ state }) => state !== 'delivered'),
      [],
    )
    // Every event arrived, and only under its own id.
    assert.deepEqual([...seen.accepted].toSorted(), events.map(({ eventId }) => eventId).toSorted())
    assert.deepEqual([...seen.sent.keys()].toSorted(), [...seen.accepted].toSorted())
    assert.deepEqual(seen.wrong, [])
    // A server that seals for long also tells of checkpoints.
    total += events.filter(({ type }) => type !== 'audit.checkpoint').length
    requests += [...seen.sent.values()].reduce((sum, times) => sum + times, 0)
    await seen.close()
  }
  await storage.close()
  assert.equal(total, eventCount)
  console.log(
    `${total} events in ${requests} requests; written in ${written} ms, ${kills} kills in ${killed} ms, all sent in ${took} ms`,
  )
}

test(
  'startDelivery(): receivers that never answer do not delay a good one',
  { timeout: 60_000 },
  async () => {
    const { licensing } = await newWorld({
      storage: memoryStorage(),
      now: Date.now,
      newId: undefined as never,
      webhooks: { allowPrivateTargets: true },
    })
    const dead = await receiver(() => {})
    const hanging = ['hangs-1', 'hangs-2', 'hangs-3', 'hangs-4', 'hangs-5']
    for (const slug of hanging) {
      await licensing.apps.create({ name: 'n', slug, webhookUrl: dead.url })
      for (let event = 0; event < 50; event++) await licensing.webhooks.test(slug)
    }
    const seen = await recordingReceiver(behaviours.good!, () => secret)
    await licensing.apps.create({ name: 'n', slug: 'good', webhookUrl: seen.url })
    const { secret } = await licensing.webhooks.secret('good')
    const delivery = startDelivery(licensing, { pollMs: 50, stopMs: 0 })
    await setTimeout(200)
    for (let event = 0; event < 100; event++) await licensing.webhooks.test('good')
    await eventually(() => seen.accepted.size === 100)
    // All of these arrived before a single hanging attempt reached its deadline.
    for (const slug of hanging) {
      const { data } = await licensing.webhooks.deliveries(slug, { perPage: 100 })
      assert.deepEqual([data.length, data.every(({ attempts }) => attempts === 0)], [50, true], slug)
    }
    await delivery.stop()
    await Promise.all([dead.close(), seen.close()])
  },
)
