import { guardOf } from '../../core/storage/guard.ts'
import { patched } from './frozen.ts'
import type { Table } from './table.ts'

function isAsKnown<Entry extends object>(record: Entry, patch: Partial<Entry>, known?: Entry): boolean {
  return Object.entries(guardOf(patch, known)).every(
    ([field, value]) => JSON.stringify(record[field as keyof Entry]) === JSON.stringify(value),
  )
}

/**
 * Writes the patch over the record. Returns `null` and changes nothing if there is no such record, if it is not as `known` says,
 * or if another one has one of its unique keys.
 */
export function updateRecord<Entry extends { readonly id: string }>(
  table: Pick<Table<Entry>, 'get' | 'replace'>,
  id: string,
  patch: Partial<NoInfer<Entry>>,
  known?: NoInfer<Entry>,
): Entry | null {
  const record = table.get(id)
  if (record === null || !isAsKnown<Entry>(record, patch, known)) return null
  return table.replace(patched(record, patch))
}
