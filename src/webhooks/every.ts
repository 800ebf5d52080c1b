/** Work that is done again and again, never twice at a time. */
export interface Repetition {
  /** Does it now, or once more right after the run that is under way. */
  now(): void
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
  let run: Promise<void> | undefined
  let wanted = false
  let stopped = false
  const start = (): void => {
    clearTimeout(timer)
    wanted = false
    run = done()
  }
  const done = async (): Promise<void> => {
    await work().catch(failed)
    ended()
  }
  const ended = (): void => {
    run = undefined
    if (stopped) return
    if (wanted) start()
    else timer = setTimeout(start, milliseconds)
  }
  start()
  return {
    now: () => {
      if (stopped) return
      if (run === undefined) start()
      else wanted = true
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await run
    },
  }
}
