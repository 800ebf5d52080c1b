import { stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import process from 'node:process'
import { createSealer } from '../core/runtime/sealer.ts'
import { databaseExists } from './backup/snapshot.ts'
import { CliError, codeOf } from './errors.ts'
import { hasDraft, publish, removeDrafts } from './new-file.ts'
import { newMasterKey } from './new-master-key.ts'
import { isPostgres, type CliSettings } from './settings.ts'
import { readTextFile } from './text-file.ts'

/** Well-formed master keys in base64. The first one seals; all of them open. */
export interface MasterKeys {
  readonly keys: readonly string[]
  /** The key file that this process has just created, or `null`. */
  readonly created: string | null
  /** A message for the operator, or `null`. */
  readonly warning: string | null
}

/** The default key file of a database: `heartwood.key` beside `heartwood.db`. */
function keyFileOf(database: string): string {
  const extension = extname(database)
  const name = basename(database, extension === '.key' ? '' : extension)
  return join(dirname(database), `${name}.key`)
}

/** @throws {CliError} that describes a valid key and never repeats the text. */
async function parseKeys(text: string, source: string): Promise<readonly string[]> {
  const keys = text.split(/\s*,\s*/)
  try {
    await createSealer(keys)
    return keys
  } catch (error) {
    throw new CliError(`${source}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Windows has no permission bits. A credential of systemd shows the rights of its one reader as those of a group
 * (systemd.exec(5), LoadCredential=).
 */
async function permissionWarning(file: string): Promise<string | null> {
  const { mode } = await stat(file)
  const isCredential = dirname(file) === process.env['CREDENTIALS_DIRECTORY']
  const isExposed = process.platform !== 'win32' && (mode & (isCredential ? 0o007 : 0o077)) !== 0
  return isExposed ? `Other users can read master key file ${file}: run chmod 600 on it` : null
}

async function readKeyFile(file: string): Promise<MasterKeys> {
  const text = await readTextFile('Master key file', file)
  if (text === '')
    throw new CliError(
      `Master key file ${file} is empty: put the key back, or delete the file if it never held one`,
    )
  const keys = await parseKeys(text, `Master key file ${file}`)
  return { keys, created: null, warning: await permissionWarning(file) }
}

/** Creates a key file, or reads the one that another process has just created. @throws {CliError} */
async function createKeyFile(file: string): Promise<MasterKeys> {
  const key = newMasterKey()
  try {
    await publish(file, (handle) => handle.writeFile(`${key}\n`))
    return { keys: [key], created: file, warning: null }
  } catch (cause) {
    const code = codeOf(cause)
    // Another process that has created the file removes drafts.
    if (code === 'EEXIST' || existsSync(file)) return readKeyFile(file)
    throw new CliError(`Cannot create the master key file ${file} (${code})`, { cause })
  }
}

/** True if a start was interrupted between the key and the database, or runs now. */
async function isFirstStart(file: string, settings: CliSettings): Promise<boolean> {
  // The start that creates the database then removes its draft, so this order misses neither.
  return (await hasDraft(file)) || databaseExists(settings)
}

/** Reads the key file beside an SQLite file. @throws {CliError} if the database is lost. */
async function readOwnKeyFile(file: string, settings: CliSettings): Promise<MasterKeys> {
  const masterKeys = await readKeyFile(file)
  if (databaseExists(settings) || (await isFirstStart(file, settings))) return masterKeys
  const { database } = settings
  throw new CliError(
    `There is a master key ${file}, but no database ${database}: put the database back, or set HEARTWOOD_DATABASE to its name. ` +
      `For a new database under this key, set HEARTWOOD_MASTER_KEY_FILE=${file}`,
  )
}

/** The key file beside an SQLite file. @throws {CliError} */
async function findKeyFile(settings: CliSettings, create: boolean): Promise<MasterKeys> {
  const { database } = settings
  const file = keyFileOf(database)
  if (existsSync(file)) return create ? readOwnKeyFile(file, settings) : readKeyFile(file)
  if (databaseExists(settings)) {
    // Another process may have created both meanwhile.
    if (existsSync(file)) return readKeyFile(file)
    throw new CliError(
      `The master key of ${database} is missing: put ${file} back, or set HEARTWOOD_MASTER_KEY`,
    )
  }
  if (create) return createKeyFile(file)
  throw new CliError(`There is no master key: put it into ${file}, or set HEARTWOOD_MASTER_KEY`)
}

/** True if a command reads or creates the key file beside the SQLite file. */
function usesOwnKeyFile({ database, masterKey, masterKeyFile }: CliSettings): boolean {
  return masterKey === undefined && masterKeyFile === undefined && !isPostgres(database)
}

/** Ends a first start: from now on, the key file alone means that its database is lost. */
export async function endFirstStart(settings: CliSettings): Promise<void> {
  // A folder that takes no changes holds no draft of ours.
  if (usesOwnKeyFile(settings)) await removeDrafts(keyFileOf(settings.database)).catch(() => {})
}

/**
 * Finds the master keys: in the environment, in the file that the environment names, or beside an SQLite file. Creates a
 * key file if neither a key nor an SQLite file exists, unless `create` is false. Does not touch the database.
 *
 * @throws {CliError} if a key is malformed or missing, or if a key file is there and its database is lost.
 */
export async function findMasterKeys(
  settings: CliSettings,
  { create = true }: { readonly create?: boolean } = {},
): Promise<MasterKeys> {
  if (settings.masterKey !== undefined) {
    const keys = await parseKeys(settings.masterKey, 'HEARTWOOD_MASTER_KEY')
    return { keys, created: null, warning: null }
  }
  if (settings.masterKeyFile !== undefined) return readKeyFile(settings.masterKeyFile)
  if (isPostgres(settings.database))
    throw new CliError(
      'PostgreSQL needs HEARTWOOD_MASTER_KEY or HEARTWOOD_MASTER_KEY_FILE: several servers may share the database, ' +
        'so Heartwood creates no key (heartwood secret prints one)',
    )
  return findKeyFile(settings, create)
}
