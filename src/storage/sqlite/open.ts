import { Kysely, type CompiledQuery } from 'kysely'
import { LicensingError } from '../../core/errors.ts'
import type { Storage } from '../../core/storage/index.ts'
import { storageOver } from '../kysely/storage.ts'
import { migrate, type Database } from '../schema.ts'
import { type Connection, lentConnection, openConnection, type SqliteClient } from './connection.ts'
import { PatientSqliteDialect } from './dialect.ts'
import { openFailure } from './open-failure.ts'
import { patiently, patienceMs, shortWaitMs } from './patience.ts'
import { hasWalBug } from './wal-bug.ts'

/** The pages that look-ups pass through, of millions of licenses too; SQLite's own 2 MiB have every second page read anew. */
const cacheKiB = 16_000

type Journal = 'wal' | 'truncate'

/** Opens a file, in the best journal mode that is safe unless one is given. */
export async function openFile(filename: string, journal?: Journal): Promise<Storage> {
  const opened: Connection[] = []
  try {
    const connection = await openConnection(filename, { readonly: false })
    opened.push(connection)
    const hasReader = await prepareFile(connection, filename, journal)
    const writer = kyselyOver(connection)
    await migrate(writer)
    if (!hasReader) return storageOver(alone(writer, connection))
    const readOnly = await openConnection(filename, { readonly: true })
    opened.push(readOnly)
    return storageOver(withReader(writer, connection, readOnly))
  } catch (error) {
    for (const connection of opened.toReversed()) connection.close()
    throw openFailure(error)
  }
}

/** Stands on a connection that somebody else opened and closes. */
export async function openClient(client: SqliteClient): Promise<Storage> {
  try {
    const connection = lentConnection(client)
    connection.exec('pragma foreign_keys = on; pragma secure_delete = on')
    const db = kyselyOver(connection)
    await migrate(db)
    return storageOver({ writer: db, reader: db, close: () => turnOf(db) })
  } catch (error) {
    throw openFailure(error)
  }
}

/**
 * Sets a connection up; answers whether a second one can read beside it. It reads before it writes, so that what is no
 * database is left as it is, and begins to write before anything is promised, so that a read-only file is found out now.
 */
async function prepareFile(connection: Connection, filename: string, journal?: Journal): Promise<boolean> {
  connection.exec(`pragma busy_timeout = ${shortWaitMs}`)
  await patiently(() => connection.first('select count(*) from sqlite_schema', []))
  connection.exec('pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on')
  connection.exec(`pragma cache_size = -${cacheKiB}`)
  if (filename === ':memory:') return false
  const wanted = journal ?? safeJournal(connection)
  await patiently(() => setJournal(connection, wanted))
  // By a statement of its own: the errors of `exec` bear no code on Deno.
  await patiently(() => connection.prepare('begin immediate').run([]))
  // To begin is not enough: on a read-only file SQLite begins to read instead.
  connection.prepare('pragma user_version = 0').run([])
  connection.exec('rollback')
  return wanted === 'wal'
}

function safeJournal(connection: Connection): Journal {
  const row = connection.first<{ version: string }>('select sqlite_version() as version', [])
  return hasWalBug(row!.version) ? 'truncate' : 'wal'
}

function setJournal(connection: Connection, wanted: Journal): void {
  const row = connection.first<{ journal_mode: string }>(`pragma journal_mode = ${wanted}`, [])
  if (row?.journal_mode === wanted) return
  throw new LicensingError('unavailable', `The database file does not take the journal mode ${wanted}`)
}

function kyselyOver(connection: Connection): Kysely<Database> {
  return new Kysely<Database>({ dialect: new PatientSqliteDialect({ database: connection }) })
}

/** One connection for all. */
function alone(writer: Kysely<Database>, connection: Connection): Parameters<typeof storageOver>[0] {
  return {
    writer,
    reader: writer,
    close: () => closeLast(writer, connection),
    erased: () => checkpointInTurn(writer, connection),
  }
}

/** One connection that writes, one that reads. */
function withReader(
  writer: Kysely<Database>,
  connection: Connection,
  readOnly: Connection,
): Parameters<typeof storageOver>[0] {
  readOnly.exec(`pragma busy_timeout = ${patienceMs}; pragma cache_size = -${cacheKiB}`)
  const reader = kyselyOver(readOnly)
  return {
    writer,
    reader,
    first: <Entry>(query: CompiledQuery<Entry>, parameters: readonly unknown[]) =>
      readOnly.first<Entry>(query.sql, parameters),
    erased: () => checkpointInTurn(writer, connection),
    close: async () => {
      await turnOf(writer)
      await turnOf(reader)
      readOnly.close()
      await closeLast(writer, connection)
    },
  }
}

async function closeLast(db: Kysely<Database>, connection: Connection): Promise<void> {
  await turnOf(db)
  checkpoint(connection)
  connection.close()
}

/** What was asked for is committed by now, so a checkpoint that fails must not make it look undone. */
async function checkpointInTurn(writer: Kysely<Database>, connection: Connection): Promise<void> {
  await writer.connection().execute(async () => {
    try {
      checkpoint(connection)
    } catch {
      // The next one, or closing, takes what this one left.
    }
  })
}

/** Resolves once the transaction that is open is over. */
async function turnOf(db: Kysely<Database>): Promise<void> {
  await db.connection().execute(async () => {})
}

/** Empties the write-ahead log into the file, as far as others let it at once, so that nothing deleted stays in it. */
function checkpoint(connection: Connection): void {
  connection.exec('pragma busy_timeout = 0')
  connection.first('pragma wal_checkpoint(truncate)', [])
  connection.exec(`pragma busy_timeout = ${shortWaitMs}`)
}
