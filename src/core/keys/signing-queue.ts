import type { Context } from '../context.ts'
import { sparedCores, workQueue, type Slot, type WorkQueue } from '../runtime/work-queue.ts'

/** How many license tokens are signed at a time. A signature takes some 4 ms of one core, off the event loop. */
export interface SigningOptions {
  /**
   * How many signatures are made at once. Default: one fewer than the machine has cores, so that one core goes on answering
   * what needs no signature. `all` keeps every core at it.
   */
  readonly concurrency?: number | 'all'
  /** How many more requests may wait for one; beyond, they are refused as `unavailable`. Default: 500 times as many. */
  readonly maxWaiting?: number
}

/** So many signatures for each core are begun ahead, where all are used: else a core waits whenever the event loop is busy. */
const ahead = 4

function concurrencyOf({ concurrency = sparedCores() }: SigningOptions): number {
  return concurrency === 'all' ? ahead * navigator.hardwareConcurrency : concurrency
}

/** @throws {TypeError} for a number of no use. */
export function signingQueue(options: SigningOptions = {}): WorkQueue {
  const concurrency = concurrencyOf(options)
  const { maxWaiting = 500 * concurrency } = options
  if (!Number.isSafeInteger(concurrency) || concurrency < 1)
    throw new TypeError('signing.concurrency must be a positive integer, or all')
  if (!Number.isSafeInteger(maxWaiting) || maxWaiting < 0)
    throw new TypeError('signing.maxWaiting must be an integer, zero or more')
  return workQueue(concurrency, maxWaiting)
}

/**
 * Holds a slot among the signers while `work` writes and then signs, so that "too busy" never follows a commit. The slot is
 * `null` in a host's transaction, which must not wait for a signature.
 *
 * @throws {LicensingError} `unavailable`, before `work`, if no slot is free.
 */
export function withSigningSlot<T>(
  { runtime, inHostTransaction }: Context,
  work: (slot: Slot | null) => Promise<T>,
): Promise<T> {
  return inHostTransaction ? work(null) : runtime.signing.reserve(work)
}
