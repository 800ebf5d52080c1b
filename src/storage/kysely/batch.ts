import { sql, type CompiledQuery } from 'kysely'
import type {
  ApiKeyRecord,
  AuditEntryRecord,
  CustomerRecord,
  DeliveryRecord,
  ExpiryNotice,
  FeatureRecord,
  LicenseKeyRecord,
  LicenseRecord,
} from '../../core/storage/index.ts'
import { kindOf } from '../errors.ts'
import type { Database } from '../schema.ts'
import { isPostgres, typed } from './dialect.ts'
import type { Writer } from './executor.ts'
import {
  apiKeyRows,
  auditEntryRows,
  deliveryRows,
  expiryNoticeRows,
  featureRows,
  licenseKeyRows,
  licenseRows,
  storedCustomerRows,
  unsealedEntryRows,
} from './rows.ts'
import type { RowMapper } from './rows.ts'
import { inSavepoint, nullIfRefused } from './savepoint.ts'
import { isInBoth, partsOf } from './unsealed-entries.ts'

/** The kinds of record of which a database may hold many. */
export interface BatchRecords {
  readonly feature: FeatureRecord
  readonly customer: CustomerRecord
  readonly licenseKey: LicenseKeyRecord
  readonly license: LicenseRecord
  readonly notice: ExpiryNotice
  readonly delivery: DeliveryRecord
  readonly apiKey: ApiKeyRecord
  readonly auditEntry: AuditEntryRecord
}

interface Table<Entry extends object> {
  readonly name: keyof Database
  readonly rows: RowMapper<Entry>
}

/** The kinds with a table each. Entries of the audit log have two, because some wait for their seal. */
interface TableRecords extends BatchRecords {
  readonly unsealedEntry: AuditEntryRecord
}

const tables: { readonly [Kind in keyof TableRecords]: Table<TableRecords[Kind]> } = {
  feature: { name: 'heartwood_feature', rows: featureRows },
  customer: { name: 'heartwood_customer', rows: storedCustomerRows },
  licenseKey: { name: 'heartwood_license_key', rows: licenseKeyRows },
  license: { name: 'heartwood_license', rows: licenseRows },
  notice: { name: 'heartwood_license_notice', rows: expiryNoticeRows },
  delivery: { name: 'heartwood_delivery', rows: deliveryRows },
  apiKey: { name: 'heartwood_api_key', rows: apiKeyRows },
  auditEntry: { name: 'heartwood_audit_entry', rows: auditEntryRows },
  unsealedEntry: {
    name: 'heartwood_unsealed_audit_entry',
    rows: unsealedEntryRows as RowMapper<AuditEntryRecord>,
  },
}

/** The most records of one statement: SQLite takes 32,766 values, and a license key has 39. */
export const batchSize = 750

/** Makes the statement that inserts this number of records. */
export type BatchInserts = (kind: keyof TableRecords, count: number) => CompiledQuery

/** Builds the statement of a whole batch once, because building takes longer than running. PostgreSQL has one for any number. */
export function batchInserts(db: Writer): BatchInserts {
  const whole = new Map<keyof TableRecords, CompiledQuery>()
  return (kind, count) => {
    if (count !== batchSize && !isPostgres(db)) return batchInsert(db, kind, count)
    const query = whole.get(kind) ?? batchInsert(db, kind, count)
    whole.set(kind, query)
    return query
  }
}

/** The values are parameters on SQLite. PostgreSQL takes them faster as one list of lists in JSON. */
function batchInsert(db: Writer, kind: keyof TableRecords, count: number): CompiledQuery {
  const { name, rows } = tables[kind]
  const { columns } = rows
  const names = sql.join(columns.map((column) => sql.ref(column.name)))
  const source = isPostgres(db)
    ? sql`select ${sql.join(columns.map(({ type }, at) => sql.raw(`cast(value ->> ${at} as ${type})`)))}
        from json_array_elements(${typed('', 'text')}::json)`
    : sql`values ${sql.join(Array.from({ length: count }, () => sql`(${sql.join(columns.map(() => ''))})`))}`
  return sql`insert into ${sql.table(name)} (${names}) ${source}`.compile(db)
}

/**
 * Inserts at most {@link batchSize} records by one statement. Resolves to `false` and writes nothing if a unique value of one is
 * taken, or if one refers to a record that does not exist.
 */
export async function insertBatch<Kind extends keyof BatchRecords>(
  db: Writer,
  queries: BatchInserts,
  kind: Kind,
  records: readonly BatchRecords[Kind][],
): Promise<boolean> {
  if (kind === 'auditEntry') return insertEntries(db, queries, records as readonly AuditEntryRecord[])
  const insert = (step: Writer) => insertRows<keyof BatchRecords>(step, queries, kind, records)
  return (await nullIfRefused(db, ['unique', 'foreign key'], insert)) !== null
}

async function insertRows<Kind extends keyof TableRecords>(
  db: Writer,
  queries: BatchInserts,
  kind: Kind,
  records: readonly TableRecords[Kind][],
): Promise<true> {
  const values = records.map((record) => tables[kind].rows.toValues(record))
  // An export has the newest record first. SQLite inserts a fifth faster in the order of the ids.
  const parameters = isPostgres(db) ? [JSON.stringify(values)] : values.reverse().flat()
  await db.executeQuery({ ...queries(kind, values.length), parameters })
  return true
}

/** Rolls back entries of which one has the id of an entry in the other table. */
class IdTaken extends Error {}

/** Two statements write the entries, so SQLite needs a savepoint as well. */
async function insertEntries(
  db: Writer,
  queries: BatchInserts,
  entries: readonly AuditEntryRecord[],
): Promise<boolean> {
  const { sealed, unsealed } = partsOf(entries)
  const insert = async (step: Writer): Promise<void> => {
    if (sealed.length > 0) await insertRows(step, queries, 'auditEntry', sealed)
    if (unsealed.length > 0) await insertRows(step, queries, 'unsealedEntry', unsealed)
    if (await isInBoth(step, entries)) throw new IdTaken()
  }
  try {
    await inSavepoint(db, 'heartwood_step', insert)
    return true
  } catch (error) {
    if (error instanceof IdTaken || kindOf(error) === 'unique') return false
    throw error
  }
}
