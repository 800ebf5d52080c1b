/**
 * Keeps a license in a file, for programs on Bun, Deno and Node.
 *
 * @module
 */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { LicenseStore } from './store.ts'
import { later } from './timer.ts'

/** A refresh gives up after ten seconds, so a lock older than this was left by a program that died, in milliseconds. */
const staleAfter = 15_000
const askAgain = 50
/** How often to ask: for half a minute. A lock only saves requests, so after that it goes without. */
const mostTries = 600

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

/** Creates a file that was not there, for its owner alone. */
async function create(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.${crypto.randomUUID()}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    await create(fresh, text)
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

/** Whether the lock is ours now. One that was left behind is taken away; then the next try gets it. */
async function tryLock(lock: string): Promise<boolean> {
  try {
    await create(lock, '')
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() }))
    if (Math.abs(Date.now() - mtimeMs) > staleAfter) await rm(lock, { force: true })
    return false
  }
}

async function waitForLock(lock: string, signal?: AbortSignal): Promise<boolean> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    if (signal?.aborted === true) return false
    if (await tryLock(lock)) return true
    // A program with nothing else to do is not to wait for this.
    await new Promise<void>((resolve) => later(resolve, askAgain))
  }
  return false
}

async function locked<T>(lock: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  // Where no lock can be made nothing can be written either, which the client finds out and says.
  const isOurs = await mkdir(dirname(lock), { recursive: true })
    .then(() => waitForLock(lock, signal))
    .catch(() => false)
  try {
    return await work()
  } finally {
    if (isOurs) await rm(lock, { force: true })
  }
}

/**
 * Keeps the license in the file at `path`: written beside it and renamed (whole or not at all), mode 0600, folders made as
 * needed. Processes that share the file refresh one at a time, by a lock file beside it.
 *
 * @example
 * ```ts
 * import { createLicenseClient } from 'heartwood/client'
 * import { fileStore } from 'heartwood/client/file'
 *
 * export async function open(publicKeys: string): Promise<boolean> {
 *   const store = fileStore('/home/ada/.config/desktop-app/license.json')
 *   const baseUrl = 'https://licenses.example.com'
 *   const client = await createLicenseClient({ baseUrl, app: 'desktop-app', publicKeys, store })
 *   return client.license.has('webhooks')
 * }
 * ```
 */
export function fileStore(path: string): LicenseStore {
  return {
    read: () => readText(path),
    write: (text) => replace(path, text),
    alone: (work, signal) => locked(`${path}.lock`, work, signal),
  }
}
