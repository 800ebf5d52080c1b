/** The errors after which work runs again, and the limits of that. */
export interface RetryPolicy {
  readonly isTransient: (error: unknown) => boolean
  /** The greatest number of runs. */
  readonly attempts?: number
  /** A failure later than this after the first one is final. */
  readonly withinMs?: number
  /** The pause after a failed run. A random pause keeps two callers from meeting again and again. */
  readonly pauseMs: (attempt: number) => number
}

/** Runs work until it succeeds, fails for good, or reaches a limit of the policy. */
export async function retry<T>(work: () => T | Promise<T>, policy: RetryPolicy): Promise<T> {
  const { isTransient, attempts = Infinity, withinMs = Infinity, pauseMs } = policy
  let deadline: number | undefined
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      deadline ??= Date.now() + withinMs
      if (attempt >= attempts || Date.now() > deadline || !isTransient(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs(attempt)))
    }
  }
}
