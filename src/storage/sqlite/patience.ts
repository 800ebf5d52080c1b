import { violationOf } from '../kysely/errors.ts'

/** How long is waited for another process's lock. */
export const patienceMs = 5000

/** How long a statement blocks this process for a lock before the wait goes on without blocking. */
export const shortWaitMs = 20

const pauseMs = { least: 2, most: 25 }

/** Runs `attempt` again while another connection holds the lock that it needs, leaving this process free in between. */
export async function patiently<T>(attempt: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (violationOf(error) !== 'busy' || Date.now() > deadline) throw error
      await pause()
    }
  }
}

/** For no fixed time, so that two who wait do not keep meeting. */
function pause(): Promise<void> {
  const milliseconds = pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least)
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
