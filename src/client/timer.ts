/** A timer is an object on Bun and Node, and a number on Deno. */
function unref(timer: unknown): void {
  const { Deno } = globalThis as { readonly Deno?: { unrefTimer(timer: unknown): void } }
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.()
  else Deno?.unrefTimer(timer)
}

/** Calls `work` after a delay, unless the program has ended by then. Returns a function that cancels it. */
export function later(work: () => unknown, milliseconds: number): () => void {
  const timer = setTimeout(() => void work(), milliseconds)
  unref(timer)
  return () => clearTimeout(timer)
}

/** Keeps a program alive while it waits for `work`. No other wait in the client does. */
export async function keepAlive<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 60_000)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}

/** Ends with the signal, even if `work` ignores it. */
export async function until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw new Error('The wait was given up')
  const ended = new AbortController()
  const end = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new Error('The wait was given up'))
    signal.addEventListener('abort', giveUp, { signal: ended.signal })
  })
  // A time limit with a listener keeps Deno alive.
  return Promise.race([work(), end]).finally(() => ended.abort())
}

/** Rejects if `work` has not ended after the given time, and calls `overdue` then. */
export async function within<T>(
  work: Promise<T>,
  milliseconds: number,
  overdue: () => void = () => undefined,
): Promise<T> {
  let cancel = (): void => undefined
  const limit = new Promise<never>((_, reject) => {
    cancel = later(() => {
      overdue()
      reject(new Error('The wait was given up'))
    }, milliseconds)
  })
  return Promise.race([work, limit]).finally(() => cancel())
}
