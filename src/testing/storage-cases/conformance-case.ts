import type { Storage } from '../../core/storage/index.ts'

/** One promise of the storage contract. It runs under any test runner. */
export interface ConformanceCase {
  /** `verb(): what happens`. */
  readonly name: string
  /**
   * Runs the case. Every call of `open` must resolve to a new and empty storage.
   *
   * @throws {AssertionError} if the storage breaks the promise.
   */
  run(open: () => Promise<Storage>): Promise<void>
}

/** A case on one storage. It closes the storage at the end. */
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
