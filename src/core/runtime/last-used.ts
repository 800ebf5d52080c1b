import type { NumericDate, Storage } from '../storage/index.ts'

/** When API keys were last used, batched in memory, so that no request waits for a write. */
export interface LastUsedTimes {
  note(id: string, now: NumericDate): void
  /** The time noted and not yet written. */
  of(id: string): NumericDate | null
  flush(): Promise<void>
}

/** At most so often, in seconds, the batch is written. */
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
      // A storage that cannot be written to must not fail the request that only read.
      flush().catch(() => {})
    },
    of: (id) => noted.get(id) ?? null,
    flush,
  }
}
