import { describe, it } from 'node:test'
import { Kysely } from 'kysely'
import type { Storage } from '../../src/core/storage/index.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { storageCases } from '../../src/testing/index.ts'

/** A dialect that many hosts have: it begins deferred, on one connection, and is made for an older Kysely. */
async function open(): Promise<Storage> {
  const [{ Database }, { BunSqliteDialect }] = [await import('bun:sqlite'), await import('kysely-bun-sqlite')]
  const database = new Database(':memory:')
  database.exec('pragma foreign_keys = on')
  const db = new Kysely<unknown>({ dialect: new BunSqliteDialect({ database }) })
  await migrate(db)
  return kyselyStorage(db)
}

const cases = 'Bun' in globalThis ? storageCases : []

describe('Kysely storage over kysely-bun-sqlite, which is for Bun alone: the contract', () => {
  it('is run on Bun', () => {})
  for (const { name, run } of cases) it(name, () => run(open))
})
