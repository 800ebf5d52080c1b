import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Kysely, SqliteDialect } from 'kysely'
import type { Storage } from '../../src/core/index.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { newApp } from '../../src/testing/storage-cases/records.ts'
import { withFiles } from './temporary-folder.ts'

async function overHost(): Promise<Storage> {
  const connection = await openConnection(':memory:', { readonly: false })
  connection.exec('pragma foreign_keys = on')
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: connection }) })
  await migrate(db)
  return kyselyStorage(db)
}

const storages: Readonly<Record<string, (file: string) => Storage | Promise<Storage>>> = {
  'in memory': () => memoryStorage(),
  'an SQLite file': (filename) => sqliteStorage({ filename }),
  'SQLite in memory': () => sqliteStorage({ filename: ':memory:' }),
  'Kysely of a host on SQLite': () => overHost(),
}

const refusal = { name: 'TypeError', message: /^Inside a transaction use only its tx/ }

for (const [name, open] of Object.entries(storages))
  describe(`A write beside the transaction that waits for it: ${name}`, () => {
    const withStorage = (work: (storage: Storage) => Promise<void>) => () =>
      withFiles(async (nextFile) => {
        const storage = await open(nextFile())
        await work(storage)
        await storage.close()
      })

    it(
      'is refused at once, and the transaction is rolled back',
      withStorage(async (storage) => {
        const [inside, outside] = [newApp(), newApp()]
        for (const alone of [true, false]) {
          const transaction = storage.transaction(
            async (tx) => {
              await tx.insertApp(inside)
              await storage.insertApp(outside)
            },
            { alone },
          )
          await assert.rejects(transaction, refusal)
          const nested = storage.transaction(async (tx) => {
            await tx.insertApp(inside)
            await storage.transaction((other) => other.insertApp(outside))
          })
          await assert.rejects(nested, refusal)
        }
        assert.equal(await storage.countApps({}), 0)
      }),
    )

    it(
      'is taken after the transaction, and beside that of somebody else',
      withStorage(async (storage) => {
        const other = memoryStorage()
        let later: Promise<boolean> | undefined
        const begun = Promise.withResolvers<void>()
        const transaction = storage.transaction(async (tx) => {
          await tx.insertApp(newApp())
          await other.insertApp(newApp())
          const end = Promise.withResolvers<void>()
          later = end.promise.then(() => storage.insertApp(newApp()))
          setTimeout(end.resolve, 100)
          begun.resolve()
        })
        await begun.promise
        const beside = storage.insertApp(newApp())
        await transaction
        assert.deepEqual([await beside, await later], [true, true])
        assert.deepEqual([await storage.countApps({}), await other.countApps({})], [3, 1])
      }),
    )
  })
