import { Type } from '@sinclair/typebox'
import { instant, oneOf, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { LicenseKeyRecord } from './license-keys.ts'
import type { LicenseRecord } from './licenses.ts'
import { described, id, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** The deletion of a record that has so many dependents that it takes several transactions. */
export interface DeletionRecord {
  /** The app, tier or customer. */
  readonly id: string
  /** The app of the record, or the app itself. */
  readonly appId: string
  readonly kind: 'app' | 'tier' | 'customer'
  readonly startedAt: NumericDate
}

export const deletionRecord: RecordSchema<DeletionRecord> = input<DeletionRecord>()(
  Type.Object({
    id: described('Id of the app, tier or customer that is being deleted', text('', 1, 63)),
    appId: id('app', 'App of it, or the app itself'),
    kind: oneOf('Kind of it', ['app', 'tier', 'customer']),
    startedAt: instant('Time since which nobody finds it'),
  }),
)

/** The part of a deletion that the next page takes. */
export interface DeletionPage {
  /** The most dependents that the page removes. */
  readonly limit: number
  /** `next` of the page before. Absent at the start, and for a caller who does not know it. */
  readonly after?: string | undefined
  /** False if the caller does not read the licenses and license keys. Then the page may leave them out, which is faster. */
  readonly wantsRecords?: boolean | undefined
}

/** The outcome of one page of a deletion. */
export interface DeletedPage {
  /** The licenses that the page has deleted with their customer, each with the next `version`. Empty for an app or a tier. */
  readonly licenses: readonly LicenseRecord[]
  /** The license keys that the page has deleted with their customer, in the same way. */
  readonly licenseKeys: readonly LicenseKeyRecord[]
  /** The `after` of the next page; `null`: the next page has none. */
  readonly next: string | null
  /** True if the record itself is gone, and its deletion with it. */
  readonly isDone: boolean
}

/**
 * Deletes an app, a tier or a customer in several transactions. A storage that deletes any number of records quickly need not:
 * then `beginDeletion` never resolves to `begun`, `continueDeletion` resolves to `null`, and `listDeletions` to `[]`.
 */
export interface DeletionStorage {
  /**
   * Begins to delete a record that has more than `limit` dependents: licenses and license keys, and for an app
   * its customers and deliveries. In
   * the same step the record vanishes for every other verb, with all that is deleted with it. Its slug, e-mail, external id
   * and installation slots are free. The licenses and license keys of a tier have
   * `tierId: null`. An app loses its secrets, signing keys,
   * webhook and API keys.
   *
   * Resolves to `small`, and changes nothing, if the record has no more dependents. Resolves to `missing` if there is no such
   * record, or if it is being deleted already.
   */
  beginDeletion(deletion: DeletionRecord, limit: number): Promise<'begun' | 'small' | 'missing'>
  /**
   * Removes one page of dependents in one step, which may have fewer than `limit`, by id, and the record itself after the last
   * one. The licenses and license keys of a tier get a new `version`. Inside a transaction, no other caller has a page of this
   * record until the transaction is over.
   *
   * Resolves to `null` if the deletion is over, or if another transaction has a page of it.
   */
  continueDeletion(id: string, page: DeletionPage): Promise<DeletedPage | null>
  /** The deletions that have begun and are not over, in any order. */
  listDeletions(): Promise<readonly DeletionRecord[]>
}
