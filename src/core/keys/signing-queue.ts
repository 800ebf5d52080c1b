import type { Context } from '../context.ts'
import { checkOptions, isInteger, type OptionRules } from '../input/options.ts'
import { sparedCores, workQueue, type Slot, type WorkQueue } from '../runtime/work-queue.ts'

/**
 * Limits of the signing queue. A signature takes some 4 ms of one core, off the event loop.
 *
 * @example
 * ```ts
 * import type { SigningOptions } from 'heartwood'
 *
 * const signing: SigningOptions = { concurrency: 'all', maxWaiting: 2_000 }
 * ```
 */
export interface SigningOptions {
  /**
   * Signatures made at the same time. Default: one fewer than the machine has cores, so that one core stays free for requests
   * that sign nothing. `all` uses every core.
   */
  readonly concurrency?: number | 'all'
  /** Requests that may wait for a signature. Any more get `unavailable`. Default: 500 times the concurrency. */
  readonly maxWaiting?: number
}

/** With all cores in use, so many signatures per core are begun. Otherwise a core idles whenever the event loop is busy. */
const ahead = 4

function concurrencyOf({ concurrency = sparedCores() }: SigningOptions): number {
  return concurrency === 'all' ? ahead * navigator.hardwareConcurrency : concurrency
}

const positive = isInteger(1)

const optionRules: OptionRules<SigningOptions> = {
  concurrency: {
    rule: 'a positive integer, or all',
    holds: (value) => value === 'all' || positive.holds(value),
  },
  maxWaiting: isInteger(0),
}

/** @throws {TypeError} that names an unknown or unusable option. */
export function signingQueue(options: SigningOptions = {}): WorkQueue {
  checkOptions(options, optionRules, 'signing')
  const concurrency = concurrencyOf(options)
  const { maxWaiting = 500 * concurrency } = options
  return workQueue(concurrency, maxWaiting)
}

/**
 * Holds a slot among the signers while `work` writes and then signs, so that "too busy" never follows a commit. The slot is
 * `null` in a host's transaction and in work under an idempotency key, which must not wait for a signature.
 *
 * @throws {LicensingError} `unavailable`, before `work`, if no slot is free.
 */
export function withSigningSlot<T>(
  { runtime, inHostTransaction, unit }: Context,
  work: (slot: Slot | null) => Promise<T>,
): Promise<T> {
  return inHostTransaction || unit !== null ? work(null) : runtime.signing.reserve(work)
}
