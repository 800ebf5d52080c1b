import { sql, Kysely } from 'kysely'
import { existsSync } from 'node:fs'
import { LicensingError } from '../../core/errors.ts'
import type { StorageSession } from '../../core/storage/index.ts'
import { isPostgres as isOnPostgres } from '../../storage/kysely/dialect.ts'
import { translated } from '../../storage/kysely/errors.ts'
import { kyselyStorage } from '../../storage/kysely.ts'
import { SessionDialect } from '../../storage/postgres/dialect.ts'
import { LentSessions } from '../../storage/postgres/lent-sessions.ts'
import { migrate, type Database } from '../../storage/schema.ts'
import { openConnection, type Connection } from '../../storage/sqlite/connection.ts'
import { PatientSqliteDialect } from '../../storage/sqlite/dialect.ts'
import { openFailure } from '../../storage/sqlite/open-failure.ts'
import { patienceMs } from '../../storage/sqlite/patience.ts'
import { Refusal } from '../refusal.ts'
import { isPostgres, shownDatabase, type Settings } from '../settings.ts'

/** A database as it is at one moment, which nothing done here can change. */
export interface Reading {
  readonly session: StorageSession
  /** The check record of its master key. */
  readonly keyCheck: string
  /** What the database itself finds wrong with its file. */
  faults(): Promise<readonly string[]>
}

type Work<T> = (db: Kysely<Database>) => Promise<T>

/**
 * Where a log lies beside the file, a server runs or was killed: a reader leaves both as they are. Where there is none,
 * only a connection that may write takes away again the empty log that it needs.
 */
async function openQuietly(file: string): Promise<Connection> {
  const connection = await openConnection(file, { readonly: existsSync(`${file}-wal`) })
  try {
    connection.exec(`pragma busy_timeout = ${patienceMs}; pragma query_only = on; pragma foreign_keys = on`)
    connection.exec('begin')
    connection.first('select count(*) from sqlite_schema', [])
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

async function readSqlite<T>(file: string, work: Work<T>): Promise<T> {
  const connection = await openQuietly(file).catch((error: unknown) => {
    throw openFailure(error)
  })
  try {
    return await work(new Kysely<Database>({ dialect: new PatientSqliteDialect({ database: connection }) }))
  } finally {
    connection.close()
  }
}

async function readPostgres<T>(address: string, work: Work<T>): Promise<T> {
  const { default: postgres } = await import('postgres')
  const client = postgres(address, {
    ...{ max: 1, connect_timeout: 5, fetch_types: false, onnotice: () => {} },
    connection: { application_name: 'heartwood', default_transaction_read_only: true },
  })
  try {
    const db = new Kysely<Database>({ dialect: new SessionDialect(new LentSessions(client)) })
    return await db.transaction().setIsolationLevel('repeatable read').execute(work)
  } catch (error) {
    throw translated(error)
  } finally {
    await client.end({ timeout: 5 })
  }
}

function read<T>({ database }: Settings, work: Work<T>): Promise<T> {
  return isPostgres(database) ? readPostgres(database, work) : readSqlite(database, work)
}

async function hasSettings(db: Kysely<Database>): Promise<boolean> {
  const { rows } = isOnPostgres(db)
    ? await sql`select 1 from pg_catalog.pg_class where oid = to_regclass('heartwood_setting')`.execute(db)
    : await sql`select 1 from sqlite_schema where type = 'table' and name = 'heartwood_setting'`.execute(db)
  return rows.length > 0
}

async function keyCheckIn(db: Kysely<Database>): Promise<string | null> {
  if (!(await hasSettings(db))) return null
  const settings = db.selectFrom('heartwood_setting').select('value').where('name', '=', 'key_check')
  return (await settings.executeTakeFirst())?.value ?? null
}

/**
 * The check record that stands in a database, `null` where Heartwood has not been yet. Neither migrates nor writes, also
 * not what a killed server left in the log.
 */
export async function standingKeyCheck(settings: Settings): Promise<string | null> {
  if (!isPostgres(settings.database) && !existsSync(settings.database)) return null
  return read(settings, keyCheckIn)
}

/** @throws {Refusal} unless the tables are of this version. Cannot bring them there, since it may not write. */
async function requireCurrent(db: Kysely<Database>, { database }: Settings): Promise<void> {
  try {
    await migrate(db)
  } catch (error) {
    if (error instanceof LicensingError) throw error
    const name = shownDatabase(database)
    throw new Refusal(`${name} is of an older version: heartwood migrate brings it to this one`, {
      cause: error,
    })
  }
}

async function fileFaults(db: Kysely<Database>): Promise<readonly string[]> {
  if (isOnPostgres(db)) return []
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(10)`.execute(db)
  const strays = await sql<{ table: string }>`pragma foreign_key_check`.execute(db)
  return [
    ...rows.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
    ...strays.rows.map(({ table }) => `a row of ${table} refers to one that is not there`),
  ]
}

/** The refusal of what wants a database that is there. */
export function noDatabase({ database }: Settings): Refusal {
  const name = shownDatabase(database)
  return new Refusal(`There is no database ${name}: heartwood serve or heartwood migrate makes one`)
}

/**
 * Shows `work` a database as it is at one moment, however others write to it meanwhile. Nothing is migrated or written.
 *
 * @throws {Refusal} where there is none, or one of an older version. @throws {LicensingError} where it cannot be read.
 */
export async function withReading<T>(settings: Settings, work: (reading: Reading) => Promise<T>): Promise<T> {
  if (!isPostgres(settings.database) && !existsSync(settings.database)) throw noDatabase(settings)
  return read(settings, async (db) => {
    const keyCheck = await keyCheckIn(db)
    if (keyCheck === null) throw noDatabase(settings)
    await requireCurrent(db, settings)
    return work({ session: kyselyStorage(db), keyCheck, faults: () => fileFaults(db) })
  })
}
