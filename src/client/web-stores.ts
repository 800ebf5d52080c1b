import type { LicenseStore } from './store.ts'
import { later } from './timer.ts'

// A server's type libraries know nothing of browsers, so the parts in use are spelled out.
interface LockManager {
  request<T>(name: string, options: { signal?: AbortSignal }, work: () => Promise<T>): Promise<T>
}

interface StorageArea {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

interface Request<T> {
  readonly result: T
  readonly error: unknown
  addEventListener(type: 'success' | 'error' | 'upgradeneeded', listener: () => void): void
}

interface ObjectStore {
  get(key: string): Request<unknown>
  put(value: unknown, key: string): Request<unknown>
}

interface Transaction {
  readonly error: unknown
  addEventListener(type: 'complete' | 'abort', listener: () => void): void
  objectStore(name: string): ObjectStore
}

interface Database {
  transaction(name: string, mode: 'readonly' | 'readwrite'): Transaction
  createObjectStore(name: string): unknown
  close(): void
}

interface Browser {
  readonly navigator?: { readonly locks?: LockManager }
  readonly localStorage: StorageArea
  readonly indexedDB: { open(name: string, version: number): Request<Database> }
  addEventListener(type: 'storage', listener: (event: { readonly key: string | null }) => void): void
  removeEventListener(type: 'storage', listener: (event: { readonly key: string | null }) => void): void
}

const browser = globalThis as unknown as Browser
const defaultName = 'heartwood-license'

function aloneInTabs<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const options = signal === undefined ? {} : { signal }
  return browser.navigator?.locks?.request(name, options, work) ?? work()
}

/** A lock that was free is granted within this time, in milliseconds. */
const grantTime = 20
const arrivalTime = 300

/** Another tab's write to `localStorage` arrives a moment after its lock does. If we had to wait, we wait for that too. */
function afterOthers<T>(work: () => Promise<T>): () => Promise<T> {
  const asked = Date.now()
  return async () => {
    if (Date.now() - asked > grantTime) await new Promise<void>((resolve) => later(resolve, arrivalTime))
    return work()
  }
}

/**
 * Keeps the license in `localStorage` under `key`, shared by all tabs of an origin. With Web Locks one tab refreshes at a
 * time.
 *
 * @example
 * ```ts
 * import { createLicenseClient, localStorageStore } from 'heartwood/client'
 *
 * export async function open(publicKeys: string): Promise<boolean> {
 *   const store = localStorageStore('desktop-app-license')
 *   const baseUrl = 'https://licenses.example.com'
 *   const client = await createLicenseClient({ baseUrl, app: 'desktop-app', publicKeys, store })
 *   return client.license.has('webhooks')
 * }
 * ```
 */
export function localStorageStore(key: string = defaultName): LicenseStore {
  return {
    read: async () => browser.localStorage.getItem(key),
    write: async (text) => browser.localStorage.setItem(key, text),
    alone: (work, signal) => aloneInTabs(key, afterOthers(work), signal),
    watch: (changed) => {
      const listener = (event: { readonly key: string | null }): void => {
        if (event.key === key || event.key === null) changed()
      }
      browser.addEventListener('storage', listener)
      return () => browser.removeEventListener('storage', listener)
    },
  }
}

function outcome<T>(request: Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(new Error('IndexedDB refused', { cause: request.error })))
  })
}

async function openDatabase(name: string): Promise<Database> {
  const request = browser.indexedDB.open(name, 1)
  request.addEventListener('upgradeneeded', () => request.result.createObjectStore('license'))
  return outcome(request)
}

async function inDatabase<T>(
  name: string,
  mode: 'readonly' | 'readwrite',
  work: (store: ObjectStore) => Request<T>,
): Promise<T> {
  const database = await openDatabase(name)
  try {
    const transaction = database.transaction('license', mode)
    const committed = new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve())
      transaction.addEventListener('abort', () =>
        reject(new Error('IndexedDB aborted', { cause: transaction.error })),
      )
    })
    const [result] = await Promise.all([outcome(work(transaction.objectStore('license'))), committed])
    return result
  } finally {
    database.close()
  }
}

/**
 * Keeps the license in an IndexedDB database of its own, for pages and for workers, which have no `localStorage`. With Web
 * Locks one tab or worker refreshes at a time.
 *
 * @example
 * ```ts
 * import { createLicenseClient, indexedDbStore } from 'heartwood/client'
 *
 * export async function open(publicKeys: string): Promise<boolean> {
 *   const baseUrl = 'https://licenses.example.com'
 *   const client = await createLicenseClient({ baseUrl, app: 'desktop-app', publicKeys, store: indexedDbStore() })
 *   return client.license.has('webhooks')
 * }
 * ```
 */
export function indexedDbStore(name: string = defaultName): LicenseStore {
  return {
    read: async () => {
      const text = await inDatabase(name, 'readonly', (store) => store.get('license'))
      return typeof text === 'string' ? text : null
    },
    write: async (text) => {
      await inDatabase(name, 'readwrite', (store) => store.put(text, 'license'))
    },
    alone: (work, signal) => aloneInTabs(name, work, signal),
  }
}
