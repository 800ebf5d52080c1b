import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { CamelCasePlugin, Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import type { Licensing, Storage } from '../../src/core/index.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { storageCases } from '../../src/testing/index.ts'
import {
  addApp,
  addLicense,
  addParents,
  newApp,
  newCustomer,
  newLicense,
} from '../../src/testing/storage-cases/records.ts'
import { installation } from '../support/fixtures.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { furnish, serverOn, slug } from './race-tasks.ts'
import { unavailable } from './unavailable.ts'

interface HostTables {
  note: { writtenBy: string }
}

const plugins = [new CamelCasePlugin()]

/** A host's database: Kysely's own dialect, a plugin, a table of its own. */
async function openSqlite(setup = 'pragma foreign_keys = on'): Promise<Kysely<HostTables>> {
  const database = await openConnection(':memory:', { readonly: false })
  database.exec(`${setup}; create table note (written_by text)`)
  return new Kysely<HostTables>({ dialect: new SqliteDialect({ database }), plugins })
}

const database = await openTestDatabase()
const opened: Kysely<HostTables>[] = []
after(async () => {
  for (const db of opened) await db.destroy()
  await database?.drop()
})

/** A host's PostgreSQL database, with the driver of Kysely's documentation. */
function connect(url: string): Kysely<HostTables> {
  const schema = new URL(url).searchParams.get('search_path')
  const pool = new Pool({ connectionString: database!.url, options: `-c search_path=${schema}` })
  // Dropping the database cuts the connections.
  pool.on('error', () => {})
  const db = new Kysely<HostTables>({ dialect: new PostgresDialect({ pool }), plugins })
  opened.push(db)
  return db
}

let reused: Promise<Kysely<HostTables>> | undefined

/** One pool for all cases, because each connection of PostgreSQL is a process. */
async function openPostgres(): Promise<Kysely<HostTables>> {
  const url = await database!.emptied()
  reused ??= connectWithNotes(url)
  const db = await reused
  await db.deleteFrom('note').execute()
  return db
}

async function connectWithNotes(url: string): Promise<Kysely<HostTables>> {
  const db = connect(url)
  await db.schema.createTable('note').addColumn('writtenBy', 'text').execute()
  return db
}

/** Licensing with an app, a tier and a customer in a database. */
async function openShop(
  db: Kysely<HostTables>,
): Promise<{ readonly licensing: Licensing; readonly customerId: string }> {
  const server = await serverOn(kyselyStorage(db), 0)
  return { licensing: server.licensing, customerId: await furnish(server) }
}

const notesOf = (db: Kysely<HostTables>) => db.selectFrom('note').select('writtenBy').execute()

const hosts = {
  SQLite: { open: () => openSqlite(), skip: false },
  PostgreSQL: { open: openPostgres, skip: database === undefined && noPostgres },
} as const

for (const [name, { open, skip }] of Object.entries(hosts)) {
  const openMigrated = async (): Promise<Kysely<HostTables>> => {
    const db = await open()
    await migrate(db)
    return db
  }

  describe(`Kysely storage on ${name}: the contract`, { skip }, () => {
    for (const { name: promise, run } of storageCases)
      it(promise, () => run(async () => kyselyStorage(await openMigrated())))
  })

  describe(`Kysely storage in a transaction of the host on ${name}`, { skip }, () => {
    it('the host’s commit commits the storage’s writes', async () => {
      const db = await openMigrated()
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('note').values({ writtenBy: 'host' }).execute()
        const storage = kyselyStorage(trx)
        await addApp(storage)
        await storage.transaction((tx) => tx.insertApp(newApp()))
        await storage.close()
      })
      assert.equal(await kyselyStorage(db).countApps({}), 2)
      assert.equal((await notesOf(db)).length, 1)
    })

    it('the host’s rollback undoes the storage’s writes', async () => {
      const db = await openMigrated()
      const attempt = db.transaction().execute(async (trx) => {
        const storage = kyselyStorage(trx)
        await storage.transaction((tx) => tx.insertApp(newApp()))
        assert.equal(await storage.countApps({}), 1)
        throw new Error('the host rolls back')
      })
      await assert.rejects(attempt, /the host rolls back/)
      assert.equal(await kyselyStorage(db).countApps({}), 0)
    })

    it('transaction(): a rollback undoes its own writes only', async () => {
      const db = await openMigrated()
      const inner = new Error('the storage rolls back')
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('note').values({ writtenBy: 'host' }).execute()
        const storage = kyselyStorage(trx)
        const attempt = storage.transaction(async (tx) => {
          await tx.insertApp(newApp())
          throw inner
        })
        await assert.rejects(attempt, (error) => error === inner)
        await addApp(storage)
      })
      assert.equal(await kyselyStorage(db).countApps({}), 1)
      assert.equal((await notesOf(db)).length, 1)
    })

    it('transaction(): rolling one call back keeps the writes of a concurrent call', async () => {
      const db = await openMigrated()
      const { licensing, customerId } = await openShop(db)
      const license = (number: number) => ({
        customerId,
        tierId: 'pro',
        installationId: installation(number),
        forever: true as const,
      })
      await licensing.licenses.create(slug, license(1))
      for (const [free, isFirst] of [
        [2, true],
        [3, false],
      ] as const)
        await db.transaction().execute(async (trx) => {
          const create = (number: number) =>
            licensing.with(kyselyStorage(trx)).licenses.create(slug, license(number))
          const calls = isFirst ? [create(free), create(1)] : [create(1), create(free)]
          const ended = await Promise.allSettled(calls)
          assert.deepEqual(ended.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
        })
      assert.equal((await licensing.licenses.list(slug)).total, 3)
    })

    it('a taken value or a missing parent does not end the host’s transaction', async () => {
      const db = await openMigrated()
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('note').values({ writtenBy: 'host' }).execute()
        const storage = kyselyStorage(trx)
        const parents = await addParents(storage)
        const other = newCustomer(parents.app.id)
        await storage.insertCustomer(other)
        const { installationId } = await addLicense(storage, parents)
        const license = await addLicense(storage, parents)
        assert.equal(
          await storage.updateCustomer(other.appId, other.id, { foldedEmail: parents.customer.foldedEmail }),
          null,
        )
        assert.equal(await storage.updateLicense(license.id, 1, { installationId }), null)
        const orphan = newLicense({ ...parents, customer: newCustomer(parents.app.id) })
        await assert.rejects(
          storage.transaction((tx) => tx.insertLicense(orphan)),
          { code: 'not_found' },
        )
        await addApp(storage)
      })
      assert.equal(await kyselyStorage(db).countApps({}), 2)
      assert.equal((await notesOf(db)).length, 1)
    })

    it('licensing that meets a deletion does not end the host’s transaction', async () => {
      const db = await openMigrated()
      const { licensing, customerId } = await openShop(db)
      const order = { installationId: installation(1), customerId, tierId: 'pro', forever: true } as const
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('note').values({ writtenBy: 'host' }).execute()
        const storage = kyselyStorage(trx)
        const { licenses } = licensing.with(
          Object.assign(Object.create(storage), {
            findTier: async (...named: Parameters<Storage['findTier']>) => {
              const tier = await storage.findTier(...named)
              await storage.deleteCustomer(customerId)
              return tier
            },
          }),
        )
        await assert.rejects(licenses.create(slug, order), { code: 'validation_error' })
      })
      assert.equal((await notesOf(db)).length, 1)
    })

    it('licenses.create(): issues the license with the rows of the host, or neither', async () => {
      const db = await openMigrated()
      const { licensing, customerId } = await openShop(db)
      const buy = (installationId: string, fails: boolean) =>
        db.transaction().execute(async (trx) => {
          await trx.insertInto('note').values({ writtenBy: 'host' }).execute()
          const { licenses } = licensing.with(kyselyStorage(trx))
          const order = { installationId, customerId, tierId: 'pro', durationDays: 30 }
          const license = await licenses.create(slug, order)
          await assert.rejects(licenses.create(slug, order), { code: 'conflict' })
          if (fails) throw new Error('the host rolls back')
          return license
        })
      const { id, token } = await buy(installation(1), false)
      await assert.rejects(buy(installation(2), true), /the host rolls back/)
      assert.equal(token, null)
      assert.match((await licensing.licenses.token(slug, id))!, /^ey/)
      assert.equal((await licensing.licenses.list(slug)).total, 1)
      assert.equal((await notesOf(db)).length, 1)
    })

    it('verbs of several statements run inside it', async () => {
      const db = await openMigrated()
      await db.transaction().execute(async (trx) => {
        const storage: Storage = kyselyStorage(trx)
        assert.equal(await storage.claimKeyCheck('sealed'), 'sealed')
        assert.equal(await storage.deleteTier('tier_missing'), false)
      })
      assert.equal(await kyselyStorage(db).claimKeyCheck('late'), 'sealed')
    })

    it('transaction(): never runs its work again after a conflict, because only the host can', async () => {
      const db = await openMigrated()
      let runs = 0
      const conflict = Object.assign(new Error('could not serialize access'), { code: '40001' })
      await db.transaction().execute(async (trx) => {
        await trx.insertInto('note').values({ writtenBy: 'host' }).execute()
        const work = kyselyStorage(trx).transaction(async () => {
          runs++
          throw conflict
        })
        await assert.rejects(work, (error) => error === conflict)
      })
      assert.equal(runs, 1)
    })

    it('an error of the host’s own work comes out unchanged', async () => {
      const db = await openMigrated()
      const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
      const work = kyselyStorage(db).transaction(async (tx) => {
        await tx.insertApp(newApp())
        throw refused
      })
      await assert.rejects(work, (error) => error === refused)
      assert.equal(await kyselyStorage(db).countApps({}), 0)
    })

    it('close(): leaves `db` open', async () => {
      const db = await openMigrated()
      await kyselyStorage(db).close()
      assert.equal((await notesOf(db)).length, 0)
    })
  })
}

describe('migrate()', () => {
  it('may run again, and concurrently', async () => {
    const db = await openSqlite()
    await Promise.all([migrate(db), migrate(db)])
    await migrate(db)
    assert.equal(await kyselyStorage(db).countApps({}), 0)
  })

  it('a failure at any table leaves nothing behind, and the next run succeeds', async () => {
    let isBroken = true
    for (let failAt = 1; isBroken; failAt++) {
      const connection = await openConnection(':memory:', { readonly: false })
      connection.exec('pragma foreign_keys = on')
      let created = 0
      isBroken = false
      const database = {
        ...connection,
        prepare: (text: string) => {
          if (!text.startsWith('create ') || ++created !== failAt) return connection.prepare(text)
          isBroken = true
          throw new Error('disk is full')
        },
      }
      const db = new Kysely<HostTables>({ dialect: new SqliteDialect({ database }) })
      if (failAt === 1) await assert.rejects(migrate(db), /disk is full/)
      else await migrate(db).catch((error: Error) => assert.match(error.message, /disk is full/))
      await migrate(db)
      assert.equal(await kyselyStorage(db).countApps({}), 0)
      assert.ok(failAt < 200)
    }
  })

  it('may run concurrently on PostgreSQL', { skip: hosts.PostgreSQL.skip }, async () => {
    const url = await database!.nextSchema()
    const all = [connect(url), connect(url), connect(url)]
    await Promise.all(all.map((db) => migrate(db)))
    await migrate(all[0]!)
    assert.equal(await kyselyStorage(all[0]!).countApps({}), 0)
  })

  it('refuses a connection without foreign keys', async () => {
    const db = await openSqlite('pragma foreign_keys = off')
    await assert.rejects(migrate(db), unavailable(/foreign_keys/))
  })
})
