import { randomUUID } from 'node:crypto'
import { constants, copyFile, link, open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'

/** The codes of a file system without hard links, such as exFAT. */
const withoutLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

/** Windows opens no folder as a file. */
async function syncFolderOf(file: string): Promise<void> {
  if (process.platform !== 'win32') await sync(dirname(file))
}

/** Gives the draft its second name. A link never overwrites, and shows no reader a part of the file. */
async function linkDraft(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file)
  } catch (error) {
    if (!withoutLinks.has((error as NodeJS.ErrnoException).code)) throw error
    await copyFile(draft, file, constants.COPYFILE_EXCL)
    await sync(file)
  }
}

async function writeDraft<T>(draft: string, write: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(draft, 'wx', 0o600)
  try {
    const result = await write(handle)
    await handle.sync()
    return result
  } finally {
    await handle.close()
  }
}

/** A complete file and the draft that it was written as. */
export interface Published<T> {
  readonly draft: string
  /** The value that `write` resolved to. */
  readonly result: T
}

/**
 * Creates a file in one step: writes a hidden draft beside it, syncs it, then gives it the file's name. No reader sees a
 * part of the file, and an existing file stays. The draft remains, as a second name. Only the owner can read it.
 *
 * @throws {Error} `EEXIST` if the file exists. After an error no draft is left.
 */
export async function publish<T>(
  file: string,
  write: (handle: FileHandle) => Promise<T>,
): Promise<Published<T>> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
  try {
    const result = await writeDraft(draft, write)
    await linkDraft(draft, file)
    await syncFolderOf(file)
    return { draft, result }
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Creates a file in one step, as {@link publish} does, and removes the draft. */
export async function writeNewFile<T>(file: string, write: (handle: FileHandle) => Promise<T>): Promise<T> {
  const { draft, result } = await publish(file, write)
  await rm(draft, { force: true })
  return result
}

async function draftsOf(file: string): Promise<readonly string[]> {
  const folder = dirname(file)
  const start = `.${basename(file)}.`
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => name.startsWith(start) && uuid.test(name.slice(start.length)))
    .map((name) => join(folder, name))
}

/** True if a draft with the same contents lies beside the file. */
export async function hasDraft(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8')
  for (const draft of await draftsOf(file))
    if ((await readFile(draft, 'utf8').catch(() => null)) === text) return true
  return false
}

/** Removes the drafts of an existing file. A process that still writes one finds the file instead. */
export async function removeDrafts(file: string): Promise<void> {
  for (const draft of await draftsOf(file)) await rm(draft, { force: true })
}
