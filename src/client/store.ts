/**
 * Where a licensed program keeps its token. What is written is one JSON text; what comes back is verified, never trusted.
 * Anything may throw: the client then goes on without a store and says so.
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
  /** What was written last, `null` for nothing. */
  read(): Promise<string | null>
  /** Replaces what was written before, whole or not at all. */
  write(text: string): Promise<void>
  /**
   * Runs `work` while no other tab or process that shares this store does. It may be some 15 seconds before the others let
   * go; after `signal` nobody waits any more. It only saves requests: nothing is lost when two run at once.
   */
  alone?<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Calls `changed` when another tab or process has written; answers how to stop that. */
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

/** Runs `work` once, by the store's own exclusion or, where that fails, without. */
async function exclusively<T>(store: LicenseStore, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let begun: Promise<T> | undefined
  const once = (): Promise<T> => (begun ??= work())
  try {
    await store.alone?.(once, signal)
  } catch {
    // Nobody is kept out then, which costs a request; what `work` throws comes out below.
  }
  return once()
}

/** Runs `work` after all that was asked for on this store before, in this program and, where it can, in others. */
export function alone<T>(store: LicenseStore, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const turn = (queues.get(store) ?? Promise.resolve()).then(() => exclusively(store, work, signal))
  const settled = turn.catch(() => undefined)
  queues.set(store, settled)
  return turn
}
