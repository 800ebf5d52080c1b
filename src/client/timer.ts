/** What `setTimeout` makes, told not to keep the program alive: an object on Bun and Node, a number on Deno. */
function unref(timer: unknown): void {
  const { Deno } = globalThis as { readonly Deno?: { unrefTimer(timer: unknown): void } }
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.()
  else Deno?.unrefTimer(timer)
}

/** Calls `work` after so many milliseconds, unless the program has ended by then; answers how to call that off. */
export function later(work: () => unknown, milliseconds: number): () => void {
  const timer = setTimeout(() => void work(), milliseconds)
  unref(timer)
  return () => clearTimeout(timer)
}

/** Lets a program that waits for `work` not end before: no wait in the client keeps it alive by itself. */
export async function awaited<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 60_000)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}

/** Ends with the signal, even when `work` does not heed it. */
export async function until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const ended = new AbortController()
  const end = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { signal: ended.signal })
  })
  // A time limit that is listened to keeps Deno alive.
  return Promise.race([work(), end]).finally(() => ended.abort())
}
