/**
 * The fields of `known` that a guarded update compares with the stored record: all that the patch sets, except for `updatedAt`.
 * Without `known` it compares none. A field that `known` lacks counts as `null`, so that none passes unseen.
 */
export function guardOf<Entry extends object>(
  patch: Partial<Entry>,
  known: Entry | undefined,
): Partial<Entry> {
  if (known === undefined) return {}
  const guarded = Object.entries(patch).filter(
    ([field, value]) => value !== undefined && field !== 'updatedAt',
  )
  return Object.fromEntries(
    guarded.map(([field]) => [field, known[field as keyof Entry] ?? null]),
  ) as Partial<Entry>
}
