import { apiKeyRecord, type ApiKeyRecord } from '../../core/storage/api-keys.ts'
import { appRecord, type AppRecord } from '../../core/storage/apps.ts'
import {
  auditChainRecord,
  auditCheckpointRecord,
  type AuditChainRecord,
  type AuditCheckpointRecord,
} from '../../core/storage/audit-chain.ts'
import { auditEntryRecord, type AuditEntryRecord } from '../../core/storage/audit-entries.ts'
import { customerRecord, type CustomerRecord } from '../../core/storage/customers.ts'
import { deletionRecord, type DeletionRecord } from '../../core/storage/deletions.ts'
import { deliveryRecord, type DeliveryRecord } from '../../core/storage/deliveries.ts'
import { expiryNotice, type ExpiryNotice } from '../../core/storage/expiry-notices.ts'
import { featureRecord, type FeatureRecord } from '../../core/storage/features.ts'
import { storedResponseRecord, type StoredResponseRecord } from '../../core/storage/idempotency.ts'
import type { LicenseStanding } from '../../core/storage/immediate-reads.ts'
import type { Limits } from '../../core/limits.ts'
import { keyStatementRecord, type KeyStatementRecord } from '../../core/storage/key-statements.ts'
import { licenseKeyRecord, type LicenseKeyRecord } from '../../core/storage/license-keys.ts'
import { licenseRecord, type LicenseRecord } from '../../core/storage/licenses.ts'
import { type Field, fieldsOf } from '../../core/storage/schema.ts'
import { foldName } from '../../core/storage/search.ts'
import { signingKeyRecord, type SigningKeyRecord } from '../../core/storage/signing-keys.ts'
import { snapshotRecord, type SnapshotRecord } from '../../core/storage/snapshots.ts'
import { tallyRecord, type TallyRecord } from '../../core/storage/tallies.ts'
import { tierRecord, type TierRecord } from '../../core/storage/tiers.ts'
import { webhookRecord, type WebhookRecord } from '../../core/storage/webhooks.ts'
import { snakeCase } from '../../core/wire.ts'
import type { Row } from '../schema.ts'

/** The conversion between a field and its column. A direction without a function takes the value as it is. */
interface Codec {
  readonly type: 'text' | 'bigint' | 'integer'
  readonly encode?: ((value: unknown) => unknown) | undefined
  readonly decode?: ((value: unknown) => unknown) | undefined
}

const text: Codec = { type: 'text' }

function fromJson(value: unknown): unknown {
  if (value === null) return null
  // Most lists and objects are empty. Then a literal takes a fraction of the time.
  if (value === '[]') return []
  if (value === '{}') return {}
  return JSON.parse(value as string)
}

/** Drivers of PostgreSQL return `bigint` as text. */
function fromInteger(value: unknown): number | null {
  return value === null ? null : Number(value)
}

const json: Codec = {
  type: 'text',
  encode: (value) => (value === null ? null : JSON.stringify(value)),
  decode: fromJson,
}
const codecs: Readonly<Record<Field['type'], Codec>> = {
  string: text,
  integer: { type: 'bigint', decode: fromInteger },
  // Some drivers cannot bind a boolean.
  boolean: {
    type: 'integer',
    encode: (value) => (value === true ? 1 : 0),
    decode: (value) => Number(value) === 1,
  },
  array: json,
  object: json,
}

interface Column extends Codec {
  readonly field: string
  readonly name: string
}

/** The name of the column for a field: `createdAt` is in `created_at`. */
export function columnName(field: string): string {
  return snakeCase(field)
}

/** Turns rows of one table into records and back. */
export class RowMapper<Entry extends object> {
  readonly columns: readonly Column[]

  constructor(fields: readonly Field[]) {
    this.columns = fields.map((field) => {
      const { type, encode, decode } = codecs[field.type]
      // Every column has the same properties: objects of one shape are faster to read.
      return { field: field.name, name: columnName(field.name), type, encode, decode }
    })
  }

  toRecord(row: Row<Entry>): Entry {
    const values = row as Readonly<Record<string, unknown>>
    const record: Record<string, unknown> = {}
    for (const column of this.columns) {
      const value = values[column.name]
      record[column.field] = column.decode === undefined ? value : column.decode(value)
    }
    return record as Entry
  }

  toRecordOrNull(row: Row<Entry> | null | undefined): Entry | null {
    return row === undefined || row === null ? null : this.toRecord(row)
  }

  toRecords(rows: readonly Row<Entry>[]): Entry[] {
    return rows.map((row) => this.toRecord(row))
  }

  toRow(record: Entry): Row<Entry> {
    return this.toColumns(record) as unknown as Row<Entry>
  }

  /** The values of a row, in the order of `columns`. */
  toValues(record: Entry): unknown[] {
    const values = record as Readonly<Record<string, unknown>>
    return this.columns.map(({ field, encode }) => {
      const value = values[field] ?? null
      return encode === undefined ? value : encode(value)
    })
  }

  /** The columns of the fields that `patch` has. */
  toColumns(patch: Partial<Entry>): Partial<Row<Entry>> {
    const values = patch as Readonly<Record<string, unknown>>
    const row: Record<string, unknown> = {}
    for (const { field, name, encode } of this.columns) {
      const value = values[field]
      if (value !== undefined) row[name] = encode === undefined ? value : encode(value)
    }
    return row as Partial<Row<Entry>>
  }

  /**
   * The columns that an update of a row sets. It names the id only if nothing else changes: SQLite looks for the children of a
   * row whose id an update names, and a customer may have 100,000 licenses.
   */
  toChanges(id: string, patch: Partial<Entry>): Partial<Row<Entry>> {
    const columns = this.toColumns(patch)
    return Object.keys(columns).length === 0 ? ({ id } as unknown as Partial<Row<Entry>>) : columns
  }
}

export const appRows: RowMapper<AppRecord> = new RowMapper(fieldsOf(appRecord))
export const signingKeyRows: RowMapper<SigningKeyRecord> = new RowMapper(fieldsOf(signingKeyRecord))
export const keyStatementRows: RowMapper<KeyStatementRecord> = new RowMapper(fieldsOf(keyStatementRecord))
export const featureRows: RowMapper<FeatureRecord> = new RowMapper(fieldsOf(featureRecord))
export const customerRows: RowMapper<CustomerRecord> = new RowMapper(fieldsOf(customerRecord))

/** A customer with the name that the search compares. It follows from the name, so records do not have it. */
interface StoredCustomer extends CustomerRecord {
  readonly foldedName: string | null
}

class StoredCustomerMapper extends RowMapper<StoredCustomer> {
  override toValues(customer: CustomerRecord): unknown[] {
    return super.toValues(withFoldedName(customer))
  }

  override toColumns(patch: Partial<CustomerRecord>): Partial<Row<StoredCustomer>> {
    return super.toColumns(patch.name === undefined ? patch : withFoldedName(patch))
  }
}

function withFoldedName<Given extends Partial<CustomerRecord>>(
  customer: Given,
): Given & { foldedName: string | null } {
  const { name = null } = customer
  return { ...customer, foldedName: name === null ? null : foldName(name) }
}

/** The columns that a write of a customer has. */
export const storedCustomerRows: StoredCustomerMapper = new StoredCustomerMapper([
  ...fieldsOf(customerRecord),
  { ...fieldsOf(customerRecord).find(({ name }) => name === 'name')!, name: 'foldedName' },
])
export const licenseRows: RowMapper<LicenseRecord> = new RowMapper(fieldsOf(licenseRecord))
export const licenseKeyRows: RowMapper<LicenseKeyRecord> = new RowMapper(fieldsOf(licenseKeyRecord))
// The type checker asks for every field of a standing, and for no other.
const isStanding: Readonly<Record<keyof LicenseStanding, true>> = {
  appId: true,
  tier: true,
  tierFeatures: true,
  customFeatures: true,
  tierLimits: true,
  customLimits: true,
  updatesUntil: true,
  installationId: true,
  expiresAt: true,
  revokedAt: true,
  revokedCause: true,
  minRevision: true,
  revision: true,
}

class StandingMapper extends RowMapper<LicenseStanding> {
  /** As for other rows, with each field written out: a verification spends a tenth of its time on the loop over the columns. */
  override toRecord(row: Row<LicenseStanding>): LicenseStanding {
    return {
      appId: row.app_id,
      tier: row.tier,
      tierFeatures: fromJson(row.tier_features) as string[],
      customFeatures: fromJson(row.custom_features) as string[],
      tierLimits: fromJson(row.tier_limits) as Limits,
      customLimits: fromJson(row.custom_limits) as Limits,
      installationId: row.installation_id,
      expiresAt: fromInteger(row.expires_at),
      updatesUntil: fromInteger(row.updates_until),
      revokedAt: fromInteger(row.revoked_at),
      revokedCause: row.revoked_cause,
      revision: fromInteger(row.revision)!,
      minRevision: fromInteger(row.min_revision)!,
    }
  }
}

/** The columns that a verification reads. */
export const standingRows: RowMapper<LicenseStanding> = new StandingMapper(
  fieldsOf(licenseRecord).filter(({ name }) => Object.hasOwn(isStanding, name)),
)
export const expiryNoticeRows: RowMapper<ExpiryNotice> = new RowMapper(fieldsOf(expiryNotice))
export const apiKeyRows: RowMapper<ApiKeyRecord> = new RowMapper(fieldsOf(apiKeyRecord))
export const storedResponseRows: RowMapper<StoredResponseRecord> = new RowMapper(
  fieldsOf(storedResponseRecord),
)
export const webhookRows: RowMapper<WebhookRecord> = new RowMapper(fieldsOf(webhookRecord))
export const auditEntryRows: RowMapper<AuditEntryRecord> = new RowMapper(fieldsOf(auditEntryRecord))

/** The columns of an entry that waits for its seal. */
export const unsealedEntryRows: RowMapper<Omit<AuditEntryRecord, 'seq' | 'mac'>> = new RowMapper(
  fieldsOf(auditEntryRecord).filter(({ name }) => name !== 'seq' && name !== 'mac'),
)
export const auditChainRows: RowMapper<AuditChainRecord> = new RowMapper(fieldsOf(auditChainRecord))
export const auditCheckpointRows: RowMapper<AuditCheckpointRecord> = new RowMapper(
  fieldsOf(auditCheckpointRecord),
)
export const deletionRows: RowMapper<DeletionRecord> = new RowMapper(fieldsOf(deletionRecord))
export const deliveryRows: RowMapper<DeliveryRecord> = new RowMapper(fieldsOf(deliveryRecord))
export const tallyRows: RowMapper<TallyRecord> = new RowMapper(fieldsOf(tallyRecord))
export const snapshotRows: RowMapper<SnapshotRecord> = new RowMapper(fieldsOf(snapshotRecord))

/** The columns that a write of a tier has. Its features are rows of a table of their own. */
export const storedTierRows: RowMapper<Omit<TierRecord, 'features'>> = new RowMapper(
  fieldsOf(tierRecord).filter(({ name }) => name !== 'features'),
)

/** The columns that a read of a tier has: its features come with it as JSON. */
export const tierRows: RowMapper<TierRecord> = new RowMapper(fieldsOf(tierRecord))
