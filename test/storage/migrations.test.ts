import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { Pool } from 'pg'
import { createLicensing } from '../../src/core/index.ts'
import type {
  ApiKeyRecord,
  DeliveryRecord,
  LicenseRecord,
  SigningKeyRecord,
} from '../../src/core/storage/index.ts'
import { foldName } from '../../src/core/storage/search.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import {
  apiKeyRows,
  appRows,
  deliveryRows,
  customerRows,
  licenseRows,
  signingKeyRows,
  storedTierRows,
  unsealedEntryRows,
  webhookRows,
} from '../../src/storage/kysely/rows.ts'
import * as first from '../../src/storage/migrations/0001-licensing.ts'
import * as second from '../../src/storage/migrations/0002-webhooks.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import {
  newApiKey,
  newApp,
  newCustomer,
  newDelivery,
  newLicense,
  newSigningKey,
  newTier,
  newWebhook,
  type Parents,
} from '../../src/testing/storage-cases/records.ts'
import { newEntries } from '../support/audit-entries.ts'
import { masterKey } from '../support/fixtures.ts'
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
const added = [
  ...['revoked_cause', 'seen_at', 'seen_kid', 'seen_client', 'retired_at', 'retired_reason'],
  ...['limits', 'tier_limits', 'custom_limits', 'updates_until'],
  ...['key_prefix', 'license_key_id', 'recovery', 'scopes'],
  ...['license_id', 'last_attempts', 'queue_full_at', 'dropped_events'],
]

/** The row as 0.1.0 wrote it. */
function oldRow(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !added.includes(name)))
}

/** The row of a license as 0.1.0 wrote it: other records have a name, but licenses had none. */
function oldLicense(license: LicenseRecord): Record<string, unknown> {
  const { name: _name, ...row } = oldRow(licenseRows.toRow(license))
  return row
}

/** Adds an app, a tier and a customer to the tables of 0.1.0. */
async function addOldParents(db: Kysely<any>): Promise<Parents> {
  const app = newApp()
  const tier = newTier(app.id)
  const customer = newCustomer(app.id)
  await db
    .insertInto('heartwood_app')
    .values(oldRow(appRows.toRow(app)))
    .execute()
  await db
    .insertInto('heartwood_tier')
    .values(oldRow(storedTierRows.toRow(tier)))
    .execute()
  await db.insertInto('heartwood_customer').values(customerRows.toRow(customer)).execute()
  return { app, tier, customer }
}

async function upgrades(db: Kysely<any>): Promise<void> {
  await makeOldTables(db)
  const storage = kyselyStorage(db)
  const parents = await addOldParents(db)
  const license = newLicense(parents, { metadata: { seats: 5 } })
  const row = oldLicense(license)
  const insert = () => db.insertInto('heartwood_license').values(row).execute()
  await insert()
  await migrate(db)
  assert.deepEqual(await storage.findLicense(parents.app.id, license.id), license)
  assert.deepEqual(await storage.findTier(parents.app.id, parents.tier.id), parents.tier)
  const seen = { seenAt: 1_800_000_000, seenKid: 'kid', seenClient: 'app/1' }
  assert.deepEqual(await storage.updateLicense(license.id, 1, seen), { ...license, ...seen, version: 2 })
  await storage.deleteLicense(license.id)
  // A server of 0.1.0 that still runs names only the columns that it knows.
  await insert()
  assert.deepEqual(await storage.findLicense(parents.app.id, license.id), license)
}

async function upgradesKeys(db: Kysely<any>): Promise<void> {
  await makeOldTables(db)
  const storage = kyselyStorage(db)
  const { app } = await addOldParents(db)
  const insert = (key: SigningKeyRecord) =>
    db
      .insertInto('heartwood_signing_key')
      .values(oldRow(signingKeyRows.toRow(key)))
      .execute()
  const retired = newSigningKey(app.id, { privateKey: null, acceptedUntil: 0 })
  const [active, next, last] = [1, 2, 3].map((day) =>
    newSigningKey(app.id, { createdAt: retired.createdAt + day * 86_400 }),
  ) as [SigningKeyRecord, SigningKeyRecord, SigningKeyRecord]
  await insert(retired)
  await insert(active)
  await migrate(db)
  assert.deepEqual(await storage.listSigningKeys(app.id), [active, retired])
  const retirement = { retiredAt: next.createdAt, retiredReason: 'compromised' } as const
  assert.equal(await storage.swapActiveKey(app.id, active.kid, next, null, retirement), true)
  const tombstone = { ...active, privateKey: null, acceptedUntil: 0, ...retirement }
  assert.deepEqual(await storage.listSigningKeys(app.id), [next, tombstone, retired])
  // A server of 0.1.0 that still runs rotates too, and names only the columns that it knows.
  const old = { private_key: null, accepted_until: 0 }
  await db.updateTable('heartwood_signing_key').set(old).where('kid', '=', next.kid).execute()
  await insert(last)
  const byOld = { ...next, privateKey: null, acceptedUntil: 0 }
  assert.deepEqual(await storage.listSigningKeys(app.id), [last, byOld, tombstone, retired])
}

async function upgradesApiKeys(db: Kysely<any>): Promise<void> {
  await makeOldTables(db)
  const storage = kyselyStorage(db)
  const [old, byOldServer, scoped] = [
    newApiKey(),
    newApiKey({ type: 'pk' }),
    newApiKey({ type: 'scoped_sk', scopes: ['licenses:read'] }),
  ] as const
  const insert = (key: ApiKeyRecord) =>
    db
      .insertInto('heartwood_api_key')
      .values(oldRow(apiKeyRows.toRow(key)))
      .execute()
  await insert(old)
  await migrate(db)
  await insert(byOldServer)
  await storage.insertApiKey(scoped)
  for (const key of [old, byOldServer, scoped]) assert.deepEqual(await storage.findApiKey(key.id), key)
  const lists = [{}, { withoutScopes: [] }].map((filter) => storage.countApiKeys(filter))
  assert.deepEqual(await Promise.all(lists), [3, 1])
}

async function upgradesDeliveries(db: Kysely<any>): Promise<void> {
  await makeOldTables(db)
  const storage = kyselyStorage(db)
  const { app } = await addOldParents(db)
  const licenseId = newLicense(await addOldParents(db)).id
  const payload = JSON.stringify({ type: 'license.updated', data: { app_id: app.id, license_id: licenseId } })
  const seat = JSON.stringify({ type: 'license_key.updated', data: { license_key_id: 'lkey_1' } })
  const made = [
    newDelivery(app.id, { payload, licenseId }),
    newDelivery(app.id, { payload: seat, type: 'license_key.updated' }),
    newDelivery(app.id, { payload: '{"broken' }),
    newDelivery(app.id, { payload: '{"license_id":"lic_' }),
  ]
  const insert = (delivery: DeliveryRecord) =>
    db
      .insertInto('heartwood_delivery')
      .values(oldRow(deliveryRows.toRow(delivery)))
      .execute()
  const insertWebhook = (appId: string) =>
    db
      .insertInto('heartwood_webhook')
      .values(oldRow(webhookRows.toRow(newWebhook(appId))))
      .execute()
  for (const delivery of made) await insert(delivery)
  await insertWebhook(app.id)
  await migrate(db)
  const newer = newDelivery(app.id, { payload })
  // A server of 0.1.0 that still runs names only the columns that it knows.
  await insert(newer)
  const stored = await storage.listDeliveries({ appId: app.id }, { limit: 9 })
  assert.deepEqual(stored.toReversed(), [...made, newer])
  assert.deepEqual(await storage.findWebhook(app.id), newWebhook(app.id))
  const ofLicense = await storage.listDeliveries({ appId: app.id, licenseId }, { limit: 9 })
  assert.deepEqual(ofLicense, [made[0]])
}

async function upgradesNotices(db: Kysely<any>): Promise<void> {
  await makeOldTables(db)
  const storage = kyselyStorage(db)
  const parents = await addOldParents(db)
  const [told, changed, untold] = [9, 10, 11].map((expiresAt) => newLicense(parents, { expiresAt })) as [
    LicenseRecord,
    LicenseRecord,
    LicenseRecord,
  ]
  const notice = { type: 'license.expired', expires_at: 9 }
  for (const license of [told, changed, untold])
    await db.insertInto('heartwood_license').values(oldLicense(license)).execute()
  for (const { id } of [told, changed])
    await db
      .insertInto('heartwood_license_notice')
      .values({ license_id: id, ...notice })
      .execute()
  await migrate(db)
  const marks = db.selectFrom('heartwood_license').select(['told_expiring', 'told_expired'])
  const rows = await marks.orderBy('expires_at').execute()
  assert.deepEqual(
    rows.map(({ told_expiring, told_expired }) => [told_expiring, Number(told_expired)]),
    [
      [null, 9],
      [null, 0],
      [null, 0],
    ],
  )
  const span = { appId: parents.app.id, after: 0, until: 20, withoutNotice: 'license.expired' } as const
  const ending = await storage.listEndingLicenses({ ...span, limit: 9 })
  assert.deepEqual(ending, [changed, untold])
}

async function upgradesNames(db: Kysely<any>): Promise<void> {
  await makeOldTables(db)
  const { app } = await addOldParents(db)
  const insert = async (name: string | null): Promise<string> => {
    const customer = newCustomer(app.id, { name })
    await db.insertInto('heartwood_customer').values(customerRows.toRow(customer)).execute()
    return customer.id
  }
  const named = {
    straße: await insert('STRASSE'),
    ünal: await insert('Ünal'),
    "o'n": await insert("O'Neil %"),
  }
  await insert(null)
  // More than one page has.
  for (let number = 0; number < 1_100; number++) await insert(`Customer ${number}`)
  const storage = kyselyStorage(db)
  const found = async (namePrefix: string): Promise<readonly string[]> => {
    const texts = { text: '', licenseId: null, installationId: null, emailPrefix: '', namePrefix }
    const hits = await storage.search({ ...texts, apps: {}, kinds: ['customer'], limit: 2_000 })
    return hits.map(({ id }) => id)
  }
  await migrate(db)
  for (const [text, id] of Object.entries(named)) assert.deepEqual(await found(foldName(text)), [id])
  assert.equal((await found('customer ')).length, 1_100)
  // A server of an older version that still runs names only the columns that it knows.
  const byOldServer = await insert('Late')
  assert.deepEqual(await found('late'), [])
  await migrate(db)
  assert.deepEqual(await found('late'), [byOldServer])
}

/** Makes the log of before the table of unsealed entries. */
async function mergeUnsealed(db: Kysely<any>): Promise<void> {
  const names = unsealedEntryRows.columns.map(({ name }) => name)
  const columns = sql.join(names.map((name) => sql.ref(name)))
  await sql`insert into heartwood_audit_entry (${columns})
    select ${columns} from heartwood_unsealed_audit_entry`.execute(db)
  await sql`drop table heartwood_unsealed_audit_entry`.execute(db)
  await sql`create index heartwood_audit_entry_unsealed on heartwood_audit_entry (id) where seq is null`.execute(
    db,
  )
  await sql`delete from heartwood_migration where name = '0017-unsealed-entries'`.execute(db)
}

async function upgradesLog(db: Kysely<any>): Promise<void> {
  await migrate(db)
  const storage = kyselyStorage(db)
  const { audit } = await createLicensing({ storage, masterKey })
  const [sealed, unsealed] = [newEntries(9), newEntries(4, {}, 100)]
  await storage.insertAuditEntries(sealed)
  assert.equal(await audit.seal(), sealed.length)
  await storage.insertAuditEntries(unsealed)
  const before = await storage.listAuditEntries({}, { limit: 99 })
  await mergeUnsealed(db)
  const inLog = async () =>
    Number(
      (await sql<{ count: number }>`select count(*) as count from heartwood_audit_entry`.execute(db)).rows[0]!
        .count,
    )
  assert.equal(await inLog(), 13)
  await migrate(db)
  assert.equal(await inLog(), 9)
  assert.deepEqual(await storage.listUnsealedAuditEntries(99), unsealed)
  assert.deepEqual(await storage.listAuditEntries({}, { limit: 99 }), before)
  const { valid, verified, unsealed: waiting } = await audit.verify()
  assert.deepEqual([valid, verified, waiting], [true, 9, 4])
  assert.equal(await audit.seal(), 4)
  const all = await audit.verify()
  assert.deepEqual([all.valid, all.verified, all.unsealed], [true, 13, 0])
}

describe('migrate(): the tables of 0.1.0 become those of this version', () => {
  it('keeps every record, on SQLite', async () => upgrades(await openSqlite()))
  it('keeps every record, on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
    upgrades(await openPostgres()),
  )
  it('marks the ends that were announced, on SQLite', async () => upgradesNotices(await openSqlite()))
  it(
    'marks the ends that were announced, on PostgreSQL',
    { skip: database === undefined && noPostgres },
    async () => upgradesNotices(await openPostgres()),
  )
  it('names the license of each delivery, on SQLite', async () => upgradesDeliveries(await openSqlite()))
  it(
    'names the license of each delivery, on PostgreSQL',
    { skip: database === undefined && noPostgres },
    async () => upgradesDeliveries(await openPostgres()),
  )
  it('keeps every API key without scopes, on SQLite', async () => upgradesApiKeys(await openSqlite()))
  it(
    'keeps every API key without scopes, on PostgreSQL',
    { skip: database === undefined && noPostgres },
    async () => upgradesApiKeys(await openPostgres()),
  )
  it('folds the names of all customers, on SQLite', async () => upgradesNames(await openSqlite()))
  it(
    'folds the names of all customers, on PostgreSQL',
    { skip: database === undefined && noPostgres },
    async () => upgradesNames(await openPostgres()),
  )
  it('keeps every signing key, on SQLite', async () => upgradesKeys(await openSqlite()))
  it('keeps every signing key, on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
    upgradesKeys(await openPostgres()),
  )
})

describe('migrate(): entries of the audit log that are not sealed move to their own table', () => {
  it('on SQLite', async () => upgradesLog(await openSqlite()))
  it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
    upgradesLog(await openPostgres()),
  )
})
