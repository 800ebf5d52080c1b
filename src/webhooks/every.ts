/** Work that is done again and again, never twice at a time. */
export interface Repetition {
  /** Ends it, and resolves when the last run has ended. */
  stop(): Promise<void>
}

/** Does `work` now and then every `milliseconds` after it has ended. A failure goes to `failed`, and it goes on. */
export function every(
  milliseconds: number,
  work: () => Promise<unknown>,
  failed: (error: unknown) => void,
): Repetition {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  const run = async (): Promise<void> => {
    await work().catch(failed)
    if (!stopped) timer = setTimeout(start, milliseconds)
  }
  let running: Promise<void>
  const start = (): void => {
    running = run()
  }
  start()
  return {
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
