import type { UpdateNote } from '../../core/storage/index.ts'
import { kindOf } from '../errors.ts'
import type { Row } from '../schema.ts'
import type { DirectConnection } from './connections.ts'
import { writeOn, writeWithEntry } from './entry-writes.ts'
import { type Executor, firstRow, type Writer } from './executor.ts'
import type { UnversionedTable } from './record-queries.ts'
import { type RowMapper, unsealedEntryRows } from './rows.ts'

/** An update of a record without a version. */
interface RecordUpdate<Entry extends object> {
  readonly table: UnversionedTable
  readonly rows: RowMapper<Entry>
  /** The app of the record, if the caller names it. */
  readonly appId?: string
  readonly id: string
  readonly patch: Partial<NoInfer<Entry>>
  /** The columns that the patch sets. */
  readonly changes: object
  readonly note: UpdateNote<NoInfer<Entry>> | undefined
  /** True if it may meet a taken value of a unique index. */
  readonly mayBeTaken?: boolean | undefined
}

/** A write of the update that changes nothing in another app, or unless each of these columns has its value. */
function write<Entry extends object>(
  { hot }: Executor,
  { table, appId, id, changes, mayBeTaken }: RecordUpdate<Entry>,
  compared: object = {},
) {
  const guard = appId === undefined ? compared : { app_id: appId, ...compared }
  const query = hot.updateRecord(table, Object.keys(changes), Object.keys(guard))
  return { query, parameters: [...Object.values(changes), id, ...Object.values(guard)], mayBeTaken }
}

function toRecord<Entry extends object>({ rows }: RecordUpdate<Entry>, row: object | null | undefined) {
  return rows.toRecordOrNull(row as Row<Entry> | null | undefined)
}

/** The known values of all fields that the patch sets, except for `updatedAt`. A field that is missing counts as `null`. */
function guardOf<Entry extends object>(patch: Partial<Entry>, known: Entry): Partial<Entry> {
  const guarded = Object.entries(patch).filter(
    ([field, value]) => value !== undefined && field !== 'updatedAt',
  )
  return Object.fromEntries(
    guarded.map(([field]) => [field, known[field as keyof Entry] ?? null]),
  ) as Partial<Entry>
}

function isInApp<Entry extends object>({ appId }: RecordUpdate<Entry>, record: Entry): boolean {
  return appId === undefined || Reflect.get(record, 'appId') === appId
}

async function read<Entry extends object>(
  executor: Executor,
  update: RecordUpdate<Entry>,
): Promise<Entry | null> {
  return toRecord(update, await executor.readFirst(executor.hot.record(update.table), [update.id]))
}

/** Nearly always nobody has changed the record since it was read. Then one statement compares, writes and adds the entry. */
async function updateAsKnown<Entry extends object>(
  executor: Executor,
  update: RecordUpdate<Entry>,
  { entryOf, isDone }: UpdateNote<Entry>,
  known: Entry,
): Promise<Entry | null> {
  if (isDone?.(known) === true) return null
  const guard = update.rows.toColumns(guardOf(update.patch, known))
  return toRecord(update, await writeWithEntry(executor, write(executor, update, guard), entryOf(known)))
}

/** The columns whose write takes the lock of a row and changes nothing. The id would make SQLite look for the children of the row. */
function lockingColumns<Entry extends object>({ rows, id }: RecordUpdate<Entry>, known: Entry): object {
  const updatedAt: unknown = Reflect.get(known, 'updatedAt')
  return rows.toChanges(id, (updatedAt === undefined ? {} : { updatedAt }) as Partial<Entry>)
}

async function updateHeld<Entry extends object>(
  executor: Executor,
  db: Writer,
  update: RecordUpdate<Entry>,
  note: UpdateNote<Entry>,
  known: Entry,
): Promise<Entry | null> {
  const lock = write(executor, { ...update, changes: lockingColumns(update, known) })
  const before = toRecord(update, await firstRow(db, lock.query, lock.parameters))
  if (before === null || note.isDone?.(before) === true) return before
  return toRecord(update, await writeOn(executor, db, write(executor, update), note.entryOf(before)))
}

/** Resolves to `false` if a value is taken. */
function setDirectly<Entry extends object>(
  direct: DirectConnection,
  { hot }: Executor,
  { table, id, changes, mayBeTaken = false }: RecordUpdate<Entry>,
): boolean {
  try {
    direct.run(hot.setRecord(table, Object.keys(changes)), [...Object.values(changes), id])
    return true
  } catch (error) {
    if (mayBeTaken && kindOf(error) === 'unique') return false
    throw error
  }
}

/** Nobody else may write between these statements, so the record need not be compared. */
function updateDirectly<Entry extends object>(
  direct: DirectConnection,
  executor: Executor,
  update: RecordUpdate<Entry>,
  note: UpdateNote<Entry>,
): Entry | null {
  const { hot } = executor
  const row = direct.first(hot.record(update.table), [update.id])
  const before = toRecord(update, row)
  if (before === null || !isInApp(update, before)) return null
  if (note.isDone?.(before) === true) return before
  if (!setDirectly(direct, executor, update)) return null
  const entry = note.entryOf(before)
  if (entry !== undefined) direct.run(hot.insertAuditEntry, unsealedEntryRows.toValues(entry))
  return toRecord(update, { ...row, ...update.changes })
}

/**
 * Updates a record, and inserts the entry of its note in the same step. Resolves to `null` and changes nothing if there is no
 * such record, or if a value is taken.
 */
export async function updateRecord<Entry extends object>(
  executor: Executor,
  update: RecordUpdate<Entry>,
): Promise<Entry | null> {
  const { note } = update
  const { direct } = executor
  if (note === undefined)
    return toRecord(update, await writeWithEntry(executor, write(executor, update), undefined))
  if (direct !== undefined) return executor.directly(() => updateDirectly(direct, executor, update, note))
  const known = note.known ?? (await read(executor, update))
  if (known === null || !isInApp(update, known)) return null
  // A lock is a write, and a record that is done needs none.
  if (note.known === undefined && note.isDone?.(known) === true) return known
  return (
    (await updateAsKnown(executor, update, note, known)) ??
    executor.together((db) => updateHeld(executor, db, update, note, known))
  )
}
