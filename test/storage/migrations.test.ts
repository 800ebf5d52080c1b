import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { Pool } from 'pg'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { licenseRows } from '../../src/storage/kysely/rows.ts'
import * as first from '../../src/storage/migrations/0001-licensing.ts'
import * as second from '../../src/storage/migrations/0002-webhooks.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { addParents, newLicense } from '../../src/testing/storage-cases/records.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'

const database = await openTestDatabase()
const opened: Kysely<any>[] = []
after(async () => {
  for (const db of opened) await db.destroy()
  await database?.drop()
})

async function openSqlite(): Promise<Kysely<any>> {
  const connection = await openConnection(':memory:', { readonly: false })
  connection.exec('pragma foreign_keys = on')
  return new Kysely<any>({ dialect: new SqliteDialect({ database: connection }) })
}

async function openPostgres(): Promise<Kysely<any>> {
  const url = new URL(await database!.nextSchema())
  const options = `-c search_path=${url.searchParams.get('search_path')}`
  const pool = new Pool({ connectionString: database!.url, options })
  pool.on('error', () => {})
  const db = new Kysely<any>({ dialect: new PostgresDialect({ pool }) })
  opened.push(db)
  return db
}

/** Makes the tables of 0.1.0. */
async function makeOldTables(db: Kysely<any>): Promise<void> {
  await first.up(db)
  await second.up(db)
  await sql`create table heartwood_migration (name varchar(255) not null primary key, timestamp varchar(255) not null)`.execute(
    db,
  )
  for (const name of ['0001-licensing', '0002-webhooks'])
    await db
      .insertInto('heartwood_migration')
      .values({ name, timestamp: '2026-01-01T00:00:00.000Z' })
      .execute()
}

/** The columns that 0.1.0 has not. */
const added = ['revoked_cause', 'seen_at', 'seen_kid', 'seen_client']

async function upgrades(db: Kysely<any>): Promise<void> {
  await makeOldTables(db)
  const storage = kyselyStorage(db)
  const parents = await addParents(storage)
  const license = newLicense(parents, { metadata: { seats: 5 } })
  const row = Object.entries(licenseRows.toRow(license)).filter(([name]) => !added.includes(name))
  const insert = () => db.insertInto('heartwood_license').values(Object.fromEntries(row)).execute()
  await insert()
  await migrate(db)
  assert.deepEqual(await storage.findLicense(parents.app.id, license.id), license)
  const seen = { seenAt: 1_800_000_000, seenKid: 'kid', seenClient: 'app/1' }
  assert.deepEqual(await storage.updateLicense(license.id, 1, seen), { ...license, ...seen, version: 2 })
  await storage.deleteLicense(license.id)
  // A server of 0.1.0 that still runs names only the columns that it knows.
  await insert()
  assert.deepEqual(await storage.findLicense(parents.app.id, license.id), license)
}

describe('migrate(): the tables of 0.1.0 become those of this version', () => {
  it('keeps every record, on SQLite', async () => upgrades(await openSqlite()))
  it('keeps every record, on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
    upgrades(await openPostgres()),
  )
})
