import { Type } from '@sinclair/typebox'
import { metadata, nullable, text, type Metadata } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { AuditEntryRecord, UpdateNote } from './audit-entries.ts'
import type { Page } from './page.ts'
import { described, id, noted, timestamps, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

export interface CustomerRecord {
  readonly id: string
  readonly appId: string
  readonly email: string
  /** `email` in the form that is compared; unique in the app. */
  readonly foldedEmail: string
  readonly name: string | null
  /** Unique in the app unless it is `null`. */
  readonly externalId: string | null
  readonly metadata: Metadata
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

/** Folding (NFKC) makes at most 18 characters of one. */
const mostFolded = 320 * 18

export const customerRecord: RecordSchema<CustomerRecord> = input<CustomerRecord>()(
  Type.Object({
    id: id('cus', 'Id of the customer'),
    appId: id('app', 'App of the customer'),
    email: text('E-mail address', 3, 320),
    foldedEmail: noted(
      'unique in the app',
      text('E-mail address in the form that is compared', 3, mostFolded),
    ),
    name: nullable(text('Name', 0, 255)),
    externalId: nullable(noted('unique in the app', text('Id of the customer in your own system', 0, 255))),
    metadata: described('Given back as it came', metadata()),
    ...timestamps(),
  }),
)

/** The fields of a customer that may change. */
export type CustomerPatch = Partial<Omit<CustomerRecord, 'id' | 'appId' | 'createdAt'>>

export interface CustomerFilter {
  readonly appId: string
  /** A part of the folded e-mail; no character is a wildcard. */
  readonly foldedEmailPart?: string | undefined
  readonly externalId?: string | undefined
}

export interface CustomerStorage {
  findCustomer(appId: string, id: string): Promise<CustomerRecord | null>
  findCustomerByEmail(appId: string, foldedEmail: string): Promise<CustomerRecord | null>
  findCustomerByExternalId(appId: string, externalId: string): Promise<CustomerRecord | null>
  /**
   * Resolves to `false` and writes nothing if the e-mail or the external id is taken in the app. Otherwise it writes `entry` in
   * the same step.
   */
  insertCustomer(customer: CustomerRecord, entry?: AuditEntryRecord): Promise<boolean>
  /**
   * Resolves to `null` and changes nothing if the app has no such customer, or the e-mail or external id is taken.
   *
   * Given `note`, it writes the entry for the record as it was, in the same step: nobody changes the record between that state
   * and the update. All verbs with this argument do so.
   */
  updateCustomer(
    appId: string,
    id: string,
    patch: CustomerPatch,
    note?: UpdateNote<CustomerRecord>,
  ): Promise<CustomerRecord | null>
  /** Deletes the customer and its licenses in one step. */
  deleteCustomer(id: string): Promise<boolean>
  /** Newest first. */
  listCustomers(filter: CustomerFilter, page: Page): Promise<readonly CustomerRecord[]>
  countCustomers(filter: CustomerFilter): Promise<number>
}
