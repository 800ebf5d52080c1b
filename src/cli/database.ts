import { getLogger } from '@logtape/logtape'
import { existsSync } from 'node:fs'
import { createLicensing, type Licensing, type LicensingOptions } from '../core/licensing.ts'
import type { Storage } from '../core/storage/index.ts'
import { memoryStorage } from '../storage/memory.ts'
import { postgresStorage } from '../storage/postgres.ts'
import { sqliteStorage } from '../storage/sqlite.ts'
import { findMasterKeys, type MasterKeys } from './master-key.ts'
import { noDatabase, standingKeyCheck } from './backup/snapshot.ts'
import { isPostgres, type Settings } from './settings.ts'

/** A database that is open, with licensing over it. */
export interface OpenDatabase {
  readonly licensing: Licensing
  readonly storage: Storage
  /** The files that had to be made, as they were named. */
  readonly made: readonly string[]
  close(): Promise<void>
}

/** What a command may want of licensing; the rest is in the settings. */
export type LicensingWishes = Omit<LicensingOptions, 'storage' | 'masterKey' | 'issuer'>

const logger = getLogger(['heartwood', 'cli'])

/** @throws {LicensingError} `master_key` unless one of the keys made the check record. */
export async function requireKeys(keyCheck: string, masterKey: readonly string[]): Promise<void> {
  const storage = memoryStorage()
  await storage.claimKeyCheck(keyCheck)
  await createLicensing({ storage, masterKey })
}

/** The master keys of the settings, once they are known to open the database. Writes and migrates nothing. */
async function fittingKeys(settings: Settings): Promise<MasterKeys> {
  const masterKeys = await findMasterKeys(settings)
  if (masterKeys.warning !== null) logger.warn(masterKeys.warning)
  const keyCheck = await standingKeyCheck(settings)
  if (keyCheck !== null) await requireKeys(keyCheck, masterKeys.keys)
  return masterKeys
}

function openStorage(database: string): Promise<Storage> {
  return isPostgres(database)
    ? postgresStorage({ connectionString: database })
    : sqliteStorage({ filename: database })
}

async function licensingOver(storage: Storage, options: Omit<LicensingOptions, 'storage'>) {
  try {
    return await createLicensing({ ...options, storage })
  } catch (error) {
    await storage.close()
    throw error
  }
}

/** What is batched in memory is written before the storage goes; where that fails, nothing of worth is lost. */
async function closeAll(licensing: Licensing, storage: Storage): Promise<void> {
  await licensing.flush().catch(() => logger.warn('When API keys were last used could not be written'))
  await storage.close()
}

/**
 * Opens the database, making an SQLite file and its key where there is neither. The key comes first: it is on the disk
 * before anything is sealed with it, and is held against the database before that is migrated.
 *
 * @throws {Refusal} @throws {LicensingError} for a key that is missing, malformed or wrong, or a database that cannot be used.
 */
export async function openDatabase(settings: Settings, wishes: LicensingWishes = {}): Promise<OpenDatabase> {
  const isNew = !isPostgres(settings.database) && !existsSync(settings.database)
  const { keys, made } = await fittingKeys(settings)
  const storage = await openStorage(settings.database)
  const { issuer } = settings
  const options = { ...wishes, masterKey: keys, ...(issuer !== undefined && { issuer }) }
  const licensing = await licensingOver(storage, options)
  return {
    licensing,
    storage,
    made: [...(isNew ? [settings.database] : []), ...(made === null ? [] : [made])],
    close: () => closeAll(licensing, storage),
  }
}

/** Runs `work` on the open database and closes it whatever happens. */
export async function withDatabase<T>(
  settings: Settings,
  work: (database: OpenDatabase) => Promise<T>,
  wishes: LicensingWishes = {},
): Promise<T> {
  const database = await openDatabase(settings, wishes)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/**
 * The same on a database that is there already: what is asked of records can mean no other, and none is made.
 *
 * @throws {Refusal} when it is not there.
 */
export async function withStandingDatabase<T>(
  settings: Settings,
  work: (database: OpenDatabase) => Promise<T>,
  wishes: LicensingWishes = {},
): Promise<T> {
  if ((await standingKeyCheck(settings)) === null) throw noDatabase(settings)
  return withDatabase(settings, work, wishes)
}
