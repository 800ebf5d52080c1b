import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createLicensing, type Licensing, type Storage } from '../../src/core/index.ts'
import { masterKey } from '../support/fixtures.ts'
import { keyPairSource } from '../support/keys.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const slug = 'desktop-app'
const queueLimit = 40
const customers = 2
const atOnce = 8

interface Server {
  readonly storage: Storage
  readonly licensing: Licensing
}

async function serverOn(target: string): Promise<Server> {
  const storage = await openTarget(target)
  const webhooks = { queueLimit }
  const licensing = await createLicensing({ storage, masterKey, webhooks, newKeyPair: keyPairSource() })
  return { storage, licensing }
}

async function withServers(target: string, work: (servers: readonly Server[]) => Promise<void>) {
  const servers = [await serverOn(target), await serverOn(target)]
  try {
    await work(servers)
  } finally {
    for (const { storage } of servers) await storage.close()
  }
}

/** Issues licenses, several at a time, on one server. */
async function issueMany({ licensing }: Server, customerId: string, count: number): Promise<void> {
  const issue = async (): Promise<void> => {
    while (count-- > 0)
      await licensing.licenses.create(slug, {
        installationId: crypto.randomUUID(),
        ...{ customerId, tierId: 'pro', forever: true },
      })
  }
  await Promise.all(Array.from({ length: atOnce }, issue))
}

/** Two servers that fill one queue never exceed its limit by more than they say, and every change goes on. */
async function fillsQueue(servers: readonly Server[]): Promise<void> {
  const [{ licensing, storage }, other] = servers as [Server, Server]
  const app = await licensing.apps.create({ name: 'App', slug, webhookUrl: 'https://example.com/hook' })
  await licensing.tiers.create(slug, { name: 'Pro', slug: 'pro' })
  const people = Array.from({ length: customers }, (_, at) =>
    licensing.customers.create(slug, { email: `${at}@example.com` }),
  )
  const [ours, theirs] = (await Promise.all(people)).map(({ id }) => id) as [string, string]
  await Promise.all([issueMany(servers[0]!, ours, 50), issueMany(other, theirs, 50)])
  assert.equal((await licensing.licenses.list(slug)).total, 100)
  const pending = await storage.countDeliveries({ appId: app.id, state: 'pending' })
  const dropped = servers.map((server) => server.licensing.load().webhookEventsDropped)
  assert.equal(pending + dropped[0]! + dropped[1]!, 100)
  // A hundredth of the limit for each server, and the events of the transactions that were open.
  const slack = servers.length + servers.length * atOnce
  assert.ok(pending >= queueLimit && pending <= queueLimit + slack, `${pending} are pending`)
  await Promise.all(servers.map((server) => server.licensing.flush()))
  const { webhookDroppedEvents, webhookQueueFullAt } = await licensing.apps.get(slug)
  assert.equal(webhookDroppedEvents, dropped[0]! + dropped[1]!)
  assert.notEqual(webhookQueueFullAt, null)
}

/** Two servers retry at the same time: no event is queued twice, and the queue stays near its limit. */
async function retriesOnce(servers: readonly Server[]): Promise<void> {
  const [{ licensing, storage }] = servers as [Server, Server]
  const app = await licensing.apps.create({ name: 'App', slug, webhookUrl: 'https://example.com/hook' })
  for (let event = 0; event < 30; event++) await licensing.webhooks.test(slug)
  const lease = await licensing.outbox.lease(app.id, { limit: 30, leaseSeconds: 60 })
  for (const { id, version } of lease!.deliveries)
    await storage.updateDelivery(id, version, { state: 'failed', dueAt: null })
  const calls = servers.flatMap((server) =>
    [1, 2, 3].map(() => server.licensing.webhooks.retryAll(slug, { state: 'failed', since: 0 })),
  )
  const retried = (await Promise.all(calls)).reduce((sum, outcome) => sum + outcome.retried, 0)
  assert.equal(retried, 30)
  assert.equal(await storage.countDeliveries({ appId: app.id, state: 'pending' }), 30)
}

const cases = { 'fill one queue': fillsQueue, 'retry at the same time': retriesOnce }

for (const [name, run] of Object.entries(cases))
  describe(`Two servers ${name}`, () => {
    it('on SQLite', () => withFiles((nextFile) => withServers(nextFile(), run)))

    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
      withServers(await database!.emptied(), run),
    )
  })
