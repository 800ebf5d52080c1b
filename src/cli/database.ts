import { getLogger } from '@logtape/logtape'
import { existsSync } from 'node:fs'
import { createLicensing, type Licensing, type LicensingOptions } from '../core/licensing.ts'
import type { Storage } from '../core/storage/index.ts'
import { memoryStorage } from '../storage/memory.ts'
import { postgresStorage } from '../storage/postgres.ts'
import { sqliteStorage } from '../storage/sqlite.ts'
import { findMasterKeys, type MasterKeys } from './master-key.ts'
import { existingKeyCheck, noDatabase } from './backup/snapshot.ts'
import { isPostgres, type CliSettings } from './settings.ts'

/** An open database with its licensing. */
export interface OpenDatabase {
  readonly licensing: Licensing
  readonly storage: Storage
  /** The files that opening it has created, by the names in the settings. */
  readonly created: readonly string[]
  close(): Promise<void>
}

/** The options that a command chooses. The settings give the rest. */
export type CommandOptions = Omit<LicensingOptions, 'storage' | 'masterKey' | 'issuer'>

const logger = getLogger(['heartwood', 'cli'])

/** @throws {LicensingError} `master_key` unless one of the keys made the check record. */
export async function requireKeys(keyCheck: string, masterKey: readonly string[]): Promise<void> {
  const storage = memoryStorage()
  await storage.claimKeyCheck(keyCheck)
  await createLicensing({ storage, masterKey })
}

/** Checks the master keys against the database without writing or migrating anything. */
async function matchingKeys(settings: CliSettings): Promise<MasterKeys> {
  const masterKeys = await findMasterKeys(settings)
  if (masterKeys.warning !== null) logger.warn(masterKeys.warning)
  const keyCheck = await existingKeyCheck(settings)
  if (keyCheck !== null) await requireKeys(keyCheck, masterKeys.keys)
  return masterKeys
}

function openStorage(database: string): Promise<Storage> {
  return isPostgres(database)
    ? postgresStorage({ connectionString: database })
    : sqliteStorage({ filename: database })
}

async function openLicensing(options: LicensingOptions): Promise<Licensing> {
  try {
    return await createLicensing(options)
  } catch (error) {
    await options.storage.close()
    throw error
  }
}

/** Writes the last-used times that licensing batches in memory. A failure loses only these times. */
async function closeAll(licensing: Licensing, storage: Storage): Promise<void> {
  await licensing.flush().catch(() => logger.warn('Could not write when API keys were last used'))
  await storage.close()
}

/**
 * Opens the database, and creates an SQLite file and its key if neither exists. The key comes first: it is on the disk
 * before it seals anything. It must match the database before a migration.
 *
 * @throws {CliError} if a key is missing or malformed.
 * @throws {LicensingError} if no key matches (`master_key`), or if the database cannot be used.
 */
export async function openDatabase(
  settings: CliSettings,
  commandOptions: CommandOptions = {},
): Promise<OpenDatabase> {
  const isNew = !isPostgres(settings.database) && !existsSync(settings.database)
  const { keys: masterKey, created } = await matchingKeys(settings)
  const storage = await openStorage(settings.database)
  const options = { ...commandOptions, storage, masterKey }
  const { issuer } = settings
  const licensing = await openLicensing(issuer === undefined ? options : { ...options, issuer })
  return {
    licensing,
    storage,
    created: [...(isNew ? [settings.database] : []), ...(created === null ? [] : [created])],
    close: () => closeAll(licensing, storage),
  }
}

/** Runs `work` on the open database, then closes it in every case. */
export async function withDatabase<T>(
  settings: CliSettings,
  work: (database: OpenDatabase) => Promise<T>,
  options: CommandOptions = {},
): Promise<T> {
  const database = await openDatabase(settings, options)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/**
 * Like {@link withDatabase}, but creates no database: a command that reads or changes records needs an existing one.
 *
 * @throws {CliError} if the database does not exist.
 */
export async function withExistingDatabase<T>(
  settings: CliSettings,
  work: (database: OpenDatabase) => Promise<T>,
  options: CommandOptions = {},
): Promise<T> {
  if ((await existingKeyCheck(settings)) === null) throw noDatabase(settings)
  return withDatabase(settings, work, options)
}
