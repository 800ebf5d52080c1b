import type { AttemptCounts } from './attempt-counts.ts'
import type { Context } from './context.ts'
import type { KeyPoolLoad } from './runtime/key-pool.ts'
import type { QueueLoad } from './runtime/work-queue.ts'

/** How busy this process is, and what it has done since it began: numbers alone, which name nobody. */
export interface Load {
  /** `done` are the license tokens that were signed. */
  readonly signing: QueueLoad
  /** `done` are the key pairs that were made. */
  readonly keyPairs: KeyPoolLoad
  readonly webhookAttempts: AttemptCounts
}

/** Reads the counts. Nothing is waited for. */
export function loadOf({ signing, keyPairs, webhookAttempts }: Context): Load {
  return { signing: signing.load(), keyPairs: keyPairs.load(), webhookAttempts: { ...webhookAttempts } }
}
