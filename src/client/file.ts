/**
 * Keeps a license in a file, for programs on Bun, Deno and Node.
 *
 * @module
 */
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { LicenseStore } from './store.ts'
import { later } from './timer.ts'

/** A refresh gives up after ten seconds, so a program that died left an older lock. In milliseconds. */
const staleAfter = 15_000
const retryPause = 50
/** Half a minute of tries. A lock only saves requests, so after that the client goes without. */
const maxTries = 600

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/** In bytes. The longest record is shorter. */
const maxLength = 1024 * 1024

/** Counts while it reads, because a device states no size. */
async function readWhole(file: FileHandle): Promise<string> {
  const bytes = new Uint8Array(maxLength + 1)
  for (let length = 0; ;) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length)
    length += bytesRead
    if (length > maxLength)
      throw new TypeError('The license file is longer than 1 MiB, so it holds no license')
    if (bytesRead === 0) return new TextDecoder().decode(bytes.subarray(0, length))
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    const file = await open(path)
    return await readWhole(file).finally(() => file.close())
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

async function create(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Errors of a full or faulty disk: to write over the file would destroy it. */
const diskErrors: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']

/** For a file that is mounted by itself, for example into a container: nothing can be renamed over it. */
async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.writeFile(text)
    await file.truncate(new TextEncoder().encode(text).length)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await replace(path, text)
  } catch (error) {
    if (diskErrors.some((code) => hasCode(error, code))) throw error
    await overwrite(path, text)
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

/** True if the lock is ours now. Removes a stale lock, so that the next try gets it. */
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
  for (let tries = 0; tries < maxTries; tries += 1) {
    if (signal?.aborted === true) return false
    if (await tryLock(lock)) return true
    // `later` keeps no program alive that has nothing else to do.
    await new Promise<void>((resolve) => later(resolve, retryPause))
  }
  return false
}

async function locked<T>(lock: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  // If no lock can be made, nothing can be written either. The client finds that out and reports it.
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
 * Keeps the license in the file at `path`, with mode 0600. It writes a new file beside it and renames that, so that the
 * license is replaced whole or not at all. Only a file that cannot be renamed over, such as a mounted one, is overwritten in
 * place. It makes folders as needed. A file longer than 1 MiB makes `read` reject. Processes that share the file refresh one at a time,
 * by a lock file beside it.
 *
 * @throws {TypeError} if `path` is empty or no string.
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
  if (typeof path !== 'string' || path === '') throw new TypeError('path must be the name of a file')
  return {
    read: () => readText(path),
    write: (text) => write(path, text),
    alone: (work, signal) => locked(`${path}.lock`, work, signal),
  }
}
