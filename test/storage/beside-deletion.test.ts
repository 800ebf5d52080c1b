import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import postgres from 'postgres'
import type { Licensing, Storage, StorageSession } from '../../src/core/index.ts'
import type { UpdateNote } from '../../src/core/storage/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { addLicense, addParents, madeAt, type Parents } from '../../src/testing/storage-cases/records.ts'
import { codeOf, newShop, newWorld, refusalOf, risingIds, type Shop } from '../support/fixtures.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'

const database = await openTestDatabase()
after(() => database?.drop())

/** Another request that runs as soon as a verb has resolved or rejected. */
type Interruption = readonly [verb: keyof Storage & string, other: () => Promise<unknown>]

type Verb = (...given: unknown[]) => Promise<unknown>

/** The same storage. Each interruption runs once, in their order, inside transactions too. */
function interrupted<Session extends StorageSession>(session: Session, left: Interruption[]): Session {
  return new Proxy(session, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name)
      if (typeof verb !== 'function' || typeof name === 'symbol') return verb
      return async (...given: readonly unknown[]) => {
        const [first] = given
        const inside = (tx: StorageSession) =>
          (first as (tx: StorageSession) => unknown)(interrupted(tx, left))
        try {
          return await (verb as Verb).apply(target, name === 'transaction' ? [inside] : [...given])
        } finally {
          if (left[0]?.[0] === name) await left.shift()![1]()
        }
      }
    },
  })
}

interface Meeting extends Shop {
  /** Licensing whose calls the interruptions meet. */
  interruptedBy(...interruptions: readonly Interruption[]): Licensing
}

interface Case {
  readonly run: (meeting: Meeting) => Promise<void>
  /** True if a deletion falls into an open transaction. Only PostgreSQL lets others write then. */
  readonly needsPostgres?: true
}

const pro = { customerId: '', tierId: 'pro', installationId: '', durationDays: 30 }
const installationId = 'a1b2c3d4-e5f6-4a7b-8c9d-00000000ffff'

/** The error of a call, as its code and the fields at fault. */
async function faultOf(call: Promise<unknown>): Promise<string> {
  const { code, details = {} } = await refusalOf(call)
  return [code, ...Object.keys(details)].join(' ')
}

const cases: Readonly<Record<string, Case>> = {
  'apps.list(): leaves out an app that is deleted meanwhile': {
    run: async ({ licensing, app, interruptedBy }) => {
      await licensing.apps.create({ name: 'Other', slug: 'other' })
      const other = interruptedBy(['listApps', () => licensing.apps.delete('other')])
      const { data } = await other.apps.list()
      assert.deepEqual(
        data.map(({ slug }) => slug),
        [app.slug],
      )
    },
  },
  'apps.jwks() and apps.keys(): an app that is deleted meanwhile is not found': {
    run: async ({ licensing, app, interruptedBy }) => {
      const other = interruptedBy(['findApp', () => licensing.apps.delete(app.slug)])
      assert.equal(await codeOf(other.apps.jwks(app.slug)), 'not_found')
      await licensing.apps.create({ name: 'Again', slug: app.slug })
      const again = interruptedBy(['findApp', () => licensing.apps.delete(app.slug)])
      assert.equal(await codeOf(again.apps.keys(app.slug)), 'not_found')
    },
  },
  'tiers.addFeature(): adds a feature that is deleted before it is read': {
    needsPostgres: true,
    run: (meeting) => addsFeature(meeting, 'insertFeature'),
  },
  'tiers.addFeature(): adds a feature that is deleted after it was read': {
    needsPostgres: true,
    run: (meeting) => addsFeature(meeting, 'findFeature'),
  },
  'licenses.create(): a tier that is deleted meanwhile is an input error': {
    run: async ({ licensing, app, customer, interruptedBy }) => {
      const other = interruptedBy(['findTier', () => licensing.tiers.delete(app.slug, 'pro')])
      const call = other.licenses.create(app.slug, { ...pro, customerId: customer.id, installationId })
      assert.equal(await faultOf(call), 'validation_error tierId')
    },
  },
  'idempotent(): work ends with its first refused write, and says the cause when it is repeated': {
    run: async ({ licensing, app, customer, interruptedBy }) => {
      const other = interruptedBy(['findTier', () => licensing.tiers.delete(app.slug, 'pro')])
      const license = { ...pro, customerId: customer.id, installationId }
      const sell = () =>
        other.idempotent({ key: 'order-1', scope: 'shop', fingerprint: 'f' }, ({ licenses }) =>
          licenses.create(app.slug, license),
        )
      assert.equal(await faultOf(sell()), 'not_found')
      assert.equal(await faultOf(sell()), 'validation_error tierId')
    },
  },
  'licenses.create(): a customer who is deleted meanwhile is an input error': {
    run: async ({ licensing, app, customer, interruptedBy }) => {
      const other = interruptedBy(['findTier', () => licensing.customers.delete(app.slug, customer.id)])
      const call = other.licenses.create(app.slug, { ...pro, customerId: customer.id, installationId })
      assert.equal(await faultOf(call), 'validation_error customerId')
    },
  },
  'licenses.create(): an app that is deleted meanwhile is not found': {
    run: async ({ licensing, app, customer, interruptedBy }) => {
      const other = interruptedBy(['findTier', () => licensing.apps.delete(app.slug)])
      const call = other.licenses.create(app.slug, { ...pro, customerId: customer.id, installationId })
      assert.equal((await refusalOf(call)).message, 'App not found')
    },
  },
  'licenses.update(): a new tier that is deleted meanwhile is an input error': {
    run: async ({ licensing, app, issue, interruptedBy }) => {
      const { id } = await issue()
      const remove = (tier: string) => () => licensing.tiers.delete(app.slug, tier)
      for (const [tier, interruptions] of [
        ['early', [['findTier', remove('early')]]],
        // The tier is read twice: for the input, and for its features.
        [
          'late',
          [
            ['findTier', async () => {}],
            ['findTier', remove('late')],
          ],
        ],
      ] as readonly [string, readonly Interruption[]][]) {
        await licensing.tiers.create(app.slug, { name: tier, slug: tier })
        const call = interruptedBy(...interruptions).licenses.update(app.slug, id, { tierId: tier })
        assert.equal(await faultOf(call), 'validation_error tierId', tier)
      }
    },
  },
  'licenses.update(): a new customer who is deleted meanwhile is an input error': {
    run: async ({ licensing, app, issue, interruptedBy }) => {
      const { id } = await issue()
      const next = await licensing.customers.create(app.slug, { email: 'next@example.com' })
      const other = interruptedBy(['findCustomer', () => licensing.customers.delete(app.slug, next.id)])
      const call = other.licenses.update(app.slug, id, { customerId: next.id })
      assert.equal(await faultOf(call), 'validation_error customerId')
    },
  },
  'licenses.regenerate(): a tier that is deleted meanwhile is missing': {
    run: async ({ licensing, app, issue, interruptedBy }) => {
      const { id } = await issue()
      const other = interruptedBy(['findTier', () => licensing.tiers.delete(app.slug, 'pro')])
      assert.equal(await codeOf(other.licenses.regenerate(app.slug, id)), 'missing_tier')
    },
  },
  'customers.create(): succeeds if the holder of the e-mail is deleted meanwhile': {
    run: async ({ licensing, app, customer: { id, email }, interruptedBy }) => {
      const other = interruptedBy(['insertCustomer', () => licensing.customers.delete(app.slug, id)])
      assert.notEqual((await other.customers.create(app.slug, { email })).id, id)
    },
  },
  'customers.getOrCreate(): succeeds if a rival comes and goes meanwhile': {
    run: async ({ licensing, app, interruptedBy }) => {
      const email = 'rival@example.com'
      let rival = ''
      const other = interruptedBy(
        [
          'findCustomerByEmail',
          async () => (rival = (await licensing.customers.create(app.slug, { email })).id),
        ],
        ['insertCustomer', () => licensing.customers.delete(app.slug, rival)],
      )
      assert.equal((await other.customers.getOrCreate(app.slug, { email })).created, true)
    },
  },
  'customers.update(): succeeds if the holder of the external id is deleted meanwhile': {
    run: async ({ licensing, app, customer, interruptedBy }) => {
      const holder = { email: 'holder@example.com', externalId: 'user-1' }
      const { id } = await licensing.customers.create(app.slug, holder)
      const other = interruptedBy(['updateCustomer', () => licensing.customers.delete(app.slug, id)])
      const changed = await other.customers.update(app.slug, customer.id, { externalId: 'user-1' })
      assert.equal(changed.externalId, 'user-1')
    },
  },
  'ensure(): makes an app or a tier again that is deleted meanwhile': {
    run: async ({ licensing, app: { name, slug }, interruptedBy }) => {
      const catalogue = { app: { name, slug }, tiers: [{ name: 'Pro', slug: 'pro', features: ['sync'] }] }
      const withoutTier = interruptedBy(['findTier', () => licensing.tiers.delete(slug, 'pro')])
      await withoutTier.ensure(catalogue)
      assert.deepEqual((await licensing.tiers.get(slug, 'pro')).features, ['sync'])
      const withoutApp = interruptedBy(['findTier', () => licensing.apps.delete(slug)])
      const { id } = await withoutApp.ensure(catalogue)
      assert.equal((await licensing.apps.get(slug)).id, id)
    },
  },
  'apiKeys.roll(): a key whose app is deleted meanwhile is not found': {
    run: async ({ licensing, app, interruptedBy }) => {
      const { id } = await licensing.apiKeys.create({ app: app.slug })
      const other = interruptedBy(['findApiKey', () => licensing.apps.delete(app.slug)])
      assert.equal(await codeOf(other.apiKeys.roll(id)), 'not_found')
    },
  },
}

async function addsFeature(
  { licensing, app, interruptedBy }: Meeting,
  verb: 'insertFeature' | 'findFeature',
): Promise<void> {
  await licensing.features.create(app.slug, { name: 'Sync', slug: 'sync' })
  const other = interruptedBy([verb, () => licensing.features.delete(app.slug, 'sync')])
  const { added } = await other.tiers.addFeature(app.slug, 'pro', { name: 'Sync', slug: 'sync' })
  assert.equal(added, true)
  assert.deepEqual((await licensing.tiers.get(app.slug, 'pro')).features, ['api_access', 'sync'])
}

async function meet(storage: Storage, run: Case['run']): Promise<void> {
  try {
    const shop = await newShop({ storage })
    const left: Interruption[] = []
    const { licensing: other } = await newWorld({
      storage: interrupted(storage, left),
      newId: risingIds(1_000),
    })
    const interruptedBy: Meeting['interruptedBy'] = (...interruptions) => {
      left.splice(0, left.length, ...interruptions)
      return other
    }
    await run({ ...shop, interruptedBy })
    assert.equal(left.length, 0, 'every interruption took place')
  } finally {
    await storage.close()
  }
}

const storages: Readonly<Record<string, () => Promise<Storage>>> = {
  memory: async () => memoryStorage(),
  SQLite: () => sqliteStorage({ filename: ':memory:' }),
  PostgreSQL: async () => postgresStorage({ connectionString: await database!.emptied() }),
}

for (const [name, open] of Object.entries(storages))
  describe(
    `Beside a deletion, on ${name}`,
    { skip: name === 'PostgreSQL' && database === undefined && noPostgres },
    () => {
      for (const [title, { run, needsPostgres = false }] of Object.entries(cases))
        if (name === 'PostgreSQL' || !needsPostgres) it(title, async () => meet(await open(), run))
    },
  )

const rounds = 'Bun' in globalThis ? 40 : 8

/** Runs a call again and again until the deletions are over. Resolves to the outcomes that it had. */
async function whileDeleting(
  deletions: Promise<unknown>,
  call: () => Promise<unknown>,
): Promise<ReadonlySet<string>> {
  const over = new AbortController()
  const outcomes = new Set<string>()
  const caller = async (): Promise<void> => {
    while (!over.signal.aborted) outcomes.add(await codeOf(call()))
  }
  const callers = [caller(), caller(), caller()]
  await deletions.finally(() => over.abort())
  await Promise.all(callers)
  return outcomes
}

describe(`Beside ${rounds} deletions, on PostgreSQL`, { skip: database === undefined && noPostgres }, () => {
  const onShop = (run: (shop: Shop) => Promise<void>) => async (): Promise<void> => {
    const storage = await storages['PostgreSQL']!()
    try {
      await run(await newShop({ storage, newId: undefined as never }))
    } finally {
      await storage.close()
    }
  }

  it(
    'apps.list() always succeeds',
    onShop(async ({ licensing }) => {
      const deletions = async (): Promise<void> => {
        for (let round = 0; round < rounds; round++) {
          await licensing.apps.create({ name: 'Short', slug: `short-${round}` })
          await licensing.apps.delete(`short-${round}`)
        }
      }
      assert.deepEqual([...(await whileDeleting(deletions(), () => licensing.apps.list()))], ['ok'])
    }),
  )

  it(
    'tiers.addFeature() always succeeds',
    onShop(async ({ licensing, app: { slug } }) => {
      const deletions = async (): Promise<void> => {
        for (let round = 0; round < rounds; round++) await codeOf(licensing.features.delete(slug, 'sync'))
      }
      const add = () => licensing.tiers.addFeature(slug, 'pro', { name: 'Sync', slug: 'sync' })
      assert.deepEqual([...(await whileDeleting(deletions(), add))], ['ok'])
    }),
  )

  it(
    'licenses.create() succeeds, or its tier is an input error',
    onShop(async ({ licensing, app: { slug }, issue }) => {
      const deletions = async (): Promise<void> => {
        for (let round = 0; round < rounds; round++) {
          await licensing.tiers.create(slug, { name: 'Short', slug: 'short' })
          await licensing.tiers.delete(slug, 'short')
        }
      }
      const outcomes = await whileDeleting(deletions(), () => issue({ tierId: 'short' }))
      assert.deepEqual(
        [...outcomes].filter((outcome) => !['ok', 'validation_error'].includes(outcome)),
        [],
      )
    }),
  )
})

/** Resolves once so many statements wait for a lock. */
async function waitForLocks(url: string, count: number): Promise<void> {
  const outside = postgres(url, { max: 1, onnotice: () => {} })
  const waiting = () =>
    outside`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  while ((await waiting()).length < count) await new Promise((resolve) => setTimeout(resolve, 10))
  await outside.end()
}

function noted<Entry>(known: Entry): UpdateNote<Entry> {
  return { known, entryOf: () => undefined }
}

/** Two updates and a deletion of each kind. */
function lateCalls(storage: Storage, { app, tier, customer }: Parents) {
  const patch = { name: 'late' }
  return {
    tier: () => [
      storage.updateTier(tier.id, patch),
      storage.updateTier(tier.id, patch, noted(tier)),
      storage.deleteTier(tier.id),
    ],
    customer: () => [
      storage.updateCustomer(customer.appId, customer.id, patch),
      storage.updateCustomer(customer.appId, customer.id, patch, noted(customer)),
      storage.deleteCustomer(customer.id),
    ],
    app: () => [
      storage.updateApp(app.id, patch),
      storage.updateApp(app.id, patch, noted(app)),
      storage.deleteApp(app.id),
    ],
  }
}

describe(
  'Behind the begin of a deletion, on PostgreSQL',
  { skip: database === undefined && noPostgres },
  () => {
    for (const kind of ['tier', 'customer', 'app'] as const)
      it(`${kind}: updates and deletions that waited for it find no record`, async () => {
        const connectionString = await database!.emptied()
        const storage = await postgresStorage({ connectionString })
        const parents = await addParents(storage)
        await addLicense(storage, parents)
        const deletion = { id: parents[kind].id, appId: parents.app.id, kind, startedAt: madeAt }
        const calls: Promise<unknown>[] = []
        await storage.transaction(async (tx) => {
          assert.equal(await tx.beginDeletion(deletion, 0), 'begun')
          calls.push(...lateCalls(storage, parents)[kind]())
          await waitForLocks(connectionString, calls.length)
        })
        assert.deepEqual(await Promise.all(calls), [null, null, false])
        await storage.close()
      })
  },
)
