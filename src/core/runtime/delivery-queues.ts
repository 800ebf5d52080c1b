import { LicensingError } from '../errors.ts'
import type { DeliveryStorage, NumericDate } from '../storage/index.ts'
import { BoundedCache } from './cache.ts'

export const defaultQueueLimit = 100_000
/** Counting as many pending deliveries keeps SQLite's event loop for some 50 milliseconds. */
export const maxQueueLimit = 500_000

/** Seconds for which a full queue counts as full without another count. */
const fullFor = 10
/** Small entries: an app that falls out is counted again at its next event. */
const knownQueues = 10_000

type Counting = Pick<DeliveryStorage, 'countPendingDeliveries'>

/** The queue of one app, as this process knows it. */
interface Queue {
  /** Deliveries that this process may add before it counts again. */
  room: number
  /** The time of the last count, if it found no room. */
  fullAt: NumericDate | null
}

/**
 * Bounds the queues of deliveries. To count a queue at each write would cost too much, and a stored counter would let all writes of
 * an app wait for each other. So a process counts a queue, and then adds up to a hundredth of the limit before it counts again.
 */
export class DeliveryQueues {
  readonly limit: number
  readonly #step: number
  readonly #queues = new BoundedCache<Queue>(knownQueues)
  /** Dropped events by app, not yet written. */
  #unwritten = new Map<string, number>()
  #dropped = 0

  constructor(limit: number) {
    this.limit = limit
    this.#step = Math.ceil(limit / 100)
  }

  /** The events that were dropped since this process began. */
  get dropped(): number {
    return this.#dropped
  }

  /** True if the queue of the app takes one more delivery, which the caller then adds. */
  async takes(session: Counting, appId: string, now: NumericDate): Promise<boolean> {
    const queue = this.#queues.get(appId, () => ({ room: 0, fullAt: null }))
    for (;;) {
      if (queue.room > 0) {
        queue.room--
        return true
      }
      if (isFull(queue, now)) return false
      await this.#count(session, appId, queue, now)
    }
  }

  /** The room of the queue as of now. A full queue has none. */
  async roomOf(session: Counting, appId: string): Promise<number> {
    return this.limit - (await session.countPendingDeliveries(appId, this.limit))
  }

  /** @throws {LicensingError} `conflict` if the queue has no room. */
  async requireRoom(session: Counting, appId: string): Promise<void> {
    if ((await this.roomOf(session, appId)) > 0) return
    throw queueFull()
  }

  /** Counts the events that were dropped, by the apps of each. */
  noteDropped(appIds: readonly string[]): void {
    this.#dropped += appIds.length
    for (const appId of appIds) this.#unwritten.set(appId, (this.#unwritten.get(appId) ?? 0) + 1)
  }

  /** Hands over the counts that are not yet written. */
  takeDropped(): ReadonlyMap<string, number> {
    const unwritten = this.#unwritten
    this.#unwritten = new Map()
    return unwritten
  }

  /** Takes a count back that could not be written. The process has counted it before. */
  giveBack(appId: string, count: number): void {
    this.#unwritten.set(appId, (this.#unwritten.get(appId) ?? 0) + count)
  }

  /** Nobody waits for the count of another transaction, because that one may wait for a record that the caller has locked. */
  async #count(session: Counting, appId: string, queue: Queue, now: NumericDate): Promise<void> {
    const room = await this.roomOf(session, appId)
    // Another transaction may have counted meanwhile.
    if (queue.room > 0) return
    queue.room = Math.min(this.#step, room)
    queue.fullAt = room > 0 ? null : now
  }
}

export function queueFull(): LicensingError {
  return new LicensingError('conflict', 'The queue of the webhook is full (webhook_queue_full)')
}

/** A clock that was set back ends the rest of a full queue at once. */
function isFull({ fullAt }: Queue, now: NumericDate): boolean {
  return fullAt !== null && now >= fullAt && now < fullAt + fullFor
}
