import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { CompiledQuery, Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { Pool } from 'pg'
import type { LicenseFilter, LicenseOrder, Storage } from '../../src/core/index.ts'
import { isPostgres } from '../../src/storage/kysely/dialect.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import {
  addLicense,
  addParents,
  madeAt,
  newId,
  type Parents,
} from '../../src/testing/storage-cases/records.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'

const now = madeAt
/** Enough that a planner takes an index rather than a table. */
const count = 20_000

interface Query {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

interface Watched {
  readonly db: Kysely<any>
  /** The queries since the last call. */
  taken(): readonly Query[]
}

const database = await openTestDatabase()
const opened: Kysely<any>[] = []
after(async () => {
  for (const db of opened) await db.destroy()
  await database?.drop()
})

async function open(dialect: PostgresDialect | SqliteDialect): Promise<Watched> {
  let queries: Query[] = []
  const db = new Kysely<any>({
    dialect,
    log: ({ query }) => void queries.push({ sql: query.sql, parameters: query.parameters }),
  })
  opened.push(db)
  const taken = (): readonly Query[] => {
    const seen = queries
    queries = []
    return seen
  }
  return { db, taken }
}

async function openSqlite(): Promise<Watched> {
  const connection = await openConnection(':memory:', { readonly: false })
  connection.exec('pragma foreign_keys = on')
  return open(new SqliteDialect({ database: connection }))
}

async function openPostgres(): Promise<Watched> {
  const url = new URL(await database!.nextSchema())
  const options = `-c search_path=${url.searchParams.get('search_path')}`
  const pool = new Pool({ connectionString: database!.url, options })
  pool.on('error', () => {})
  return open(new PostgresDialect({ pool }))
}

interface Filled extends Parents, Watched {
  readonly storage: Storage
}

/** Licenses of every status, each with a customer of its own, whose times fall in the order of their ids. */
async function filled(watched: Watched): Promise<Filled> {
  const { db } = watched
  await migrate(db)
  const storage = kyselyStorage(db)
  const parents = await addParents(storage)
  const first = await addLicense(storage, parents, { expiresAt: now, seenAt: now })
  const rows = Array.from({ length: count }, (_, at) => [newId('lic'), newId('cus'), at])
  const pairs = isPostgres(db)
    ? sql`json_array_elements(cast(cast(${JSON.stringify(rows)} as text) as json))`
    : sql`json_each(${JSON.stringify(rows)})`
  const at = sql`cast(row.value ->> 2 as integer)`
  const license = await db
    .selectFrom('heartwood_license')
    .selectAll()
    .where('id', '=', first.id)
    .executeTakeFirst()
  const own: Record<string, unknown> = {
    id: sql`row.value ->> 0`,
    current: sql`0`,
    created_at: sql`${sql.lit(now - count)} + ${at}`,
    expires_at: sql`case when ${at} % 10 = 3 then null else ${sql.lit(now - count / 2)} + ${at} end`,
    revoked_at: sql`case when ${at} % 20 = 7 then ${sql.lit(now)} end`,
    seen_at: sql`case when ${at} % 3 = 0 then ${sql.lit(now)} - ${at} end`,
  }
  const columns = Object.keys(license as object)
  const values = columns.map((name) => own[name] ?? sql.ref(`pattern.${name}`))
  await sql`insert into heartwood_license (${sql.join(columns.map((name) => sql.ref(name)))})
    select ${sql.join(values)} from ${pairs} as row, heartwood_license as pattern where pattern.id = ${first.id}`.execute(
    db,
  )
  await sql`insert into heartwood_customer (id, app_id, email, folded_email, name, folded_name, metadata, created_at, updated_at)
    select row.value ->> 1, ${sql.lit(parents.app.id)}, row.value ->> 1, 'visitor.' || (row.value ->> 2), 'Visitor',
      'visitor ' || (row.value ->> 2), '{}', 0, 0 from ${pairs} as row`.execute(db)
  if (isPostgres(db)) await sql`analyze`.execute(db)
  watched.taken()
  return { ...parents, ...watched, storage }
}

/** The steps that the planner makes of a query. */
async function planOf(db: Kysely<any>, { sql: text, parameters }: Query): Promise<readonly string[]> {
  const explain = isPostgres(db) ? 'explain' : 'explain query plan'
  const { rows } = await db.executeQuery<Record<string, string>>(
    CompiledQuery.raw(`${explain} ${text}`, [...parameters]),
  )
  return rows.map((row) => row['detail'] ?? row['QUERY PLAN'] ?? '')
}

/** Steps that read a whole table, or sort. */
const wasteful =
  /Seq Scan on heartwood_(license|customer)\b|\bSort\b|SCAN (heartwood_license|found)\b|TEMP B-TREE FOR ORDER/

const byEnd: LicenseOrder = { by: 'expiresAt', descending: false }
const byLatestEnd: LicenseOrder = { by: 'expiresAt', descending: true }
const byCreation: LicenseOrder = { by: 'createdAt', descending: true }
const bySeen: LicenseOrder = { by: 'seenAt', descending: true }

type Case = readonly [
  name: string,
  filter: Partial<LicenseFilter>,
  order: LicenseOrder,
  indexes: readonly string[],
]

const both = ['unrevoked', 'revoked_end']
const cases: readonly Case[] = [
  ['expires_before', { expiresBefore: now + 100 }, byEnd, both],
  ['expires_after', { expiresAfter: now - 100 }, byEnd, both],
  ['expires_before, active', { expiresBefore: now + 5_000, status: 'active' }, byEnd, ['unrevoked']],
  ['expires_before, expired', { expiresBefore: now, status: 'expired' }, byEnd, ['unrevoked']],
  ['expires_before, revoked', { expiresBefore: now, status: 'revoked' }, byEnd, ['revoked_end']],
  ['sort=-expires_at, active', { status: 'active' }, byLatestEnd, ['unrevoked']],
  ['sort=-expires_at', {}, byLatestEnd, both],
  ['created_after', { createdAfter: now - 9_000 }, byCreation, ['created']],
  ['created_after, active', { createdAfter: now - 9_000, status: 'active' }, byCreation, ['created']],
  [
    'created_after, revoked',
    { createdAfter: now - 9_000, status: 'revoked' },
    byCreation,
    ['revoked_created'],
  ],
  ['seen_before', { seenBefore: now - 5_000 }, bySeen, ['seen']],
  ['seen_before, expired', { seenBefore: now - 5_000, status: 'expired' }, bySeen, ['seen']],
  ['seen_before, revoked', { seenBefore: now - 5_000, status: 'revoked' }, bySeen, ['revoked_seen']],
]

function describePlans(name: string, fill: () => Promise<Filled>, skip: string | false = false): void {
  describe(`${name}: plans of lists and of the search`, { skip }, () => {
    let data: Promise<Filled> | undefined
    const ready = (): Promise<Filled> => (data ??= fill())

    for (const [what, filter, order, indexes] of cases)
      it(`a page of ${what} reads its own indexes in their order, at the begin and after a cursor`, async () => {
        const { app, db, storage, taken } = await ready()
        const whole = { ...filter, appId: app.id, now }
        const page = await storage.listLicenses(whole, { limit: 20 }, order)
        assert.equal(page.length, 20)
        const last = page.at(-1)!
        const after = { id: last.id, position: last[order.by] }
        taken()
        await storage.listLicenses(whole, { limit: 20, after }, order)
        const lists = taken().filter((query) => /from "heartwood_license".* order by/s.test(query.sql))
        assert.ok(lists.length >= indexes.length)
        const plans = await Promise.all(lists.map((query) => planOf(db, query)))
        for (const plan of plans)
          assert.equal(
            plan.find((step) => wasteful.test(step)),
            undefined,
            plan.join('\n'),
          )
        for (const index of indexes)
          assert.ok(
            plans.flat().some((step) => new RegExp(`\\bheartwood_license_${index}\\b`).test(step)),
            `${index}:\n${plans.flat().join('\n')}`,
          )
      })

    it('a search reads ranges of indexes alone, even if all customers match', async () => {
      const { app, db, storage, taken } = await ready()
      const texts = { text: 'visitor', emailPrefix: 'visitor.', namePrefix: 'visitor ' }
      const kinds = ['app', 'tier', 'feature', 'customer', 'license', 'license_key'] as const
      const ids = { licenseId: newId('lic'), installationId: '00000000-0000-4000-8000-000000000000' }
      const request = { ...texts, ...ids, kinds, apps: { mode: app.mode }, limit: 40 }
      assert.equal((await storage.search(request)).length, 40)
      taken()
      const none = { ...request, emailPrefix: 'nobody', namePrefix: 'nobody' }
      for (const text of ['visitor', 'app_', 'tier_', 'feat_', 'cus_', 'lic_', 'lkey_'])
        await storage.search({ ...none, text })
      const plans = await Promise.all(taken().map((query) => planOf(db, query)))
      assert.ok(plans.length > 50, `${plans.length} queries`)
      for (const plan of plans)
        assert.equal(
          plan.find((step) => wasteful.test(step)),
          undefined,
          plan.join('\n'),
        )
      const steps = plans.flat().join('\n')
      assert.match(steps, isPostgres(db) ? /heartwood_customer_email/ : /app_id=\? AND folded_email>\?/)
      assert.match(steps, /heartwood_customer_name/)
    })
  })
}

describePlans('SQLite', async () => filled(await openSqlite()))
describePlans('PostgreSQL', async () => filled(await openPostgres()), database === undefined && noPostgres)
