import { open, type FileHandle } from 'node:fs/promises'
import { LicensingError } from '../../core/errors.ts'

function isOnDisk(filename: string): boolean {
  return filename !== ':memory:' && !filename.startsWith('file:')
}

/** Resolves to `null` if the file cannot be opened. SQLite then says more. */
async function readWith<T>(filename: string, read: (file: FileHandle) => Promise<T>): Promise<T | null> {
  const file = await open(filename, 'r').catch(() => null)
  return file && read(file).finally(() => file.close())
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

async function hasLog(filename: string): Promise<boolean> {
  return ((await readWith(`${filename}-wal`, async (log) => (await log.stat()).size)) ?? 0) > 0
}

/** Byte 18 of the header: 1 for a rollback journal, 2 for a write-ahead log. `null` for an empty or missing file. */
async function journalVersion(filename: string): Promise<number | null> {
  return readWith(filename, async (file) => {
    const { bytesRead, buffer } = await file.read(new Uint8Array(20), 0, 20, 0)
    return bytesRead === 20 ? (buffer[18] ?? null) : null
  })
}

/**
 * Refuses a log that belongs to an earlier file of this name. SQLite would write it into a restored backup and so destroy the
 * backup. A file that has a log is in WAL mode before its log begins.
 *
 * @throws {LicensingError} `unavailable`
 */
export async function requireOwnLog(filename: string): Promise<void> {
  if (!isOnDisk(filename) || !(await hasLog(filename))) return
  const version = await journalVersion(filename)
  if (version === null)
    throw new LicensingError(
      'unavailable',
      'The database file is missing or empty, but its log (-wal) is there: put the file back, or move the log away',
    )
  // Another process may have ended its log meanwhile.
  if (version !== 1 || !(await hasLog(filename))) return
  throw new LicensingError(
    'unavailable',
    'The log (-wal) beside the database file belongs to another file: after a restore, move the old -wal and -shm away',
  )
}
