import { getLogger } from '@logtape/logtape'
import { existsSync } from 'node:fs'
import { createLicensing, type Licensing } from '../core/licensing.ts'
import type { Storage } from '../core/storage.ts'
import { sqliteStorage } from '../storage/sqlite.ts'
import { findMasterKeys } from './master-key.ts'
import { Refusal } from './refusal.ts'
import type { Settings } from './settings.ts'

/** A database that is open, with licensing over it. */
export interface OpenDatabase {
  readonly licensing: Licensing
  /** The files that had to be made, as they were named. */
  readonly made: readonly string[]
  close(): Promise<void>
}

/** @throws {Refusal} unless the database is there already. */
export function requireDatabase({ database }: Settings): void {
  if (!existsSync(database))
    throw new Refusal(`There is no database ${database}: heartwood serve or heartwood migrate makes one`)
}

async function licensingOver(storage: Storage, settings: Settings, masterKey: readonly string[]) {
  try {
    const { issuer } = settings
    return await createLicensing({ storage, masterKey, ...(issuer !== undefined && { issuer }) })
  } catch (error) {
    await storage.close()
    throw error
  }
}

/**
 * Opens the database, making it and its key where there is neither. The key comes first: it is on the disk before
 * anything is sealed with it.
 *
 * @throws {Refusal} @throws {LicensingError} for a key that is missing, malformed or wrong, or a file that cannot be used.
 */
export async function openDatabase(settings: Settings): Promise<OpenDatabase> {
  const isNew = !existsSync(settings.database)
  const { keys, made, warning } = await findMasterKeys(settings)
  if (warning !== null) getLogger(['heartwood', 'cli']).warn(warning)
  const storage = await sqliteStorage({ filename: settings.database })
  return {
    licensing: await licensingOver(storage, settings, keys),
    made: [...(isNew ? [settings.database] : []), ...(made === null ? [] : [made])],
    close: () => storage.close(),
  }
}

/** Runs `work` on the open database and closes it whatever happens. */
export async function withDatabase<T>(
  settings: Settings,
  work: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(settings)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
