import { Kysely, type CompiledQuery } from 'kysely'
import { LicensingError } from '../core/errors.ts'
import type { Storage } from '../core/storage.ts'
import { storageOver } from './kysely/storage.ts'
import { migrate, type Database } from './schema.ts'
import { type Connection, lentConnection, openConnection, type SqliteClient } from './sqlite/connection.ts'
import { SqliteWriterDialect } from './sqlite/dialect.ts'
import { openFailure } from './sqlite/open-failure.ts'

export type { SqliteClient } from './sqlite/connection.ts'

/** A file of our own, or a connection of yours. */
export type SqliteOptions =
  | {
      /** Made when it is not there; `:memory:` for a database that is gone when it is closed. */
      readonly filename: string
    }
  | {
      /** An open `Database` of `bun:sqlite` or `DatabaseSync` of `node:sqlite`. It stays yours to close. */
      readonly client: SqliteClient
    }

/**
 * Opens an SQLite database as a storage, on Bun by `bun:sqlite`, on Deno and Node by `node:sqlite`, and brings its
 * tables to this version. Two connections serve a file, so that no read outside a transaction waits for a writer; any
 * number of processes may share it. A database that is current is left as it is, byte for byte.
 *
 * A lent `client` gets `pragma foreign_keys` and `secure_delete` turned on. Its other users must keep away while a
 * transaction is open, since they would be part of it.
 *
 * @throws {LicensingError} `unavailable`, with the reason in its message, when the file cannot be opened: it is no
 *   database, of a newer version, read-only, locked, or its folder is missing. Nothing is written then.
 *
 * @example
 * ```ts
 * import { sqliteStorage } from 'heartwood/storage/sqlite'
 *
 * const storage = await sqliteStorage({ filename: ':memory:' })
 * await storage.ping()
 * await storage.close()
 * ```
 */
export async function sqliteStorage(options: SqliteOptions): Promise<Storage> {
  const opened: Connection[] = []
  try {
    return await ('client' in options ? overClient(options.client) : overFile(options.filename, opened))
  } catch (error) {
    for (const connection of opened) connection.close()
    throw openFailure(error)
  }
}

async function overClient(client: SqliteClient): Promise<Storage> {
  const connection = lentConnection(client)
  connection.exec('pragma foreign_keys = on; pragma secure_delete = on')
  const db = kyselyOver(connection)
  await migrate(db)
  return storageOver({ writer: db, reader: db, close: () => inTurn(db, () => db.destroy()) })
}

async function overFile(filename: string, opened: Connection[]): Promise<Storage> {
  const connection = await openConnection(filename, { readonly: false })
  opened.push(connection)
  const journal = await prepare(connection, filename)
  const writer = kyselyOver(connection)
  await migrate(writer)
  if (journal !== 'wal')
    return storageOver({ writer, reader: writer, close: () => closeAll(writer, connection) })
  const readOnly = await openConnection(filename, { readonly: true })
  opened.push(readOnly)
  readOnly.exec(`pragma busy_timeout = ${patienceMs}`)
  const reader = kyselyOver(readOnly)
  const close = async (): Promise<void> => {
    await inTurn(reader, () => reader.destroy())
    await closeAll(writer, connection)
  }
  return storageOver({
    writer,
    reader,
    first: firstOf(readOnly),
    erased: () => checkpoint(connection),
    close,
  })
}

/** How long an opening, or a statement of the reader, waits for another process. */
const patienceMs = 5000

/** How long the writer blocks the process before it begins to wait without blocking. */
const shortWaitMs = 20

/** Sets the connection up, and answers the journal mode. Reads first: what is no database of ours is left alone. */
async function prepare(connection: Connection, filename: string): Promise<string> {
  connection.exec(`pragma busy_timeout = ${patienceMs}`)
  connection.first('select count(*) from sqlite_schema', [])
  connection.exec('pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on')
  const journal = filename === ':memory:' ? 'memory' : setJournal(connection)
  connection.exec('begin immediate; rollback')
  connection.exec(`pragma busy_timeout = ${shortWaitMs}`)
  return journal
}

function setJournal(connection: Connection): string {
  const version = connection.first<{ version: string }>('select sqlite_version() as version', [])!.version
  const wanted = hasWalBug(version) ? 'truncate' : 'wal'
  const journal = connection.first<{ journal_mode: string }>(
    `pragma journal_mode = ${wanted}`,
    [],
  )!.journal_mode
  if (journal === wanted) return journal
  throw new LicensingError(
    'unavailable',
    `The database file cannot be used in journal mode ${wanted}, which SQLite ${version} needs for it to be safe`,
  )
}

/** Versions that can corrupt a file in WAL mode when two connections write (https://sqlite.org/wal.html). */
export function hasWalBug(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major !== 3) return major < 3
  if (minor === 44) return patch < 6
  if (minor === 50) return patch < 7
  return minor < 51 || (minor === 51 && patch < 3)
}

function kyselyOver(connection: Connection): Kysely<Database> {
  return new Kysely<Database>({ dialect: new SqliteWriterDialect({ database: connection }) })
}

function firstOf(connection: Connection) {
  return <Entry>(query: CompiledQuery<Entry>, parameters: readonly unknown[]): Entry | undefined =>
    connection.first<Entry>(query.sql, parameters)
}

/** Empties the write-ahead log into the file, as far as other processes let it, so that nothing deleted stays in it. */
function checkpoint(connection: Connection): void {
  connection.exec('pragma busy_timeout = 0')
  connection.first('pragma wal_checkpoint(truncate)', [])
  connection.exec(`pragma busy_timeout = ${shortWaitMs}`)
}

async function closeAll(writer: Kysely<Database>, connection: Connection): Promise<void> {
  await inTurn(writer, async () => checkpoint(connection))
  await writer.destroy()
}

/** Runs `work` once the transaction that is open is over. */
async function inTurn(db: Kysely<Database>, work: () => Promise<void>): Promise<void> {
  await db.connection().execute(async () => {})
  await work()
}
