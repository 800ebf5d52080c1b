import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Licensing, Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { newShop, newWorld, risingIds, type Shop } from '../support/fixtures.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { openRaw } from './raw-rows.ts'
import { inTemporaryFolder } from './temporary-folder.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const slug = 'desktop-app'

/** A text field whose values the audit log shows. */
interface Named {
  readonly action: string
  readonly first: string | null
  read(licensing: Licensing): Promise<string | null>
  write(licensing: Licensing, value: string): Promise<unknown>
}

const fields: Readonly<Record<string, Named>> = {
  'apps.update()': {
    action: 'app.updated',
    first: null,
    read: async ({ apps }) => (await apps.get(slug)).description,
    write: ({ apps }, description) => apps.update(slug, { description }),
  },
  'tiers.update()': {
    action: 'tier.updated',
    first: null,
    read: async ({ tiers }) => (await tiers.get(slug, 'pro')).description,
    write: ({ tiers }, description) => tiers.update(slug, 'pro', { description }),
  },
  'features.update()': {
    action: 'feature.updated',
    first: null,
    read: async ({ features }) => (await features.get(slug, 'api_access')).description,
    write: ({ features }, description) => features.update(slug, 'api_access', { description }),
  },
  'ensure()': {
    action: 'tier.updated',
    first: 'Pro',
    read: async ({ tiers }) => (await tiers.get(slug, 'pro')).name,
    write: (licensing, name) =>
      licensing.ensure({
        app: { name: 'My Desktop App', slug },
        tiers: [{ name, slug: 'pro', features: ['api_access'] }],
      }),
  },
}

type Step = readonly [before: string | null, after: string | null]

async function stepsOf(licensing: Licensing, action: string): Promise<readonly Step[]> {
  const steps: Step[] = []
  for await (const { changes } of licensing.audit.all(slug, { action }))
    steps.push((changes['description'] ?? changes['name']) as Step)
  return steps
}

/** Follows the values from entry to entry. Resolves to the last one, once each entry was passed. */
function lastOf(first: string | null, steps: readonly Step[]): string | null {
  const left = new Map(steps)
  assert.equal(left.size, steps.length, 'No two entries begin with one value')
  let value = first
  while (left.has(value)) {
    const next = left.get(value)!
    left.delete(value)
    value = next
  }
  assert.equal(left.size, 0, 'Every entry begins where another one ended')
  return value
}

const updates = 12

async function meet({ licensing, storage }: Shop, { action, first, read, write }: Named): Promise<void> {
  const other = (await newWorld({ storage, newId: risingIds(10_000) })).licensing
  const calls = Array.from({ length: updates }, (_, at) =>
    write(at % 2 === 0 ? licensing : other, `value ${at}`),
  )
  await Promise.all(calls)
  const steps = await stepsOf(licensing, action)
  assert.equal(steps.length, updates)
  assert.equal(lastOf(first, steps), await read(licensing))
}

/** Opens a storage, and names where others find its rows. */
type Open = (work: (storage: Storage, location: string | null) => Promise<void>) => Promise<void>

async function using(storage: Storage, work: (storage: Storage) => Promise<void>): Promise<void> {
  try {
    await work(storage)
  } finally {
    await storage.close()
  }
}

const storages: Readonly<Record<string, Open>> = {
  memory: (work) => using(memoryStorage(), (storage) => work(storage, null)),
  SQLite: (work) =>
    inTemporaryFolder(async (folder) => {
      const filename = `${folder}/licenses.db`
      await using(await sqliteStorage({ filename }), (storage) => work(storage, filename))
    }),
  PostgreSQL: async (work) => {
    const connectionString = await database!.emptied()
    await using(await postgresStorage({ connectionString }), (storage) => work(storage, connectionString))
  },
}

for (const [name, open] of Object.entries(storages))
  describe(
    `Updates that meet, on ${name}`,
    { skip: name === 'PostgreSQL' && database === undefined && noPostgres },
    () => {
      for (const [verb, field] of Object.entries(fields))
        it(`${verb}: the entry of each begins with the value that the one before it wrote`, () =>
          open(async (storage) => meet(await newShop({ storage }), field)))

      it('customers.update(): each has its entry, and none is lost', () =>
        open(async (storage) => {
          const { licensing, customer } = await newShop({ storage })
          const calls = Array.from({ length: updates }, (_, at) =>
            licensing.customers.update(
              slug,
              customer.id,
              at % 2 === 0 ? { name: `${at}` } : { externalId: `${at}` },
            ),
          )
          await Promise.all(calls)
          const { data } = await licensing.audit.list(slug, { action: 'customer.updated', perPage: 100 })
          assert.equal(data.length, updates)
          const first = data.filter(({ changes }) => Object.values(changes)[0]![0] === null)
          assert.deepEqual(first.map(({ changes }) => Object.keys(changes)).toSorted(), [
            ['external_id'],
            ['name'],
          ])
        }))

      if (name === 'memory') return
      it('tiers.update(): changes limits that somebody has spaced out by hand', () =>
        open(async (storage, location) => {
          const { licensing } = await newShop({ storage })
          const raw = await openRaw(location!)
          await raw.run(`update heartwood_tier set limits = '{ "seats": 1 }'`)
          await raw.end()
          const { limits } = await licensing.tiers.update(slug, 'pro', { limits: { seats: 2 } })
          assert.deepEqual(limits, { seats: 2 })
          const [entry] = (await licensing.audit.list(slug, { perPage: 1 })).data
          assert.deepEqual(entry!.changes, { limits: [{ seats: 1 }, { seats: 2 }] })
        }))

      if (name !== 'PostgreSQL') return
      it('customers.update(): never writes to a customer of another app', () =>
        open(async (storage, location) => {
          const { licensing, customer } = await newShop({ storage })
          await licensing.apps.create({ name: 'Other', slug: 'other' })
          const raw = await openRaw(location!)
          const versions = () => raw.run('select xmin, ctid from heartwood_customer')
          const before = await versions()
          const update = licensing.customers.update('other', customer.id, { name: 'Eve' })
          await assert.rejects(update, { code: 'not_found' })
          assert.deepEqual(await versions(), before)
          await raw.end()
        }))
    },
  )
