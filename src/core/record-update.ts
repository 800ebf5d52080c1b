import { type Act, entryOf } from './acts/act.ts'
import type { Context } from './context.ts'
import type { StorageSession, UpdateNote } from './storage/index.ts'
import { inTransaction, unrecorded } from './transaction.ts'

/** An update of one record. */
export interface RecordUpdate<Entry> {
  readonly patch: Partial<Entry>
  readonly isDone?: UpdateNote<Entry>['isDone']
  readonly act: (before: Entry, after: Entry) => Act
  readonly verb: (
    tx: StorageSession,
    id: string,
    patch: Partial<Entry>,
    note: UpdateNote<Entry>,
  ) => Promise<Entry | null>
}

/** The id of a record, or the record as the caller has read it. Without it, the storage reads the record in the step of its update. */
type Reference<Entry> = string | (Entry & { readonly id: string })

/** Updates a record as a part of a transaction. Resolves to `null` if it is gone, or if a value of the patch is taken. */
export function updateWithin<Entry extends object>(
  context: Context,
  tx: StorageSession,
  record: Reference<Entry>,
  { patch, isDone, act, verb }: RecordUpdate<Entry>,
): Promise<Entry | null> {
  const entryBehind = (before: Entry) => entryOf(context, act(before, { ...before, ...patch }))
  const note = { entryOf: entryBehind, ...(isDone && { isDone }) }
  return typeof record === 'string'
    ? verb(tx, record, patch, note)
    : verb(tx, record.id, patch, { ...note, known: record })
}

/**
 * Updates a record. Resolves as {@link updateWithin} does.
 *
 * The record is never stored under an idempotency key, because it may have a sealed secret.
 */
export function updateRecord<Entry extends object>(
  context: Context,
  record: Reference<Entry>,
  update: RecordUpdate<Entry>,
): Promise<Entry | null> {
  const plain = unrecorded(context)
  return inTransaction(plain, (tx) => updateWithin(plain, tx, record, update), { isOneWrite: true })
}
