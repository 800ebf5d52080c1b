import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { LicensingError } from '../core/errors.ts'
import type {
  ApiKeyRecord,
  AppRecord,
  AuditChainRecord,
  AuditCheckpointRecord,
  AuditEntryRecord,
  CustomerRecord,
  DeletionRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  ExpiryNotice,
  KeyStatementRecord,
  LicenseKeyRecord,
  LicenseRecord,
  Metadata,
  SigningKeyRecord,
  SnapshotRecord,
  TallyRecord,
  TierRecord,
  WebhookRecord,
} from '../core/storage/index.ts'
import type { RecoverySet } from '../core/token/statement.ts'
import type { SnakeCase } from '../core/wire.ts'
import { kindOf } from './errors.ts'
import { beginOn, isPostgres } from './kysely/dialect.ts'
import { foldNames } from './kysely/folded-names.ts'
import * as licensing from './migrations/0001-licensing.ts'
import * as webhooks from './migrations/0002-webhooks.ts'
import * as seenLicenses from './migrations/0003-seen-licenses.ts'
import * as retiredKeys from './migrations/0004-retired-keys.ts'
import * as announcedEnds from './migrations/0005-announced-ends.ts'
import * as deletions from './migrations/0006-deletions.ts'
import * as terms from './migrations/0007-terms.ts'
import * as licenseKeys from './migrations/0008-license-keys.ts'
import * as listIndexes from './migrations/0009-list-indexes.ts'
import * as keyStatements from './migrations/0010-key-statements.ts'
import * as scopes from './migrations/0011-scopes.ts'
import * as audit from './migrations/0012-audit.ts'
import * as search from './migrations/0013-search.ts'
import * as tallies from './migrations/0014-tallies.ts'
import * as deliveries from './migrations/0015-deliveries.ts'
import * as auditChain from './migrations/0016-audit-chain.ts'
import * as unsealedEntries from './migrations/0017-unsealed-entries.ts'
import { retry, type RetryPolicy } from './retry.ts'

type Stored<Value> = Value extends boolean
  ? number
  : Value extends readonly unknown[] | Metadata | Readonly<Record<string, number>> | RecoverySet
    ? string
    : Value

/** A record in the form of its row: names in snake_case, flags as 0 or 1, lists and metadata as JSON. */
export type Row<Entry> = { readonly [Name in keyof Entry & string as SnakeCase<Name>]: Stored<Entry[Name]> }

/** The tables of Heartwood. Each name has a prefix, because the tables may lie in the database of a host. */
export interface Database {
  readonly heartwood_app: Row<AppRecord>
  readonly heartwood_signing_key: Row<SigningKeyRecord>
  readonly heartwood_key_statement: Row<KeyStatementRecord>
  readonly heartwood_tier: Row<Omit<TierRecord, 'features'>>
  readonly heartwood_feature: Row<FeatureRecord>
  readonly heartwood_tier_feature: {
    readonly tier_id: string
    readonly feature_id: string
    readonly place: number
  }
  readonly heartwood_customer: Row<CustomerRecord> & {
    /** The name in the form that the search compares. */
    readonly folded_name: string | null
  }
  readonly heartwood_license_key: Row<LicenseKeyRecord>
  readonly heartwood_license: Row<LicenseRecord> & {
    /** The `expires_at` that was announced last as coming. */
    readonly told_expiring: number | null
    /** The `expires_at` that was announced last as past. */
    readonly told_expired: number | null
  }
  readonly heartwood_api_key: Row<ApiKeyRecord>
  readonly heartwood_kept_answer: Row<StoredResponseRecord>
  readonly heartwood_webhook: Row<WebhookRecord>
  readonly heartwood_deletion: Row<DeletionRecord>
  readonly heartwood_delivery: Row<DeliveryRecord>
  readonly heartwood_license_notice: Row<ExpiryNotice>
  readonly heartwood_tally: Row<TallyRecord>
  readonly heartwood_snapshot: Row<SnapshotRecord>
  readonly heartwood_clock: {
    readonly id: string
    readonly seen_at: number
    readonly steady_since: number
  }
  readonly heartwood_audit_entry: Row<AuditEntryRecord>
  /** The entries that wait for their seal. */
  readonly heartwood_unsealed_audit_entry: Row<Omit<AuditEntryRecord, 'seq' | 'mac'>>
  readonly heartwood_audit_chain: Row<AuditChainRecord> & { readonly id: string }
  readonly heartwood_audit_checkpoint: Row<AuditCheckpointRecord>
  readonly heartwood_setting: { readonly name: string; readonly value: string }
}

/** The name of the setting that holds the check record of the master key. */
export const keyCheckName = 'key_check'

// A released migration never changes. Therefore it imports nothing of Heartwood, and another migration follows it.
const migrations: Readonly<Record<string, Migration>> = Object.freeze({
  '0001-licensing': licensing,
  '0002-webhooks': webhooks,
  '0003-seen-licenses': seenLicenses,
  '0004-retired-keys': retiredKeys,
  '0005-announced-ends': announcedEnds,
  '0006-deletions': deletions,
  '0007-terms': terms,
  '0008-license-keys': licenseKeys,
  '0009-list-indexes': listIndexes,
  '0010-key-statements': keyStatements,
  '0011-scopes': scopes,
  '0012-audit': audit,
  '0013-search': search,
  '0014-tallies': tallies,
  '0015-deliveries': deliveries,
  '0016-audit-chain': auditChain,
  '0017-unsealed-entries': unsealedEntries,
})

const migrationTable = 'heartwood_migration'

/** The advisory lock of Kysely's migrator, because a server of 0.1.0 may start at the same time and takes that one. */
const migrationLock = '3853314791062309107'

/**
 * Brings the tables of Heartwood in `db` to this version. It writes nothing if they are current, so it may run at every
 * start. On SQLite, `pragma foreign_keys` must be on. On PostgreSQL the tables go into the first schema of the
 * `search_path`, and servers that start at the same time wait for each other.
 *
 * @throws {LicensingError} `unavailable` if the tables are of a newer version, foreign keys are off, or the encoding of a
 * PostgreSQL database is not UTF8.
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
  if (!(await isCurrent(plain))) await bringUp(plain)
  await foldNames(plain)
}

async function bringUp(db: Kysely<unknown>): Promise<void> {
  if (isPostgres(db)) await requireSchema(db)
  // Whoever waited for the lock must see what the one before it has committed.
  await retry(() => beginOn(db).execute(migrateIn), createdMeanwhile)
}

/** A server of 0.1.0 creates its tables before it takes the lock. Then PostgreSQL's `if not exists` can still meet one. */
const createdMeanwhile: RetryPolicy = {
  isTransient: (error) => kindOf(error) === 'unique',
  attempts: 3,
  pauseMs: () => 10,
}

/**
 * Runs the missing migrations in one transaction, because a crash must leave no half of them. Kysely's migrator does not: most
 * dialects for SQLite do not say that it can create tables in a transaction, and on PostgreSQL the lock of the migrator would
 * stay behind in a pooler's connection. The lock here ends with the transaction.
 */
async function migrateIn(trx: Kysely<unknown>): Promise<void> {
  if (isPostgres(trx)) await lockWithoutLimits(trx)
  const table = sql.table(migrationTable)
  await sql`create table if not exists ${table} (name varchar(255) not null primary key, timestamp varchar(255) not null)`.execute(
    trx,
  )
  // On SQLite this write makes a second process wait here.
  await sql`delete from ${table} where name = ''`.execute(trx)
  const done = await doneMigrations(trx)
  for (const [name, migration] of Object.entries(migrations).filter(([name]) => !done.includes(name))) {
    await migration.up(trx)
    const timestamp = new Date().toISOString()
    await sql`insert into ${table} (name, timestamp) values (${name}, ${timestamp})`.execute(trx)
  }
}

/** The limits of a role or a host must not end a long migration, or the wait for that of another server. */
async function lockWithoutLimits(trx: Kysely<unknown>): Promise<void> {
  const limits = sql.join(['statement_timeout', 'lock_timeout', 'transaction_timeout'].map(sql.lit))
  await sql`select set_config(name, '0', true) from pg_catalog.pg_settings where name in (${limits})`.execute(
    trx,
  )
  await sql`select pg_advisory_xact_lock(${sql.raw(migrationLock)})`.execute(trx)
}

async function requireSchema(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db)
  if (rows[0]?.name) return
  throw new LicensingError('unavailable', 'The search_path of the database names no schema that exists')
}

/**
 * Resolves to `true` if the tables are of this version, and to `false` if they are older.
 *
 * @throws {LicensingError} `unavailable` as {@link migrate} does.
 */
export async function isCurrent(db: Kysely<any>): Promise<boolean> {
  await requireSettings(db)
  const done = await doneMigrations(db)
  if (done.some((name) => !Object.hasOwn(migrations, name))) {
    throw new LicensingError('unavailable', 'The database is from a newer version of Heartwood')
  }
  return done.length === Object.keys(migrations).length
}

async function doneMigrations(db: Kysely<unknown>): Promise<string[]> {
  if (!(await hasTable(db, migrationTable))) return []
  const table = sql.table(migrationTable)
  const { rows } = await sql<{ name: string }>`select name from ${table}`.execute(db)
  return rows.map((row) => row.name)
}

/** The check record of the master key; `null` if there is none, or no table for it. */
export async function findKeyCheck(db: Kysely<Database>): Promise<string | null> {
  if (!(await hasTable(db, 'heartwood_setting'))) return null
  const settings = db.selectFrom('heartwood_setting').select('value').where('name', '=', keyCheckName)
  return (await settings.executeTakeFirst())?.value ?? null
}

async function hasTable(db: Kysely<any>, name: string): Promise<boolean> {
  const { rows } = isPostgres(db)
    ? await sql`select 1 from pg_catalog.pg_class where oid = to_regclass(${name})`.execute(db)
    : await sql`select 1 from sqlite_schema where type = 'table' and name = ${name}`.execute(db)
  return rows.length > 0
}

/** The promises of the storage contract need these settings, and a host's connection may lack them. */
async function requireSettings(db: Kysely<any>): Promise<void> {
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
