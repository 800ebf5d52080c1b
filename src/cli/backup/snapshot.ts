import { statSync } from 'node:fs'
import {
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

function read<T>({ database }: CliSettings, work: (snapshot: StorageSnapshot) => Promise<T>): Promise<T> {
  return isPostgres(database) ? readPostgresSnapshot(database, work) : readSqliteSnapshot(database, work)
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}

/** True for an SQLite file with contents, and for every PostgreSQL address. SQLite makes an empty file when it opens one. */
export function databaseExists({ database }: CliSettings): boolean {
  return isPostgres(database) || sizeOf(database) > 0 || sizeOf(`${database}-wal`) > 0
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
