/**
 * Wraps work so that at most one run a key is in progress. Calls during a run do not wait: together they cause one more
 * run after it.
 */
export function coalesce(work: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const running = new Set<string>()
  const requested = new Set<string>()
  return async (key) => {
    requested.add(key)
    if (running.has(key)) return
    running.add(key)
    try {
      while (requested.delete(key)) await work(key)
    } finally {
      running.delete(key)
    }
  }
}
