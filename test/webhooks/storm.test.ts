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
import { eventually, receiver, type Receiver } from './sent.ts'

// HEARTWOOD_STORM=full is what is promised; an ordinary run is a tenth of it.
const isFull = process.env.HEARTWOOD_STORM === 'full'
const [eventsInAll, kills] = isFull ? [10_000, 50] : [1_000, 5]

/** How a receiver behaves: which part of its requests it fails, and which it never answers. */
interface Habits {
  readonly fails: number
  readonly hangs: number
}

const habits: Readonly<Record<string, Habits>> = {
  good: { fails: 0, hangs: 0 },
  'bad-one': { fails: 0.3, hangs: 0.1 },
  'bad-two': { fails: 0.3, hangs: 0.1 },
  'bad-three': { fails: 0.3, hangs: 0.1 },
}

/** What a receiver saw: how often it was sent each id, and which ids it took. */
interface Seen extends Receiver {
  readonly sent: Map<string, number>
  readonly taken: Set<string>
  readonly wrong: string[]
}

async function watching({ fails, hangs }: Habits, secretOf: () => string): Promise<Seen> {
  const [sent, taken, wrong] = [new Map<string, number>(), new Set<string>(), [] as string[]]
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
    taken.add(id)
    response.writeHead(204).end()
  })
  return { url, port, close, sent, taken, wrong }
}

/** An app with a few licenses to change, and its receiver. */
async function shopOf(licensing: Licensing, slug: string) {
  let secret = ''
  const seen = await watching(habits[slug] ?? habits.good!, () => secret)
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
  const script = fileURLToPath(new URL('storm-sender.ts', import.meta.url))
  const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []
  return spawn(process.execPath, [...flags, script, target], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Kills the sender -9, over and over, each time soon after it has begun to send; the last one lives. */
async function killing(target: string): Promise<ChildProcess> {
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

/** Every event of an app as the storage has it. */
async function eventsOf(licensing: Licensing, slug: string) {
  const events: { readonly eventId: string; readonly state: string }[] = []
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
  test(`${name}: ${eventsInAll} events, bad receivers and ${kills} kills: none is lost`, options, () =>
    use(storm),
  )
}

async function storm(target: string): Promise<void> {
  const storage = await openTarget(target)
  const { licensing } = await newWorld({
    ...{ storage, now: Date.now, newId: undefined as never },
    webhooks: { allowPrivateTargets: true },
  })
  const shops = []
  for (const slug of Object.keys(habits)) shops.push(await shopOf(licensing, slug))
  const began = Date.now()
  const sending = killing(target)
  // As inside a transaction of a host's: no signature is made of a token that nobody reads.
  const quiet = licensing.with(storage)
  for (let at = shops.length * 20; at < eventsInAll; at++) {
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
    // Every event arrived, and under no other id, however often it was sent.
    assert.deepEqual([...seen.taken].toSorted(), events.map(({ eventId }) => eventId).toSorted())
    assert.deepEqual([...seen.sent.keys()].toSorted(), [...seen.taken].toSorted())
    assert.deepEqual(seen.wrong, [])
    total += events.length
    requests += [...seen.sent.values()].reduce((sum, times) => sum + times, 0)
    await seen.close()
  }
  await storage.close()
  assert.equal(total, eventsInAll)
  console.log(
    `${total} events in ${requests} requests; written in ${written} ms, ${kills} kills in ${killed} ms, all sent in ${took} ms`,
  )
}

test('a good receiver is not delayed by those that never answer', { timeout: 60_000 }, async () => {
  const { licensing } = await newWorld({
    ...{ storage: memoryStorage(), now: Date.now, newId: undefined as never },
    webhooks: { allowPrivateTargets: true },
  })
  const dead = await receiver(() => {})
  const hanging = ['hangs-1', 'hangs-2', 'hangs-3', 'hangs-4', 'hangs-5']
  for (const slug of hanging) {
    await licensing.apps.create({ name: 'n', slug, webhookUrl: dead.url })
    for (let event = 0; event < 50; event++) await licensing.webhooks.test(slug)
  }
  const seen = await watching(habits.good!, () => secret)
  await licensing.apps.create({ name: 'n', slug: 'good', webhookUrl: seen.url })
  const { secret } = await licensing.webhooks.secret('good')
  const delivery = startDelivery(licensing, { pollMs: 50, stopMs: 0 })
  await setTimeout(200)
  for (let event = 0; event < 100; event++) await licensing.webhooks.test('good')
  await eventually(() => seen.taken.size === 100)
  // Not one of the attempts that hang has come to its end before all of these had arrived.
  for (const slug of hanging) {
    const { data } = await licensing.webhooks.deliveries(slug, { perPage: 100 })
    assert.deepEqual([data.length, data.every(({ attempts }) => attempts === 0)], [50, true], slug)
  }
  await delivery.stop()
  await Promise.all([dead.close(), seen.close()])
})
