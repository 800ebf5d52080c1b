import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Storage, StorageSession } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { addApp, newCustomer } from '../../src/testing/storage-cases/records.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const storages = {
  memory: { open: async () => memoryStorage(), skip: false },
  SQLite: { open: () => sqliteStorage({ filename: ':memory:' }), skip: false },
  PostgreSQL: {
    open: async () => postgresStorage({ connectionString: await database!.emptied() }),
    skip: database === undefined && noPostgres,
  },
} as const

interface Case {
  readonly work: (tx: StorageSession, appId: string) => Promise<unknown>
  /** The error of the transaction. */
  readonly error: object
  /** True if verbs are under way when the work has settled. The memory has none. */
  readonly overlaps?: true
}

const orphan = () => newCustomer('app_gone')
const forgotten = new Error('The work forgot its verbs')

/** Work that does not end as its verbs do. */
const cases: Readonly<Record<string, Case>> = {
  'work that goes on after a verb has rejected': {
    work: async (tx, appId) => {
      await tx.insertCustomer(newCustomer(appId))
      await tx.insertCustomer(orphan()).catch(() => {})
    },
    error: { code: 'not_found' },
  },
  'work that rejects while several verbs are under way': {
    work: async (tx, appId) => {
      for (let made = 0; made < 5; made++) tx.insertCustomer(newCustomer(appId)).catch(() => {})
      throw forgotten
    },
    error: forgotten,
    overlaps: true,
  },
}

for (const [name, { open, skip }] of Object.entries(storages))
  describe(`A transaction is stored whole or undone whole, on ${name}`, { skip }, () => {
    for (const [title, { work, error, overlaps }] of Object.entries(cases))
      for (const alone of [true, false])
        it(`${title}, ${alone ? 'alone' : 'beside others'}`, { skip: overlaps && name === 'memory' }, () =>
          withApp(open, async (storage, appId) => {
            const calls = Array.from({ length: 3 }, () =>
              assert.rejects(
                storage.transaction((tx) => work(tx, appId), { alone }),
                error,
              ),
            )
            const neighbour = storage.insertCustomer(newCustomer(appId))
            await Promise.all([...calls, neighbour])
            assert.equal(await storage.countCustomers({ appId }), 1)
          }),
        )
  })

async function withApp(
  open: () => Promise<Storage>,
  work: (storage: Storage, appId: string) => Promise<void>,
): Promise<void> {
  const storage = await open()
  try {
    await work(storage, (await addApp(storage)).id)
  } finally {
    await storage.close()
  }
}
