import type { NumericDate, Storage } from '../storage/index.ts'

/** The times of last use of API keys, batched in memory, so that no request waits for a write. */
export interface LastUsedTimes {
  note(id: string, now: NumericDate): void
  /** A time that is noted but not yet written; `null` if there is none. */
  of(id: string): NumericDate | null
  flush(): Promise<void>
}

/** Seconds between two writes of the batch, at least. */
const interval = 60

export function lastUsedTimes(storage: Storage): LastUsedTimes {
  let noted = new Map<string, NumericDate>()
  let written = 0
  const flush = async (): Promise<void> => {
    const batch = noted
    noted = new Map()
    if (batch.size > 0) await storage.touchApiKeys(batch)
  }
  return {
    note(id, now) {
      noted.set(id, now)
      if (now < written + interval) return
      written = now
      // The request only reads, so a storage that cannot write must not fail it.
      flush().catch(() => {})
    },
    of: (id) => noted.get(id) ?? null,
    flush,
  }
}
