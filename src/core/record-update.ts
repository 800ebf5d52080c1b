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

/** Updates a record that was read before, as a part of a transaction. Resolves to `null` if it is gone, or if a value of the patch is taken. */
export function updateWithin<Entry extends { readonly id: string }>(
  context: Context,
  tx: StorageSession,
  known: Entry,
  { patch, isDone, act, verb }: RecordUpdate<Entry>,
): Promise<Entry | null> {
  const entryBehind = (before: Entry) => entryOf(context, act(before, { ...before, ...patch }))
  return verb(tx, known.id, patch, { known, entryOf: entryBehind, ...(isDone && { isDone }) })
}

/**
 * Updates a record that was read before. Resolves as {@link updateWithin} does.
 *
 * The record is never stored under an idempotency key, because it may have a sealed secret.
 */
export function updateRecord<Entry extends { readonly id: string }>(
  context: Context,
  known: Entry,
  update: RecordUpdate<Entry>,
): Promise<Entry | null> {
  const plain = unrecorded(context)
  return inTransaction(plain, (tx) => updateWithin(plain, tx, known, update), { isOneWrite: true })
}
