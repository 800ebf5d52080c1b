/** Work that repeats until it is stopped. */
export interface RepeatedTask {
  /** Ends the repetition. Resolves when the current run has ended. */
  stop(): Promise<void>
}

/**
 * Runs `work` at once, and again `pauseMs` milliseconds after each run has ended. A failure goes to `onError`, and the
 * repetition goes on.
 */
export function repeat(
  pauseMs: number,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
): RepeatedTask {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false
  const run = async (): Promise<void> => {
    await work().catch(onError)
    if (!isStopped) timer = setTimeout(start, pauseMs)
  }
  let running: Promise<void>
  const start = (): void => {
    running = run()
  }
  start()
  return {
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}
