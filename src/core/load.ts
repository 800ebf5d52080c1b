import type { DeliveryQueues } from './runtime/delivery-queues.ts'
import type { KeyPool, KeyPoolLoad } from './runtime/key-pool.ts'
import type { QueueLoad, WorkQueue } from './runtime/work-queue.ts'

/** Attempts to send events in this process since it began, by their outcome. */
export interface AttemptCounts {
  readonly delivered: number
  /** Failed attempts that are tried again. */
  readonly retried: number
  /** Failed attempts that were the last. */
  readonly givenUp: number
}

/** The present load of this process, and its counts since it began. */
export interface Load {
  /** `done` counts the license tokens that were signed. */
  readonly signing: QueueLoad
  /** `done` counts the key pairs that were made. */
  readonly keyPairs: KeyPoolLoad
  readonly webhookAttempts: AttemptCounts
  /** Events that were not queued for a webhook, because the queue of the app was full. */
  readonly webhookEventsDropped: number
}

/** The parts of a process that count. */
interface Counting {
  readonly signing: WorkQueue
  readonly keyPairs: KeyPool
  readonly webhookAttempts: AttemptCounts
  readonly deliveryQueues: DeliveryQueues
}

export function loadOf({ signing, keyPairs, webhookAttempts, deliveryQueues }: Counting): Load {
  return {
    signing: signing.load(),
    keyPairs: keyPairs.load(),
    webhookAttempts: { ...webhookAttempts },
    webhookEventsDropped: deliveryQueues.dropped,
  }
}
