import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import postgres from 'postgres'
import type { Storage } from '../../src/core/storage/index.ts'
import { type PostgresOptions, postgresStorage } from '../../src/storage/postgres.ts'
import { storageCases } from '../../src/testing/index.ts'
import {
  addApp,
  addFeature,
  addLicense,
  addShop,
  atOnce,
  madeAt,
  newApiKey,
  newApp,
  newCustomer,
  newLicense,
  newTier,
} from '../../src/testing/storage-cases/records.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { unavailable } from './unavailable.ts'

const database = await openTestDatabase()
const options = { skip: database === undefined && noPostgres }
after(() => database?.drop())

const opened: { close(): Promise<void> }[] = []

/** Another server on the same tables, or a first one on none. */
async function openOn(
  connectionString: string,
  more: Omit<PostgresOptions & object, 'client' | 'connectionString'> = {},
) {
  const storage = await postgresStorage({ connectionString, ...more })
  opened.push(storage)
  return storage
}

function clientOf(url: string): postgres.Sql {
  const client = postgres(url, { onnotice: () => {} })
  opened.push({ close: () => client.end() })
  return client
}

async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((one) => one.close()))
}

/** One storage on empty tables, and a client that looks at them from outside. */
const withStorage = (work: (storage: Storage, outside: postgres.Sql, url: string) => Promise<void>) =>
  async function run(): Promise<void> {
    const url = await database!.emptied()
    try {
      await work(await openOn(url), clientOf(url), url)
    } finally {
      await closeAll()
    }
  }

describe('PostgreSQL storage: the contract', options, () => {
  const open = async () => postgresStorage({ connectionString: await database!.emptied() })
  for (const { name, run } of storageCases) it(name, () => run(open))
})

describe('PostgreSQL storage with other plans than the usual: the contract', options, () => {
  /** As tables grow, the planner changes its mind; a statement that counts on one plan shows here. */
  const open = async () => {
    const url = new URL(await database!.emptied())
    for (const kind of ['hashjoin', 'hashagg', 'mergejoin', 'material', 'memoize', 'sort'])
      url.searchParams.set(`enable_${kind}`, 'off')
    return postgresStorage({ connectionString: url.href })
  }
  for (const { name, run } of storageCases) it(name, () => run(open))
})

describe('PostgreSQL storage over a lent client: the contract', options, () => {
  const open = async () => postgresStorage({ client: clientOf(await database!.emptied()) })
  for (const { name, run } of storageCases) it(name, () => run(open).finally(closeAll))
})

describe('PostgreSQL storage: opening', options, () => {
  it('may be done by several servers at once when the database is new', async () => {
    const url = await database!.nextSchema()
    const storages = await atOnce(6, () => openOn(url))
    await addApp(storages[0]!)
    for (const storage of storages) assert.equal(await storage.countApps({}), 1)
    await closeAll()
  })

  it('keeps to its schema, whatever stands in others', async () => {
    const [one, two] = [await database!.nextSchema(), await database!.nextSchema()]
    await addApp(await openOn(one))
    assert.equal(await (await openOn(two)).countApps({}), 0)
    await closeAll()
  })

  it('refuses tables of a newer version, and a schema that is missing', async () => {
    const url = await database!.nextSchema()
    await openOn(url)
    await clientOf(url).unsafe(
      "insert into heartwood_migration values ('9999-later', '2999-01-01T00:00:00Z')",
    )
    await closeAll()
    await assert.rejects(openOn(url), unavailable(/newer version of Heartwood/))
    const nowhere = new URL(url)
    nowhere.searchParams.set('search_path', 'missing')
    await assert.rejects(openOn(nowhere.href), unavailable(/names no schema/))
  })

  it('says why it cannot be done: no such database, nobody there', async () => {
    const [missing, nobody] = [new URL(database!.url), new URL(database!.url)]
    missing.pathname = '/heartwood_missing'
    nobody.port = '1'
    await assert.rejects(openOn(missing.href), unavailable(/does not exist/))
    await assert.rejects(openOn(nobody.href), unavailable(/does not answer/))
  })

  it('leaves a lent client open', async () => {
    const client = clientOf(await database!.emptied())
    const storage = await postgresStorage({ client })
    await addApp(storage)
    await storage.close()
    await assert.rejects(storage.ping(), unavailable(/closed/))
    assert.deepEqual([...(await client`select count(*)::int as apps from heartwood_app`)], [{ apps: 1 }])
    await closeAll()
  })
})

describe('PostgreSQL storage: transactions', options, () => {
  it(
    'goes on in one after an e-mail or a place was taken',
    withStorage(async (storage) => {
      const shop = await addShop(storage)
      const other = newCustomer(shop.app.id)
      await storage.insertCustomer(other)
      const [holder, license] = [await addLicense(storage, shop), await addLicense(storage, shop)]
      const { installationId } = holder
      await storage.transaction(async (tx) => {
        assert.equal(await tx.updateCustomer(other.id, { foldedEmail: shop.customer.foldedEmail }), null)
        assert.equal(await tx.updateLicense(license.id, 1, { installationId }), null)
        assert.equal(await tx.insertLicense(newLicense(shop, { installationId })), false)
        assert.equal(await tx.insertApp(newApp()), true)
      })
      assert.equal(await storage.countApps({}), 2)
    }),
  )

  it(
    'does not call work committed that swallowed an error',
    withStorage(async (storage) => {
      const shop = await addShop(storage)
      const work = storage.transaction(async (tx) => {
        await tx.insertApp(newApp())
        await tx.insertLicense(newLicense({ ...shop, customer: newCustomer(shop.app.id) })).catch(() => {})
      })
      await assert.rejects(work, /rolled back/)
      assert.equal(await storage.countApps({}), 1)
    }),
  )

  it(
    'runs work again that a deadlock undid, from its beginning',
    withStorage(async (storage) => {
      const [one, two] = [await addApp(storage), await addApp(storage)]
      let runs = 0
      let arrived = 0
      let meet: () => void
      const both = new Promise<void>((resolve) => (meet = resolve))
      const rename = (first: string, second: string) =>
        storage.transaction(async (tx) => {
          runs++
          const app = await tx.updateApp(first, { name: 'in between' })
          if (++arrived === 2) meet()
          await both
          await tx.updateApp(second, { name: `${(await tx.findApp(second))!.name}+` })
          await tx.updateApp(first, { name: `${app!.name} done` })
        })
      await Promise.all([rename(one.id, two.id), rename(two.id, one.id)])
      assert.equal(runs, 3)
    }),
  )

  it(
    'gives a license that is written while its tier is deleted no tier and a new version, or does not write it',
    withStorage(async (storage) => {
      const shop = await addShop(storage)
      for (let round = 0; round < 20; round++) {
        const tier = newTier(shop.app.id)
        await storage.insertTier(tier)
        const license = newLicense({ ...shop, tier })
        const [written] = await Promise.allSettled([
          storage.transaction(async (tx) => {
            await tx.insertLicense(license)
            await new Promise((resolve) => setTimeout(resolve, round % 3))
          }),
          storage.deleteTier(tier.id),
        ])
        const found = await storage.findLicense(shop.app.id, license.id)
        if (written.status === 'rejected') assert.equal(found, null)
        else assert.deepEqual([found?.tierId, found?.version], [null, 2])
      }
    }),
  )

  it(
    'gives no license older features in bulk than it has already',
    withStorage(async (storage, _outside, url) => {
      const other = await openOn(url)
      const shop = await addShop(storage)
      const { id } = await addLicense(storage, shop)
      const feature = await addFeature(storage, shop.app.id)
      let written: () => void
      const isWritten = new Promise<void>((resolve) => (written = resolve))
      const renewal = other.transaction(async (tx) => {
        await tx.updateLicense(id, 1, { tierFeatures: [feature.slug] })
        written()
        await new Promise((resolve) => setTimeout(resolve, 20))
        await tx.addTierFeature(shop.tier.id, feature.id, 99)
      })
      await isWritten
      await Promise.all([renewal, storage.regenerateMany({ appId: shop.app.id, now: madeAt, limit: 10 })])
      assert.deepEqual((await storage.findLicense(shop.app.id, id))?.tierFeatures, [feature.slug])
    }),
  )
})

describe('PostgreSQL storage: several servers', options, () => {
  it(
    'makes one first API key, and takes the last free place of a tier once',
    withStorage(async (storage, _outside, url) => {
      const servers = [storage, await openOn(url)]
      const answers = await atOnce(8, (at) => servers[at % 2]!.insertFirstApiKey(newApiKey()))
      assert.equal(answers.filter(Boolean).length, 1)
      assert.equal(await storage.countApiKeys({}), 1)
      const shop = await addShop(storage)
      const features = await Promise.all(Array.from({ length: 8 }, () => addFeature(storage, shop.app.id)))
      const added = await atOnce(8, (at) =>
        servers[at % 2]!.addTierFeature(shop.tier.id, features[at]!.id, 3),
      )
      assert.equal(added.filter((answer) => answer === 'added').length, 3)
    }),
  )

  it(
    'rejects as unavailable when a lock is held for too long',
    withStorage(async (storage, outside, url) => {
      const app = await addApp(storage)
      const hasty = await openOn(url, { statementTimeoutMs: 100 })
      await outside.begin(async (transaction) => {
        await transaction`update heartwood_app set name = 'held' where id = ${app.id}`
        await assert.rejects(hasty.updateApp(app.id, { name: 'x' }), unavailable(/took too long/))
        assert.equal((await hasty.findApp(app.id))?.name, app.name)
      })
      assert.equal((await hasty.updateApp(app.id, { name: 'x' }))?.name, 'x')
    }),
  )

  it(
    'bears more callers than connections',
    withStorage(async (_storage, _outside, url) => {
      const narrow = await openOn(url, { connections: 2 })
      await atOnce(40, (at) =>
        at % 2 === 0
          ? narrow.insertApp(newApp())
          : narrow.transaction(async (tx) => {
              await tx.countApps({})
              return tx.insertApp(newApp())
            }),
      )
      assert.equal(await narrow.countApps({}), 40)
    }),
  )

  it(
    'closes when the transaction that is open is over, and keeps it',
    withStorage(async (storage, _outside, url) => {
      const leaving = await openOn(url)
      await leaving.ping()
      const work = leaving.transaction(async (tx) => {
        await tx.insertApp(newApp())
        await new Promise((resolve) => setTimeout(resolve, 20))
        return tx.insertApp(newApp())
      })
      await Promise.all([leaving.close(), work])
      assert.equal(await storage.countApps({}), 2)
    }),
  )
})

/** Ends every connection to the database but the one that asks. */
const cutAll = (outside: postgres.Sql) =>
  outside`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`

describe('PostgreSQL storage: lost connections', options, () => {
  for (const kind of ['own', 'lent'] as const) {
    it(
      `runs nothing of a transaction whose connection was cut outside of it (${kind} connections)`,
      withStorage(async (own, outside, url) => {
        const client = clientOf(url)
        const storage = kind === 'own' ? own : await postgresStorage({ client })
        const work = storage.transaction(async (tx) => {
          await tx.insertApp(newApp())
          await cutAll(outside)
          await new Promise((resolve) => setTimeout(resolve, 50))
          await Promise.allSettled([storage.ping(), storage.ping()])
          await tx.insertApp(newApp())
        })
        await assert.rejects(work, unavailable(/does not answer/))
        assert.equal(await storage.countApps({}), 0)
        await storage.transaction((tx) => tx.insertApp(newApp()))
        assert.equal(await storage.countApps({}), 1)
      }),
    )
  }

  it(
    'has thrown away what was cut while nobody used it',
    withStorage(async (storage, outside) => {
      await atOnce(5, () => storage.ping())
      await cutAll(outside)
      await new Promise((resolve) => setTimeout(resolve, 50))
      await atOnce(5, () => storage.ping())
    }),
  )
})
