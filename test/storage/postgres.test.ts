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
  addParents,
  concurrently,
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

/** Opens another server on the same tables, or the first one on an empty schema. */
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

/** One storage on empty tables, and a client that reads them from outside. */
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

describe('PostgreSQL storage over a host’s client: the contract', options, () => {
  const open = async () => postgresStorage({ client: clientOf(await database!.emptied()) })
  for (const { name, run } of storageCases) it(name, () => run(open).finally(closeAll))
})

describe('PostgreSQL storage: opening', options, () => {
  it('several servers may open a new database at the same time', async () => {
    const url = await database!.nextSchema()
    const storages = await concurrently(6, () => openOn(url))
    await addApp(storages[0]!)
    for (const storage of storages) assert.equal(await storage.countApps({}), 1)
    await closeAll()
  })

  /** Resolves once another session waits for this one. */
  async function isWaitedFor(sql: postgres.TransactionSql): Promise<void> {
    const waiting =
      'select 1 from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))'
    while ((await sql.unsafe(waiting)).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  it('waits for the migration of another server longer than the time limits of the user', async () => {
    const url = await database!.nextSchema()
    const limited = new URL(url)
    for (const limit of ['statement_timeout', 'lock_timeout']) limited.searchParams.set(limit, '1000')
    let opening: Promise<unknown> | undefined
    await clientOf(url).begin(async (sql) => {
      await sql.unsafe('select pg_advisory_xact_lock(3853314791062309107)')
      opening = openOn(limited.href)
      await isWaitedFor(sql)
      await sql.unsafe('select pg_sleep(2)')
    })
    await opening
    await closeAll()
  })

  it('opens while a server of 0.1.0 creates its table of migrations', async () => {
    const url = await database!.nextSchema()
    let opening: Promise<unknown> | undefined
    await clientOf(url).begin(async (sql) => {
      await sql`create table heartwood_migration
        (name varchar(255) not null primary key, timestamp varchar(255) not null)`
      opening = openOn(url)
      await isWaitedFor(sql)
    })
    await opening
    await closeAll()
  })

  it('uses its own schema only', async () => {
    const [one, two] = [await database!.nextSchema(), await database!.nextSchema()]
    await addApp(await openOn(one))
    assert.equal(await (await openOn(two)).countApps({}), 0)
    await closeAll()
  })

  it('refuses tables of a newer version, and a missing schema', async () => {
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

  it('the error says why: no such database, no server', async () => {
    const [missing, nobody] = [new URL(database!.url), new URL(database!.url)]
    missing.pathname = '/heartwood_missing'
    nobody.port = '1'
    await assert.rejects(openOn(missing.href), unavailable(/does not exist/))
    await assert.rejects(openOn(nobody.href), unavailable(/does not answer/))
  })

  it('a parameter of the address that the server refuses, and a kind of server that no host has, are named', async () => {
    const cases = {
      'pool_hint=x': 'The database refuses the parameter pool_hint of its address',
      'options=endpoint%3Dx': 'The database refuses the parameter options of its address',
      'target_session_attrs=standby':
        'No host of the address is a server of the kind in target_session_attrs',
    }
    for (const [query, message] of Object.entries(cases)) {
      const address = new URL(database!.url)
      address.search = query
      await assert.rejects(openOn(address.href), { code: 'unavailable', message })
    }
  })

  it('several hosts: the storage opens on the first that answers and is of the wanted kind', async () => {
    const { host, username, password, pathname } = new URL(database!.url)
    const login = `${username}${password && `:${password}`}`
    const { searchParams } = new URL(await database!.emptied())
    for (const more of ['', '&target_session_attrs=read-write']) {
      const url = `postgres://${login}@127.0.0.1:1,${host}${pathname}?${searchParams}${more}`
      const storage = await openOn(url)
      await storage.insertApp(newApp())
      assert.equal((await storage.countApps({})) > 0, true)
    }
    await closeAll()
  })

  it('close(): leaves a host’s client open', async () => {
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
    'a taken e-mail or installation slot does not end a transaction',
    withStorage(async (storage) => {
      const parents = await addParents(storage)
      const other = newCustomer(parents.app.id)
      await storage.insertCustomer(other)
      const [holder, license] = [await addLicense(storage, parents), await addLicense(storage, parents)]
      const { installationId } = holder
      await storage.transaction(async (tx) => {
        assert.equal(await tx.updateCustomer(other.id, { foldedEmail: parents.customer.foldedEmail }), null)
        assert.equal(await tx.updateLicense(license.id, 1, { installationId }), null)
        assert.equal(await tx.insertLicense(newLicense(parents, { installationId })), false)
        assert.equal(await tx.insertApp(newApp()), true)
      })
      assert.equal(await storage.countApps({}), 2)
    }),
  )

  it(
    'transaction(): rejects if its work has swallowed an error',
    withStorage(async (storage) => {
      const parents = await addParents(storage)
      const work = storage.transaction(async (tx) => {
        await tx.insertApp(newApp())
        await tx
          .insertLicense(newLicense({ ...parents, customer: newCustomer(parents.app.id) }))
          .catch(() => {})
      })
      await assert.rejects(work, { code: 'not_found' })
      assert.equal(await storage.countApps({}), 1)
    }),
  )

  it(
    'transaction(): runs its work again from the start after a deadlock',
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
      // On a busy machine the second run may meet another deadlock.
      assert.ok(runs >= 3, `${runs} runs`)
    }),
  )

  it(
    'deleteTier(): a concurrent new license gets no tier and a new version, or is not written',
    withStorage(async (storage) => {
      const parents = await addParents(storage)
      for (let round = 0; round < 20; round++) {
        const tier = newTier(parents.app.id)
        await storage.insertTier(tier)
        const license = newLicense({ ...parents, tier })
        const [written] = await Promise.allSettled([
          storage.transaction(async (tx) => {
            await tx.insertLicense(license)
            await new Promise((resolve) => setTimeout(resolve, round % 3))
          }),
          storage.deleteTier(tier.id),
        ])
        const found = await storage.findLicense(parents.app.id, license.id)
        if (written.status === 'rejected') assert.equal(found, null)
        else assert.deepEqual([found?.tierId, found?.version], [null, 2])
      }
    }),
  )

  it(
    'regenerateMany(): never gives a license older features than it has',
    withStorage(async (storage, _outside, url) => {
      const other = await openOn(url)
      const parents = await addParents(storage)
      const { id } = await addLicense(storage, parents)
      const feature = await addFeature(storage, parents.app.id)
      let written: () => void
      const isWritten = new Promise<void>((resolve) => (written = resolve))
      const renewal = other.transaction(async (tx) => {
        await tx.updateLicense(id, 1, { tierFeatures: [feature.slug] })
        written()
        await new Promise((resolve) => setTimeout(resolve, 20))
        await tx.addTierFeature(parents.tier.id, feature.id, 99)
      })
      await isWritten
      await Promise.all([renewal, storage.regenerateMany({ appId: parents.app.id, now: madeAt, limit: 10 })])
      assert.deepEqual((await storage.findLicense(parents.app.id, id))?.tierFeatures, [feature.slug])
    }),
  )
})

describe('PostgreSQL storage: several servers', options, () => {
  it(
    'insertFirstApiKey(), addTierFeature(): have one winner across servers',
    withStorage(async (storage, _outside, url) => {
      const servers = [storage, await openOn(url)]
      const answers = await concurrently(8, (at) => servers[at % 2]!.insertFirstApiKey(newApiKey()))
      assert.equal(answers.filter(Boolean).length, 1)
      assert.equal(await storage.countApiKeys({}), 1)
      const parents = await addParents(storage)
      const features = await Promise.all(Array.from({ length: 8 }, () => addFeature(storage, parents.app.id)))
      const added = await concurrently(8, (at) =>
        servers[at % 2]!.addTierFeature(parents.tier.id, features[at]!.id, 3),
      )
      assert.equal(added.filter((answer) => answer === 'added').length, 3)
    }),
  )

  it(
    'a write rejects with `unavailable` if a lock is held too long',
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
    'more callers than connections succeed',
    withStorage(async (_storage, _outside, url) => {
      const narrow = await openOn(url, { connections: 2 })
      await concurrently(40, (at) =>
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
    'close(): waits for the open transaction, which is stored',
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

/** Ends every connection to the database except the one that asks. */
const cutAll = (outside: postgres.Sql) =>
  outside`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`

describe('PostgreSQL storage: lost connections', options, () => {
  for (const kind of ['own', 'lent'] as const) {
    it(
      `transaction(): nothing runs outside it after its connection was cut (${kind} connections)`,
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
    'a connection that was cut while idle is not used again',
    withStorage(async (storage, outside) => {
      await concurrently(5, () => storage.ping())
      await cutAll(outside)
      await new Promise((resolve) => setTimeout(resolve, 50))
      await concurrently(5, () => storage.ping())
    }),
  )
})
