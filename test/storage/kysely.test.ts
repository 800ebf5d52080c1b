import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CamelCasePlugin, Kysely, SqliteDialect } from 'kysely'
import { LicensingError } from '../../src/core/errors.ts'
import type { Storage } from '../../src/core/storage.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { storageCases } from '../../src/testing/index.ts'
import { addApp, newApp } from '../../src/testing/storage-cases/records.ts'

interface HostTables {
  note: { writtenBy: string }
}

/** A database as a host may have it: Kysely's own dialect, a plugin, tables of its own. */
async function openHost(setup = 'pragma foreign_keys = on'): Promise<Kysely<HostTables>> {
  const database = await openConnection(':memory:', { readonly: false })
  database.exec(`${setup}; create table note (written_by text)`)
  return new Kysely<HostTables>({
    dialect: new SqliteDialect({ database }),
    plugins: [new CamelCasePlugin()],
  })
}

async function openMigrated(): Promise<Kysely<HostTables>> {
  const db = await openHost()
  await migrate(db)
  return db
}

const notesOf = (db: Kysely<HostTables>) => db.selectFrom('note').select('writtenBy').execute()

describe('Kysely storage: the contract', () => {
  for (const { name, run } of storageCases)
    it(name, () => run(async () => kyselyStorage(await openMigrated())))
})

describe('Kysely storage in a transaction of the host', () => {
  it('is committed with it', async () => {
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

  it('is rolled back with it', async () => {
    const db = await openMigrated()
    const attempt = db.transaction().execute(async (trx) => {
      const storage = kyselyStorage(trx)
      await storage.transaction((tx) => tx.insertApp(newApp()))
      assert.equal(await storage.countApps({}), 1)
      throw new Error('the host gives up')
    })
    await assert.rejects(attempt, /the host gives up/)
    assert.equal(await kyselyStorage(db).countApps({}), 0)
  })

  it('gives up its own part alone', async () => {
    const db = await openMigrated()
    const inner = new Error('ours gives up')
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

  it('runs the verbs of several steps in it', async () => {
    const db = await openMigrated()
    await db.transaction().execute(async (trx) => {
      const storage: Storage = kyselyStorage(trx)
      assert.equal(await storage.claimKeyCheck('sealed'), 'sealed')
      assert.equal(await storage.deleteTier('tier_missing'), false)
    })
    assert.equal(await kyselyStorage(db).claimKeyCheck('late'), 'sealed')
  })
})

describe('migrate', () => {
  it('may run again and again, and in turn with others', async () => {
    const db = await openHost()
    await Promise.all([migrate(db), migrate(db)])
    await migrate(db)
    assert.equal(await kyselyStorage(db).countApps({}), 0)
  })

  it('refuses a connection that does not hold foreign keys', async () => {
    const db = await openHost('pragma foreign_keys = off')
    await assert.rejects(
      migrate(db),
      (error) =>
        error instanceof LicensingError && error.code === 'unavailable' && /foreign_keys/.test(error.message),
    )
  })

  it('leaves `db` open when the storage is closed', async () => {
    const db = await openMigrated()
    await kyselyStorage(db).close()
    assert.equal((await notesOf(db)).length, 0)
  })
})
