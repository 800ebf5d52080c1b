import { getLogger } from '@logtape/logtape'
import { createLicensing, type Licensing } from '../core/licensing.ts'
import type { LicensingOptions } from '../core/options.ts'
import type { Storage } from '../core/storage/index.ts'
import { memoryStorage } from '../storage/memory.ts'
import { postgresStorage } from '../storage/postgres.ts'
import { sqliteStorage } from '../storage/sqlite.ts'
import { endFirstStart, findMasterKeys, type MasterKeys } from './master-key.ts'
import { databaseExists, existingKeyCheck, noDatabase } from './backup/snapshot.ts'
import { isPostgres, type CliSettings } from './settings.ts'

/** An open database with its licensing. */
export interface OpenDatabase {
  readonly licensing: Licensing
  readonly storage: Storage
  close(): Promise<void>
}

/** The options that a command chooses. The settings give the rest. */
export interface CommandOptions extends Omit<LicensingOptions, 'storage' | 'masterKey' | 'issuer'> {
  /** Tells the user of a file as soon as it is created; by default nobody. */
  readonly announce?: (text: string) => void
  /** True for the server, which acts for the holders of credentials. Every other command acts itself. */
  readonly isServer?: boolean
  /** The keys, if the command has found them already. */
  readonly masterKeys?: MasterKeys
}

const logger = getLogger(['heartwood', 'cli'])

/** @throws {LicensingError} `master_key` unless one of the keys made the check record. */
export async function requireKeys(keyCheck: string, masterKey: readonly string[]): Promise<void> {
  const storage = memoryStorage()
  await storage.claimKeyCheck(keyCheck)
  await createLicensing({ storage, masterKey })
}

/** Checks the master keys against the database without writing or migrating anything. */
async function matchingKeys(
  settings: CliSettings,
  { masterKeys: found, announce }: CommandOptions,
): Promise<readonly string[]> {
  const masterKeys = found ?? (await findMasterKeys(settings))
  const { keys, created, warning } = masterKeys
  if (created !== null)
    announce?.(
      `Created the master key ${created}. Keep a copy of it in another place: without the key, the database is useless.`,
    )
  if (warning !== null) logger.warn('{warning}', { warning })
  const keyCheck = await existingKeyCheck(settings)
  if (keyCheck !== null) await requireKeys(keyCheck, keys)
  return keys
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

/** Writes what licensing batches in memory. A failure loses no more than that. */
async function closeAll(licensing: Licensing, storage: Storage): Promise<void> {
  await licensing
    .flush()
    .catch(() =>
      logger.warn(
        'Could not write statistics, when API keys were last used, and how many events were dropped',
      ),
    )
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
  const { announce, masterKeys: _masterKeys, isServer = false, ...rest } = commandOptions
  const isNew = !databaseExists(settings)
  const masterKey = await matchingKeys(settings, commandOptions)
  const storage = await openStorage(settings.database)
  if (isNew) announce?.(`Created the database ${settings.database}.`)
  const { issuer, queueLimit } = settings
  const webhooks = { ...rest.webhooks, ...(queueLimit !== undefined && { queueLimit }) }
  const options = { ...rest, storage, masterKey, webhooks, ...(issuer !== undefined && { issuer }) }
  const licensing = await openLicensing(options)
  await endFirstStart(settings)
  const acting = isServer ? licensing : licensing.as({ type: 'cli' })
  return { licensing: acting, storage, close: () => closeAll(licensing, storage) }
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
