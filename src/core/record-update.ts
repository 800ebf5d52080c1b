import { type Act, entryOf } from './acts/act.ts'
import type { Context } from './context.ts'
import type { AuditEntryRecord, StorageSession } from './storage/index.ts'
import { inTransaction, unrecorded } from './transaction.ts'

/** An update of one record. */
export interface RecordUpdate<Entry> {
  readonly patch: Partial<Entry>
  /** True for a record that needs no update any more. It stays as it is. */
  readonly isDone?: (before: Entry) => boolean
  readonly act: (before: Entry, after: Entry) => Act
  readonly verb: (
    tx: StorageSession,
    id: string,
    patch: Partial<Entry>,
    known?: Entry,
    entry?: AuditEntryRecord,
  ) => Promise<Entry | null>
}

interface Updatable {
  readonly id: string
  readonly updatedAt?: number
}

/** Given `known`, it resolves to `null` and writes nothing if a field of the patch has another value there. */
async function write<Entry extends Updatable>(
  context: Context,
  tx: StorageSession,
  before: Entry,
  { patch, isDone, act, verb }: RecordUpdate<Entry>,
  known?: Entry,
): Promise<Entry | null> {
  if (isDone?.(before) === true) return before
  const entry = entryOf(context, act(before, { ...before, ...patch }))
  return verb(tx, before.id, patch, known, entry)
}

/** Updates a record behind the lock of its row. Resolves to `null` if it is gone, or if a value of the patch is taken. */
export async function updateHeld<Entry extends Updatable>(
  context: Context,
  tx: StorageSession,
  { id, updatedAt }: Entry,
  update: RecordUpdate<Entry>,
): Promise<Entry | null> {
  // The write of the time that it has takes the lock. An empty one would name the id, for which SQLite looks for children.
  const held: Partial<Updatable> = updatedAt === undefined ? {} : { updatedAt }
  const before = await update.verb(tx, id, held as Partial<Entry>)
  return before && write(context, tx, before, update)
}

/**
 * Updates a record that was just read. Nearly always nobody has changed it since: then one verb compares, writes and adds the
 * entry. Otherwise the update waits for the lock of the row. Resolves as {@link updateHeld} does.
 *
 * The record is never stored under an idempotency key, because it may have a sealed secret.
 */
export async function updateKnown<Entry extends Updatable>(
  context: Context,
  known: Entry,
  update: RecordUpdate<Entry>,
): Promise<Entry | null> {
  const plain = unrecorded(context)
  const atOnce = (tx: StorageSession): Promise<Entry | null> => write(plain, tx, known, update, known)
  const updated = await inTransaction(plain, atOnce, { isOneWrite: true })
  return updated ?? inTransaction(plain, (tx) => updateHeld(plain, tx, known, update))
}
