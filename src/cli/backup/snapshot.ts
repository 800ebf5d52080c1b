import { statSync, type Stats } from 'node:fs'
import type { Storage, StorageSession } from '../../core/storage/index.ts'
import {
  logOf,
  readPostgresSnapshot,
  readSqliteSnapshot,
  type Snapshot as StorageSnapshot,
} from '../../storage/snapshot.ts'
import { CliError } from '../errors.ts'
import { isPostgres, shownDatabase, type CliSettings } from '../settings.ts'

/** A database as of one moment. Nothing done with it can change the database. */
export interface Snapshot extends Pick<StorageSnapshot, 'session' | 'faults'> {
  /** The check record of the master key. */
  readonly keyCheck: string
}

/** A storage over a snapshot. Only reads work on it. */
export function storageOf({ session, keyCheck }: Pick<Snapshot, 'session' | 'keyCheck'>): Storage {
  // A session may be an instance of a class, so a spread would lose its verbs.
  return Object.assign(Object.create(session) as StorageSession, {
    claimKeyCheck: async () => keyCheck,
    transaction: <T>(work: (tx: StorageSession) => Promise<T>) => work(session),
    ping: async () => {},
    close: async () => {},
  })
}

function read<T>({ database }: CliSettings, work: (snapshot: StorageSnapshot) => Promise<T>): Promise<T> {
  return isPostgres(database) ? readPostgresSnapshot(database, work) : readSqliteSnapshot(database, work)
}

function statOf(file: string): Stats | null {
  try {
    return statSync(file)
  } catch {
    return null
  }
}

/**
 * True for an SQLite file with contents, and for every PostgreSQL address. SQLite makes an empty file when it opens one.
 *
 * @throws {CliError} for a folder: Docker makes one in place of a file that it is told to mount and that is missing.
 */
export function databaseExists({ database }: CliSettings): boolean {
  if (isPostgres(database)) return true
  const found = statOf(database)
  if (found?.isDirectory() === true) throw new CliError(`The database ${database} is a folder: name a file`)
  return (found?.size ?? 0) > 0 || (statOf(logOf(database))?.size ?? 0) > 0
}

/** The check record of a database; `null` if Heartwood has never used it. Neither migrates nor writes. */
export async function existingKeyCheck(settings: CliSettings): Promise<string | null> {
  return databaseExists(settings) ? read(settings, async ({ keyCheck }) => keyCheck) : null
}

/** The error for a command that needs an existing database. */
export function noDatabase({ database }: CliSettings): CliError {
  const name = shownDatabase(database)
  return new CliError(`There is no database ${name}: heartwood serve or heartwood migrate creates one`)
}

/**
 * Shows `work` a database as of one moment, while others may write to it. Neither migrates nor writes.
 *
 * @throws {CliError} if there is no database, or if it is at an older version.
 * @throws {LicensingError} if it cannot be read.
 */
export async function withSnapshot<T>(
  settings: CliSettings,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  if (!databaseExists(settings)) throw noDatabase(settings)
  return read(settings, async (snapshot) => {
    const { session, keyCheck } = snapshot
    if (keyCheck === null) throw noDatabase(settings)
    if (await snapshot.isCurrent()) return work({ session, keyCheck, faults: () => snapshot.faults() })
    const name = shownDatabase(settings.database)
    throw new CliError(`${name} is at an older version: run heartwood migrate to upgrade it`)
  })
}
