import type { Context } from '../context.ts'
import type { AppRecord, LicenseKeyRecord, NumericDate, StorageSession } from '../storage/index.ts'
import type { Emit, Note } from '../transaction.ts'

/** The turn of one activation: the transaction that holds its license key. Its actor is the license key. */
export interface Turn {
  readonly context: Context
  readonly app: AppRecord
  /** As it is while it is held. */
  readonly key: LicenseKeyRecord
  readonly now: NumericDate
  readonly tx: StorageSession
  readonly emit: Emit
  readonly note: Note
}
