import type { Storage } from '../../core/storage/index.ts'

/**
 * One promise of the storage contract, runnable under any test runner. `run` rejects with an `AssertionError` when the
 * storage breaks it; `open` must resolve to an empty storage of its own on every call.
 */
export interface ConformanceCase {
  readonly name: string
  run(open: () => Promise<Storage>): Promise<void>
}

/** A case on one storage, which is closed at the end. */
export function storageCase(name: string, work: (storage: Storage) => Promise<void>): ConformanceCase {
  const run = async (open: () => Promise<Storage>): Promise<void> => {
    const storage = await open()
    try {
      await work(storage)
    } finally {
      await storage.close()
    }
  }
  return { name, run }
}
