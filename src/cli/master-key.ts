import { getRandomValues } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import process from 'node:process'
import { createSealer } from '../core/runtime/sealer.ts'
import { CliError } from './errors.ts'
import { isPostgres, type CliSettings } from './settings.ts'

/** Well-formed master keys in base64. The first one seals; all of them open. */
export interface MasterKeys {
  readonly keys: readonly string[]
  /** The key file that this process has just created, or `null`. */
  readonly created: string | null
  /** A message for the operator, or `null`. */
  readonly warning: string | null
}

/** The default key file of a database: `heartwood.key` beside `heartwood.db`. */
export function keyFileOf(database: string): string {
  const extension = extname(database)
  const name = basename(database, extension === '.key' ? '' : extension)
  return join(dirname(database), `${name}.key`)
}

/** @throws {CliError} that describes a valid key and never repeats the text. */
async function parseKeys(text: string, source: string): Promise<readonly string[]> {
  const keys = text.split(/, */)
  try {
    await createSealer(keys)
    return keys
  } catch (error) {
    throw new CliError(`${source}: ${(error as Error).message}`, { cause: error })
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`
    throw new CliError(`Master key file ${file}: ${reason}`, { cause })
  }
}

/** Windows has no permission bits. */
async function permissionWarning(file: string): Promise<string | null> {
  const { mode } = await stat(file)
  const isExposed = process.platform !== 'win32' && (mode & 0o077) !== 0
  return isExposed ? `Other users can read master key file ${file}: run chmod 600 on it` : null
}

async function readKeyFile(file: string): Promise<MasterKeys> {
  const text = (await readText(file)).replace(/\r?\n$/, '')
  const keys = await parseKeys(text, `Master key file ${file}`)
  return { keys, created: null, warning: await permissionWarning(file) }
}

/** Syncs the file and its folder, because a power cut that loses the key would lose the database too. */
async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (process.platform === 'win32') return
  const folder = await open(dirname(file), 'r')
  await folder.sync().finally(() => folder.close())
}

/** Creates a key file, or reads the one that another process has just created. @throws {CliError} */
async function createKeyFile(file: string): Promise<MasterKeys> {
  const key = Buffer.from(getRandomValues(new Uint8Array(32))).toString('base64')
  try {
    await writeDurably(file, `${key}\n`)
    return { keys: [key], created: file, warning: null }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return readKeyFile(file)
    throw new CliError(`Cannot create the master key file ${file} (${code})`, { cause })
  }
}

/** The key file beside an SQLite file. @throws {CliError} */
async function findKeyFile(database: string, create: boolean): Promise<MasterKeys> {
  const file = keyFileOf(database)
  if (existsSync(file)) return readKeyFile(file)
  if (existsSync(database))
    throw new CliError(
      `The master key of ${database} is missing: put ${file} back, or set HEARTWOOD_MASTER_KEY`,
    )
  if (create) return createKeyFile(file)
  throw new CliError(`There is no master key: put it into ${file}, or set HEARTWOOD_MASTER_KEY`)
}

/**
 * Finds the master keys: in the environment, in the file that the environment names, or beside an SQLite file. Creates a
 * key file if neither a key nor an SQLite file exists, unless `create` is false. Does not touch the database.
 *
 * @throws {CliError} if a key is malformed, or if it is missing.
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
        'so Heartwood creates no key (openssl rand -base64 32 does)',
    )
  return findKeyFile(settings.database, create)
}
