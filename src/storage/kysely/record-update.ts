import { guardOf } from '../../core/storage/guard.ts'
import type { AuditEntryRecord } from '../../core/storage/index.ts'
import type { Row } from '../schema.ts'
import { writeWithEntry } from './entry-writes.ts'
import type { Executor } from './executor.ts'
import type { UnversionedTable } from './hot-queries.ts'
import type { RowMapper } from './rows.ts'

/** An update of a record without a version. */
interface RecordUpdate<Entry extends object> {
  readonly id: string
  readonly patch: Partial<Entry>
  /** The columns that the patch sets. */
  readonly changes: object
  readonly known: Entry | undefined
  readonly entry: AuditEntryRecord | undefined
  /** True if it may meet a taken value of a unique index. */
  readonly mayBeTaken?: boolean | undefined
}

/** Updates a record that is still as `known` says, and inserts the entry in the same step. Resolves to `null` otherwise. */
export async function updateRecord<Entry extends object>(
  executor: Executor,
  table: UnversionedTable,
  rows: RowMapper<Entry>,
  { id, patch, changes, known, entry, mayBeTaken }: RecordUpdate<NoInfer<Entry>>,
): Promise<Entry | null> {
  const guard = rows.toColumns(guardOf(patch, known))
  const query = executor.hot.updateRecord(table, Object.keys(changes), Object.keys(guard))
  const parameters = [...Object.values(changes), id, ...Object.values(guard)]
  const row = await writeWithEntry(executor, { query, parameters, mayBeTaken }, entry)
  return rows.toRecordOrNull(row as Row<Entry> | null | undefined)
}
