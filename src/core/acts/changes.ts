import { isoTime, snakeCase } from '../wire.ts'

/** Changed fields by their names in JSON, each with its value before and after. */
export type Changes = Readonly<Record<string, readonly [before: unknown, after: unknown]>>

/**
 * The way in which a field is shown: as it is, as a time, as the origin of its address, or `hidden`, which shows that it changed
 * and not how. `null` leaves it out.
 */
export type Showing = 'plain' | 'time' | 'origin' | 'hidden' | null

const hidden = '…'

/** True for a value that says as little as none. */
function isBlank(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (typeof value !== 'object') return false
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
}

function isSame(before: unknown, after: unknown): boolean {
  if (before === after) return true
  if (typeof before !== 'object' && typeof after !== 'object') return false
  return (isBlank(before) && isBlank(after)) || JSON.stringify(before) === JSON.stringify(after)
}

/** The address may hold a secret in its path or query, as those of chat programs do. */
function originOf(address: unknown): string {
  const url = URL.parse(String(address))
  return url === null ? hidden : `${url.origin}/${hidden}`
}

const shown: Readonly<Record<NonNullable<Showing>, (value: unknown) => unknown>> = {
  plain: (value) => value,
  time: (value) => isoTime(value as number),
  origin: originOf,
  hidden: () => hidden,
}

function show(as: NonNullable<Showing>, value: unknown): unknown {
  return isBlank(value) ? null : shown[as](value)
}

/** The type checker asks for every field of a record, so that nobody forgets to decide about a new one. */
export type Fields<Entry> = { readonly [Name in keyof Entry]-?: Showing }

/** The changes from one state of a record to the next. `null`: before it was made, or after it was deleted. */
export type Difference<Entry> = (before: Partial<Entry> | null, after: Partial<Entry> | null) => Changes

/** Compares two states of a record by the fields that are shown. */
export function differenceIn<Entry>(fields: Fields<Entry>): Difference<Entry> {
  const known = Object.entries<Showing>(fields as Readonly<Record<string, Showing>>).flatMap(([field, as]) =>
    as === null ? [] : [{ field, as, name: snakeCase(field) }],
  )
  const valueOf = (entry: Partial<Entry> | null, field: string): unknown =>
    entry === null ? null : ((entry as Readonly<Record<string, unknown>>)[field] ?? null)
  return (before, after) => {
    const changes: Record<string, readonly [unknown, unknown]> = {}
    for (const { field, as, name } of known) {
      const [old, next] = [valueOf(before, field), valueOf(after, field)]
      if (isSame(old, next)) continue
      if ((before === null && isBlank(next)) || (after === null && isBlank(old))) continue
      changes[name] = [show(as, old), show(as, next)]
    }
    return changes
  }
}
