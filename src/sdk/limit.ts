import { RemoteError } from './remote-error.ts'

/** The end of a call: by its caller, or by its time limit. */
export interface Limit {
  readonly signal: AbortSignal
  /** Milliseconds until the time limit. */
  left(): number
  /** Resolves as `work` does, but rejects as soon as the call ends. A `fetch` of the program's own may ignore the signal. */
  during<Result>(work: Promise<Result>): Promise<Result>
  /** Ends the timer, and the watch on the caller's signal. */
  close(): void
}

function timedOut(): RemoteError {
  return new RemoteError('timed_out', 'The server gave no whole response within timeoutMs')
}

// Not AbortSignal.any(): Safari before 17.4 lacks it, and it holds on to a signal that lives as long as the program.
export function openLimit(timeoutMs: number, given?: AbortSignal): Limit {
  const ending = new AbortController()
  const { signal } = ending
  const endsAt = performance.now() + timeoutMs
  const timer = setTimeout(() => ending.abort(timedOut()), timeoutMs)
  const end = (): void => ending.abort(given?.reason)
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  ended.catch(() => undefined)
  given?.addEventListener('abort', end)
  if (given?.aborted === true) end()
  return {
    signal,
    left: () => endsAt - performance.now(),
    during: (work) => Promise.race([ended, work]),
    close: () => {
      clearTimeout(timer)
      given?.removeEventListener('abort', end)
    },
  }
}

/** Resolves after a pause, or never once the call has ended. */
export function pause(milliseconds: number, { signal }: Limit): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
}
