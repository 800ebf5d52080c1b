import type { UpdateNote } from '../../core/storage/index.ts'
import { addEntry } from './audit-entries.ts'
import { patched } from './frozen.ts'
import type { Table } from './table.ts'
import type { Tables } from './tables.ts'

/** An update of one record. */
interface RecordUpdate<Entry> {
  readonly id: string
  readonly patch: Partial<Entry>
  readonly note: UpdateNote<Entry> | undefined
  /** The record as readers get it, if the table has a part of it. */
  readonly whole?: (stored: Entry) => Entry
}

/**
 * Writes the patch over the record, and the entry. Returns `null` and changes nothing if there is no such record, or if another
 * one has one of its unique keys.
 */
export function updateRecord<Entry extends { readonly id: string }>(
  tables: Tables,
  table: Pick<Table<Entry>, 'get' | 'replace'>,
  { id, patch, note, whole = (stored) => stored }: RecordUpdate<NoInfer<Entry>>,
): Entry | null {
  const stored = table.get(id)
  if (stored === null) return null
  const before = whole(stored)
  if (note?.isDone?.(before) === true) return before
  const after = table.replace(patched<Entry>(stored, patch))
  return addEntry(tables, note?.entryOf(before), after && whole(after))
}
