import { realpathSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { LicensingError } from '../../core/errors.ts'

function isOnDisk(filename: string): boolean {
  return filename !== ':memory:' && !filename.startsWith('file:')
}

/** The name of a database's log (`-wal`). SQLite follows links, and keeps the log beside the file that they lead to. */
export function logOf(filename: string): string {
  try {
    return `${realpathSync(filename)}-wal`
  } catch {
    return `${filename}-wal`
  }
}

/**
 * Creates a database file for its owner alone, because SQLite would leave the mode to the umask. SQLite gives its log the mode
 * of the file. An existing file keeps its mode.
 */
export async function createPrivately(filename: string): Promise<void> {
  if (!isOnDisk(filename)) return
  await open(filename, 'wx', 0o600).then(
    (file) => file.close(),
    () => {},
  )
}

function hasLog(filename: string): boolean {
  try {
    return statSync(logOf(filename)).size > 0
  } catch {
    return false
  }
}

/** The start of the file, which is empty if there is none. `null` if it cannot be read, because SQLite then says why. */
async function headerOf(filename: string): Promise<Uint8Array | null> {
  try {
    const file = await open(filename, 'r')
    const { bytesRead, buffer } = await file.read(new Uint8Array(20), 0, 20, 0).finally(() => file.close())
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Uint8Array() : null
  }
}

/** The place of the journal mode in the header: 1 for a rollback journal, 2 for a write-ahead log. */
const journalPlace = 18

/**
 * Refuses a log that belongs to an earlier file of this name. SQLite would write it into a restored backup and so destroy the
 * backup. A file that has a log is in WAL mode before its log begins.
 *
 * @throws {LicensingError} `unavailable`
 */
export async function requireOwnLog(filename: string): Promise<void> {
  if (!isOnDisk(filename) || !hasLog(filename)) return
  const header = await headerOf(filename)
  if (header?.length === 0)
    throw new LicensingError(
      'unavailable',
      'The database file is missing or empty, but its log (-wal) is there: put the file back, or move the log away',
    )
  // Another process may have ended its log meanwhile.
  if (header?.[journalPlace] !== 1 || !hasLog(filename)) return
  throw new LicensingError(
    'unavailable',
    'The log (-wal) beside the database file belongs to another file: after a restore, move the old -wal and -shm away',
  )
}
