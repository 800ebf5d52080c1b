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
