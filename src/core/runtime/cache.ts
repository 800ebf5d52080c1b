/** A bounded cache. The oldest entry goes first. */
export class BoundedCache<Value> {
  readonly #held = new Map<string, Value>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#held.size
  }

  find(key: string): Value | undefined {
    return this.#held.get(key)
  }

  keep(key: string, value: Value): void {
    this.#held.set(key, value)
    if (this.#held.size > this.#limit) this.#held.delete(this.#held.keys().next().value as string)
  }

  /** The cached value of `key`, otherwise the value of `make`. */
  get(key: string, make: () => Value): Value {
    const found = this.#held.get(key)
    if (found !== undefined) return found
    const made = make()
    this.keep(key, made)
    return made
  }

  forget(key: string): void {
    this.#held.delete(key)
  }
}

/** A bounded cache of promises. The oldest entry goes first, and a failed one goes at once. */
export interface PromiseCache<Value> {
  /** The cached value of `key`, otherwise the value of `make`. Concurrent callers share it. */
  get(key: string, make: () => Promise<Value>): Promise<Value>
  forget(key: string): void
}

export function promiseCache<Value>(limit: number): PromiseCache<Value> {
  const held = new BoundedCache<Promise<Value>>(limit)
  return {
    get: (key, make) =>
      held.get(key, () => {
        const made = make()
        made.catch(() => held.forget(key))
        return made
      }),
    forget: (key) => held.forget(key),
  }
}
