import { kindOf } from '../errors.ts'
import { retry, type RetryPolicy } from '../retry.ts'

/** The longest wait for another process's lock. */
export const lockWaitMs = 5000

/** A statement blocks this process for at most this long. Then the wait goes on without blocking. */
export const blockingWaitMs = 20

const lockedFile: RetryPolicy = {
  isTransient: (error) => kindOf(error) === 'busy',
  withinMs: lockWaitMs,
  pauseMs: () => 2 + Math.random() * 23,
}

/** Runs `work` again while another connection holds the lock that it needs. The event loop is free in between. */
export function retryWhileLocked<T>(work: () => T | Promise<T>): Promise<T> {
  return retry(work, lockedFile)
}
