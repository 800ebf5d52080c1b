/** A copy of a record, a list or a JSON value that cannot be changed, whoever holds it. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.freeze(value.map((item) => frozen(item) as unknown)) as T
  // fromEntries defines properties, so that an own `__proto__` of metadata stays an ordinary name.
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([name, item]) => [name, frozen(item)])),
  ) as T
}

/** `record` with what `patch` gives. */
export function patched<R extends object>(record: R, patch: Partial<NoInfer<R>>): R {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  return { ...record, ...Object.fromEntries(given) }
}
