import { sql, type Kysely } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { LicensingError } from '../core/errors.ts'
import type {
  ApiKeyRecord,
  AppRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  ExpiryNotice,
  LicenseRecord,
  Metadata,
  SigningKeyRecord,
  TierRecord,
  WebhookRecord,
} from '../core/storage/index.ts'
import { isPostgres } from './kysely/dialect.ts'
import * as licensing from './migrations/0001-licensing.ts'
import * as webhooks from './migrations/0002-webhooks.ts'

type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : Name

type Stored<Value> = Value extends boolean
  ? number
  : Value extends readonly string[] | Metadata
    ? string
    : Value

/** A record as its row holds it: names in snake_case, flags as 0 or 1, lists and metadata as JSON. */
export type Row<Entry> = { readonly [Name in keyof Entry & string as Snake<Name>]: Stored<Entry[Name]> }

/** The tables of Heartwood. Each name is prefixed, since they live in databases of others. */
export interface Database {
  readonly heartwood_app: Row<AppRecord>
  readonly heartwood_signing_key: Row<SigningKeyRecord>
  readonly heartwood_tier: Row<Omit<TierRecord, 'features'>>
  readonly heartwood_feature: Row<FeatureRecord>
  readonly heartwood_tier_feature: {
    readonly tier_id: string
    readonly feature_id: string
    readonly place: number
  }
  readonly heartwood_customer: Row<CustomerRecord>
  readonly heartwood_license: Row<LicenseRecord>
  readonly heartwood_api_key: Row<ApiKeyRecord>
  readonly heartwood_kept_answer: Row<StoredResponseRecord>
  readonly heartwood_webhook: Row<WebhookRecord>
  readonly heartwood_delivery: Row<DeliveryRecord>
  readonly heartwood_license_notice: Row<ExpiryNotice>
  readonly heartwood_clock: {
    readonly id: string
    readonly seen_at: number
    readonly steady_since: number
  }
  readonly heartwood_setting: { readonly name: string; readonly value: string }
}

// What has been released is never changed, only followed by another: each imports nothing that could change under it.
const migrations: Readonly<Record<string, Migration>> = Object.freeze({
  '0001-licensing': licensing,
  '0002-webhooks': webhooks,
})

const tables = {
  migrationTableName: 'heartwood_migration',
  migrationLockTableName: 'heartwood_migration_lock',
}

/**
 * Brings the tables of Heartwood in `db` to this version. Writes nothing when they are there already, so it may run at
 * every start. On SQLite, `pragma foreign_keys` must be on. On PostgreSQL the tables go into the first schema of the
 * `search_path`, and servers that start at once wait for each other.
 *
 * @throws {LicensingError} `unavailable` when the tables are of a newer version, foreign keys are off, or the encoding of
 * a PostgreSQL database is not UTF8.
 *
 * @example
 * ```ts
 * import { Kysely, type Dialect } from 'kysely'
 * import { kyselyStorage, migrate } from 'heartwood/storage/kysely'
 *
 * async function open(dialect: Dialect) {
 *   const db = new Kysely<unknown>({ dialect })
 *   await migrate(db)
 *   return kyselyStorage(db)
 * }
 * ```
 */
export async function migrate(db: Kysely<any>): Promise<void> {
  const plain: Kysely<unknown> = db.withoutPlugins()
  await requireSettings(plain)
  if (await isCurrent(plain)) return
  if (!isPostgres(plain) && !plain.getExecutor().adapter.supportsTransactionalDdl) return migrateAtOnce(plain)
  const provider = { getMigrations: async () => ({ ...migrations }) }
  const schema = await schemaOf(plain)
  const migrator = new Migrator({ db: plain, provider, ...tables, ...schema })
  const { error } = await migrator.migrateToLatest()
  // Where the dialect takes no lock, another process may have been first.
  if (error !== undefined && !(await isCurrent(plain))) throw error
}

/**
 * What Kysely's migrator does, in one transaction: of SQLite's dialects most do not say that it can make tables in one, and
 * outside one a crash in the middle leaves tables that no later run gets past.
 */
async function migrateAtOnce(db: Kysely<unknown>): Promise<void> {
  const table = sql.table(tables.migrationTableName)
  await db.transaction().execute(async (trx) => {
    await sql`create table if not exists ${table} (name varchar(255) not null primary key, timestamp varchar(255) not null)`.execute(
      trx,
    )
    // A write, so that of two processes the second waits here.
    await sql`delete from ${table} where name = ''`.execute(trx)
    const done = await doneMigrations(trx)
    for (const [name, migration] of Object.entries(migrations).filter(([name]) => !done.includes(name))) {
      await migration.up(trx)
      const timestamp = new Date().toISOString()
      await sql`insert into ${table} (name, timestamp) values (${name}, ${timestamp})`.execute(trx)
    }
  })
}

/** On PostgreSQL, where the tables go: without it, tables of the same names in other schemas would be taken for them. */
async function schemaOf(db: Kysely<unknown>): Promise<{ readonly migrationTableSchema?: string }> {
  if (!isPostgres(db)) return {}
  const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db)
  const name = rows[0]?.name
  if (name) return { migrationTableSchema: name }
  throw new LicensingError('unavailable', 'The search_path of the database names no schema that exists')
}

async function isCurrent(db: Kysely<unknown>): Promise<boolean> {
  const done = await doneMigrations(db)
  if (done.some((name) => !Object.hasOwn(migrations, name))) {
    throw new LicensingError('unavailable', 'The database is from a newer version of Heartwood')
  }
  return done.length === Object.keys(migrations).length
}

async function doneMigrations(db: Kysely<unknown>): Promise<string[]> {
  if (!(await hasMigrationTable(db))) return []
  const table = sql.table(tables.migrationTableName)
  const { rows } = await sql<{ name: string }>`select name from ${table}`.execute(db)
  return rows.map((row) => row.name)
}

async function hasMigrationTable(db: Kysely<unknown>): Promise<boolean> {
  const name = tables.migrationTableName
  const { rows } = isPostgres(db)
    ? await sql`select 1 from pg_catalog.pg_class where oid = to_regclass(${name})`.execute(db)
    : await sql`select 1 from sqlite_schema where type = 'table' and name = ${name}`.execute(db)
  return rows.length > 0
}

/** What the promises of the storage contract stand on, and a host's connection may not have. */
async function requireSettings(db: Kysely<unknown>): Promise<void> {
  if (isPostgres(db)) return requireUtf8(db)
  const { rows } = await sql<{ foreign_keys: number }>`pragma foreign_keys`.execute(db)
  if (Number(rows[0]?.foreign_keys) === 1) return
  throw new LicensingError(
    'unavailable',
    'The SQLite connection must be opened with pragma foreign_keys = on',
  )
}

async function requireUtf8(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ encoding: string }>`
    select pg_catalog.current_setting('server_encoding') as encoding`.execute(db)
  if (rows[0]?.encoding === 'UTF8') return
  throw new LicensingError('unavailable', 'The PostgreSQL database must have the encoding UTF8')
}
