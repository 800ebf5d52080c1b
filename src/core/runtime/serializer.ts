/** Runs work one at a time, in the order of the calls. */
export type Serialize = <T>(work: () => T | Promise<T>) => Promise<T>

export function serializer(): Serialize {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }
}
