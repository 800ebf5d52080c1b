import { within } from './timer.ts'

/**
 * Keeps a licensed program's token between starts. The client writes one JSON text, and verifies the text that comes back
 * instead of trusting it. Every method may throw, or take for ever: the client then goes on without a store and says so.
 *
 * @example
 * ```ts
 * import type { LicenseStore } from 'heartwood/client'
 *
 * const kept = new Map<string, string>()
 * const store: LicenseStore = {
 *   read: async () => kept.get('license') ?? null,
 *   write: async (text) => void kept.set('license', text),
 * }
 * console.log(await store.read()) // null
 * ```
 */
export interface LicenseStore {
  /** Returns the text that was written last; `null` if there is none. */
  read(): Promise<string | null>
  /** Replaces the text, whole or not at all. */
  write(text: string): Promise<void>
  /**
   * Runs `work` while no other tab or process that shares this store does. It may wait some 15 seconds for the others, and
   * waits no longer after `signal`. It only saves requests: if two run at once, nothing is lost.
   */
  alone?<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Calls `changed` when another tab or process has written. Returns a function that stops that. */
  watch?(changed: () => void): () => void
}

/**
 * Keeps the license in memory, for tests and for programs that are given a token at every start.
 *
 * @example
 * ```ts
 * import { memoryStore } from 'heartwood/client'
 *
 * const store = memoryStore()
 * await store.write('{}')
 * console.log(await store.read()) // {}
 * ```
 */
export function memoryStore(): LicenseStore {
  let kept: string | null = null
  return {
    read: async () => kept,
    write: async (text) => {
      kept = text
    },
  }
}

const queues = new WeakMap<LicenseStore, Promise<unknown>>()

/** The longest wait for a lock, in milliseconds. A tab that is frozen may hold one for ever. */
const lockPatience = 30_000

async function exclusively<T>(store: LicenseStore, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let begun: Promise<T> | undefined
  const once = (): Promise<T> => (begun ??= work())
  try {
    if (store.alone !== undefined) await within(store.alone(once, signal), lockPatience)
  } catch {
    // Without a lock two clients may both ask, which costs a request. An error of `work` comes out below.
  }
  return once()
}

/** Runs `work` after all earlier work on this store, in this program and, if the store can exclude them, in others. */
export function alone<T>(store: LicenseStore, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const turn = (queues.get(store) ?? Promise.resolve()).then(() => exclusively(store, work, signal))
  queues.set(
    store,
    turn.catch(() => undefined),
  )
  return turn
}
