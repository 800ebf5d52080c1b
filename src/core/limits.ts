/** Numbers that a license grants, by slug: how many projects, seats or exports a program allows. Each is 0 to 2^53 - 1. */
export type Limits = Readonly<Record<string, number>>

/** The same limits in the order of their names, so that equal ones give equal claims. A name may be `__proto__`. */
export function sortedLimits(limits: Limits): Limits {
  return Object.fromEntries(Object.entries(limits).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The limits that a license grants: the tier's, overridden name by name by its own. */
export function limitsOf(license: { readonly tierLimits: Limits; readonly customLimits: Limits }): Limits {
  const { tierLimits, customLimits } = license
  if (isEmpty(tierLimits) && isEmpty(customLimits)) return {}
  return sortedLimits(Object.fromEntries([...Object.entries(tierLimits), ...Object.entries(customLimits)]))
}

function isEmpty(limits: Limits): boolean {
  for (const _ in limits) return false
  return true
}
