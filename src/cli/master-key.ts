import { getRandomValues } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import process from 'node:process'
import { createSealer } from '../core/runtime/sealer.ts'
import { Refusal } from './refusal.ts'
import { isPostgres, type Settings } from './settings.ts'

/** The master keys, well formed, in base64: the first seals and all open. */
export interface MasterKeys {
  readonly keys: readonly string[]
  /** The file that was made for it just now. */
  readonly made: string | null
  /** What the operator should know; `null` when all is well. */
  readonly warning: string | null
}

/** Where the key of a database is kept unless the environment says otherwise: `heartwood.key` beside `heartwood.db`. */
export function keyFileOf(database: string): string {
  const extension = extname(database)
  const name = basename(database, extension === '.key' ? '' : extension)
  return join(dirname(database), `${name}.key`)
}

/** @throws {Refusal} saying what is wanted, and never what was given. */
async function readKeys(text: string, source: string): Promise<readonly string[]> {
  const keys = text.split(/, */)
  try {
    await createSealer(keys)
    return keys
  } catch (error) {
    throw new Refusal(`${source}: ${(error as Error).message}`, { cause: error })
  }
}

async function readFileOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`
    throw new Refusal(`Master key file ${file}: ${reason}`, { cause })
  }
}

/** Windows keeps no such bits. */
async function warningFor(file: string): Promise<string | null> {
  const { mode } = await stat(file)
  const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0
  return isOpen ? `Master key file ${file} can be read by others: chmod 600 it` : null
}

async function readKeyFile(file: string): Promise<MasterKeys> {
  const text = (await readFileOf(file)).replace(/\r?\n$/, '')
  const keys = await readKeys(text, `Master key file ${file}`)
  return { keys, made: null, warning: await warningFor(file) }
}

/** Puts bytes onto the disk, not only into its cache: a database whose key was lost with the power is lost too. */
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

/** @throws {Refusal} when the file cannot be made. One that another process made meanwhile is used instead. */
async function makeKeyFile(file: string): Promise<MasterKeys> {
  const key = Buffer.from(getRandomValues(new Uint8Array(32))).toString('base64')
  try {
    await writeDurably(file, `${key}\n`)
    return { keys: [key], made: file, warning: null }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return readKeyFile(file)
    throw new Refusal(`Cannot make the master key file ${file} (${code})`, { cause })
  }
}

/**
 * Finds the master key of a database: in the environment, in the file that the environment names, or beside an SQLite
 * file. Makes one only where there is neither key nor file yet, unless `make` says no.
 *
 * @throws {Refusal} when it is malformed, or missing while the database is there. The database is not touched.
 */
export async function findMasterKeys(
  settings: Settings,
  { make = true }: { readonly make?: boolean } = {},
): Promise<MasterKeys> {
  if (settings.masterKey !== undefined) {
    const keys = await readKeys(settings.masterKey, 'HEARTWOOD_MASTER_KEY')
    return { keys, made: null, warning: null }
  }
  if (settings.masterKeyFile !== undefined) return readKeyFile(settings.masterKeyFile)
  if (isPostgres(settings.database))
    throw new Refusal(
      'PostgreSQL needs HEARTWOOD_MASTER_KEY or HEARTWOOD_MASTER_KEY_FILE (openssl rand -base64 32): ' +
        'no key is made for a database that several servers may share',
    )
  const file = keyFileOf(settings.database)
  if (existsSync(file)) return readKeyFile(file)
  if (existsSync(settings.database))
    throw new Refusal(
      `The master key of ${settings.database} is missing: put ${file} back, or set HEARTWOOD_MASTER_KEY`,
    )
  if (make) return makeKeyFile(file)
  throw new Refusal(`There is no master key: put it into ${file}, or set HEARTWOOD_MASTER_KEY`)
}
