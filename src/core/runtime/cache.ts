/** A bounded cache of promises. The oldest entry goes first, and a failed one goes at once. */
export interface PromiseCache<Value> {
  /** The cached value of `key`, otherwise the value of `make`. Concurrent callers share it. */
  get(key: string, make: () => Promise<Value>): Promise<Value>
  forget(key: string): void
}

export function promiseCache<Value>(limit: number): PromiseCache<Value> {
  const held = new Map<string, Promise<Value>>()
  return {
    get(key, make) {
      const found = held.get(key)
      if (found !== undefined) return found
      const made = make()
      held.set(key, made)
      made.catch(() => held.delete(key))
      if (held.size > limit) held.delete(held.keys().next().value as string)
      return made
    },
    forget(key) {
      held.delete(key)
    },
  }
}
