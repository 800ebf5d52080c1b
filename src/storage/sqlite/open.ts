import type { CompiledQuery, Kysely } from 'kysely'
import { LicensingError } from '../../core/errors.ts'
import type { Storage } from '../../core/storage/index.ts'
import { toOpenError } from '../errors.ts'
import type { Connections, DirectConnection, ImmediateConnection, WriteLog } from '../kysely/connections.ts'
import { KyselyStorage } from '../kysely/storage.ts'
import { migrate, type Database } from '../schema.ts'
import { CommitQueue } from './commit-queue.ts'
import { type Connection, lentConnection, openConnection, type SqliteClient } from './connection.ts'
import { kyselyOver } from './dialect.ts'
import { blockingWaitMs, lockWaitMs, retryWhileLocked } from './lock.ts'
import { createPrivately, requireOwnLog } from './disk-file.ts'
import { regularTurns, sharedTurns, turn } from './turn.ts'
import { hasWalBug } from './wal-bug.ts'

/**
 * Holds the index pages that look-ups pass through, even for millions of licenses. With SQLite's own 2 MiB, every second
 * page is read anew.
 */
const cacheKiB = 16_000

/**
 * Pages in the log from which a commit moves them into the file, which keeps the event loop. With SQLite's own 1,000, such a
 * commit takes up to four times as long. A quiet server writes as much either way.
 */
const checkpointPages = 250

type Journal = 'wal' | 'truncate'

/** Opens a file in the given journal mode, or in the best mode that is safe. */
export async function openFile(filename: string, journal?: Journal): Promise<Storage> {
  const opened: Connection[] = []
  try {
    await requireOwnLog(filename)
    await createPrivately(filename)
    const connection = await openConnection(filename, { readonly: false })
    opened.push(connection)
    const hasReader = await prepareFile(connection, filename, journal)
    const writer = kyselyOver(connection)
    await migrate(writer)
    if (!hasReader) return new KyselyStorage(oneConnection(writer, connection))
    const readOnly = await openConnection(filename, { readonly: true })
    opened.push(readOnly)
    return new KyselyStorage(withReader(writer, connection, readOnly))
  } catch (error) {
    for (const connection of opened.toReversed()) connection.close()
    throw toOpenError(error)
  }
}

/** Uses a connection that a host has opened and will close. */
export async function openClient(client: SqliteClient): Promise<Storage> {
  try {
    const connection = lentConnection(client)
    connection.exec('pragma foreign_keys = on; pragma secure_delete = on')
    const db = kyselyOver(connection)
    await migrate(db)
    return new KyselyStorage({ writer: db, reader: db, close: () => lastTransactionOf(db) })
  } catch (error) {
    throw toOpenError(error)
  }
}

/**
 * Sets a connection up. Resolves to `true` if a second connection can read beside it.
 *
 * It reads before it writes, so that a file which is no database stays unchanged. It writes before it resolves, so that
 * opening a read-only file fails.
 */
async function prepareFile(connection: Connection, filename: string, journal?: Journal): Promise<boolean> {
  connection.exec(`pragma busy_timeout = ${blockingWaitMs}`)
  await retryWhileLocked(() => connection.first('select count(*) from sqlite_schema', []))
  connection.exec('pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on')
  connection.exec(`pragma cache_size = -${cacheKiB}; ${moveLogFrom(checkpointPages)}`)
  if (filename === ':memory:') return false
  const wanted = journal ?? safeJournal(connection)
  await retryWhileLocked(() => setJournal(connection, wanted))
  // A statement of its own, because errors of `exec` have no code on Deno.
  await retryWhileLocked(() => connection.prepare('begin immediate').run([]))
  // On a read-only file, `begin immediate` succeeds as a read.
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

function oneConnection(writer: Kysely<Database>, connection: Connection): Connections {
  return {
    writer,
    reader: writer,
    commits: new CommitQueue(writer, connection),
    direct: directConnection(connection),
    giveWay: regularTurns(),
    secretErased: () => checkpointInTurn(writer, connection),
    log: writeLog(writer, connection),
    close: () => closeLast(writer, connection),
  }
}

/** One connection writes, the other reads. */
function withReader(writer: Kysely<Database>, connection: Connection, readOnly: Connection): Connections {
  readOnly.exec(`pragma busy_timeout = ${lockWaitMs}; pragma cache_size = -${cacheKiB}`)
  const reader = kyselyOver(readOnly)
  return {
    writer,
    reader,
    commits: new CommitQueue(writer, connection),
    direct: directConnection(connection),
    giveWay: regularTurns(),
    giveTurn: sharedTurns(),
    immediate: immediateConnection(readOnly),
    secretErased: () => checkpointInTurn(writer, connection),
    log: writeLog(writer, connection),
    close: async () => {
      await lastTransactionOf(writer)
      await lastTransactionOf(reader)
      readOnly.close()
      await closeLast(writer, connection)
    },
  }
}

const moveLogFrom = (pages: number): string => `pragma wal_autocheckpoint = ${pages}`

/** Zero pages let no commit move the log. */
function writeLog(writer: Kysely<Database>, connection: Connection): WriteLog {
  return {
    hold: () => connection.exec(moveLogFrom(0)),
    giveWay: turn,
    move: async () => {
      await turn()
      await writer.connection().execute(async () => moveLog(connection))
    },
  }
}

function moveLog(connection: Connection): void {
  try {
    connection.first('pragma wal_checkpoint(passive)', [])
  } catch {
    // On a full disk, the log keeps the changes.
  } finally {
    connection.exec(moveLogFrom(checkpointPages))
  }
}

function immediateConnection(connection: Connection): ImmediateConnection {
  return {
    first: <Row>({ sql }: CompiledQuery<Row>, parameters: readonly unknown[]) =>
      connection.first<Row>(sql, parameters),
    all: <Row>({ sql }: CompiledQuery<Row>, parameters: readonly unknown[]) =>
      connection.prepare(sql).all(parameters) as Row[],
    version: () =>
      connection.first<{ readonly data_version: number }>('pragma data_version', [])!.data_version,
    begin: () => void connection.prepare('begin').run([]),
    end: () => void connection.prepare('commit').run([]),
  }
}

/** The commit queue has one writer at a time, and each step here ends before anybody else has a turn. */
function directConnection(connection: Connection): DirectConnection {
  const run = (sql: string, values: readonly unknown[] = []): number =>
    Number(connection.prepare(sql).run(values).changes)
  return {
    first: <Row>({ sql }: CompiledQuery<Row>, parameters: readonly unknown[]) =>
      connection.prepare(sql).all(parameters)[0] as Row | undefined,
    run: ({ sql }, parameters) => run(sql, parameters),
    atomically: async (work) => {
      // Only the begin can meet a lock, so nothing runs twice.
      const step = () => {
        run('begin immediate')
        try {
          const result = work()
          run('commit')
          return result
        } catch (error) {
          rollBack(connection)
          throw error
        }
      }
      return retryWhileLocked(step)
    },
  }
}

/** On a full disk, SQLite rolls back by itself. Then this must not hide the error of the full disk. */
function rollBack(connection: Connection): void {
  try {
    connection.prepare('rollback').run([])
  } catch (error) {
    if (!(error instanceof Error && /no transaction is active/.test(error.message))) throw error
  }
}

async function closeLast(db: Kysely<Database>, connection: Connection): Promise<void> {
  await lastTransactionOf(db)
  checkpoint(connection)
  connection.close()
}

async function checkpointInTurn(writer: Kysely<Database>, connection: Connection): Promise<void> {
  await writer.connection().execute(async () => checkpoint(connection))
}

/** Resolves once the open transaction is over. */
async function lastTransactionOf(db: Kysely<Database>): Promise<void> {
  await db.connection().execute(async () => {})
}

/**
 * Moves the write-ahead log into the file and empties it, so that no deleted text stays in the log. It does not wait for
 * other connections.
 *
 * All changes are committed at this point, so a checkpoint that fails must not look like a failed change. The next one does
 * its work.
 */
function checkpoint(connection: Connection): void {
  try {
    connection.exec('pragma busy_timeout = 0')
    connection.first('pragma wal_checkpoint(truncate)', [])
  } catch {
    // On a full disk, the log keeps the changes.
  } finally {
    connection.exec(`pragma busy_timeout = ${blockingWaitMs}`)
  }
}
