/** A copy of a record, a list or a JSON value that nobody can change. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.freeze(value.map((item) => frozen(item) as unknown)) as T
  // fromEntries defines properties, so a `__proto__` in metadata stays an ordinary name.
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([name, item]) => [name, frozen(item)])),
  ) as T
}

/** `record` with the defined fields of `patch`. */
export function patched<R extends object>(record: R, patch: Partial<NoInfer<R>>): R {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  return { ...record, ...Object.fromEntries(given) }
}
