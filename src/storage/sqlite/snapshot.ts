import { sql, type Kysely } from 'kysely'
import { existsSync } from 'node:fs'
import { toOpenError } from '../errors.ts'
import { type Snapshot, snapshotOf } from '../kysely/snapshot.ts'
import type { Database } from '../schema.ts'
import { type Connection, openConnection } from './connection.ts'
import { kyselyOver } from './dialect.ts'
import { logOf, requireOwnLog } from './disk-file.ts'
import { lockWaitMs } from './lock.ts'

/**
 * Shows `work` an SQLite file as of one moment, while other processes may write to it.
 *
 * @throws {LicensingError} `unavailable` if the file cannot be read.
 */
export async function readSqliteSnapshot<T>(
  filename: string,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const connection = await openForReading(filename).catch((error: unknown) => {
    throw toOpenError(error)
  })
  try {
    const db = kyselyOver(connection)
    return await work(await snapshotOf(db, () => faultsOf(db)))
  } finally {
    connection.close()
  }
}

/**
 * If a `-wal` file exists, a server runs or was killed, and a read-only connection leaves the file alone. If not, the
 * connection must be able to write: only a writer removes the empty `-wal` file that every reader creates.
 */
async function openForReading(filename: string): Promise<Connection> {
  await requireOwnLog(filename)
  const connection = await openConnection(filename, { readonly: existsSync(logOf(filename)) })
  try {
    connection.exec(`pragma busy_timeout = ${lockWaitMs}; pragma query_only = on; pragma foreign_keys = on`)
    connection.exec('begin')
    // The first read decides which moment the transaction sees.
    connection.first('select count(*) from sqlite_schema', [])
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

async function faultsOf(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(10)`.execute(db)
  const orphans = await sql<{ table: string }>`pragma foreign_key_check`.execute(db)
  return [
    ...rows.map((row) => row.integrity_check).filter((text) => text !== 'ok'),
    ...orphans.rows.map(({ table }) => `a row of ${table} refers to one that is not there`),
  ]
}
