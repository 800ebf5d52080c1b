import { isConflict } from './errors.ts'

/** Runs work that is one transaction, whole. */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T>

export const once: Attempt = (work) => work()

const mostAttempts = 10
const pauseMs = { least: 1, most: 20 }

/**
 * Runs work again that the database undid whole in favour of other work (a deadlock, a serialization failure), and
 * after no other error: whether a write was stored whose answer is lost, a repetition cannot know.
 */
export const again: Attempt = async (work) => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === mostAttempts || !isConflict(error)) throw error
      await pause(attempt)
    }
  }
}

/** For no fixed time, so that two who wait do not keep meeting. */
function pause(attempt: number): Promise<void> {
  const milliseconds = pauseMs.least + Math.random() * pauseMs.most * attempt
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Attempts, and the knowledge of whether any is still under way. */
export function counted(attempt: Attempt): { readonly attempt: Attempt; over(): Promise<void> } {
  let running = 0
  let idle: (() => void) | undefined
  const counting: Attempt = async (work) => {
    running++
    try {
      return await attempt(work)
    } finally {
      if (--running === 0) idle?.()
    }
  }
  const over = async (): Promise<void> => {
    if (running > 0) await new Promise<void>((resolve) => (idle = resolve))
  }
  return { attempt: counting, over }
}
