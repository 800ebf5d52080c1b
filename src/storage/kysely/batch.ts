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
} from './rows.ts'
import type { RowMapper } from './rows.ts'
import { nullIfRefused } from './savepoint.ts'

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

const tables: { readonly [Kind in keyof BatchRecords]: Table<BatchRecords[Kind]> } = {
  feature: { name: 'heartwood_feature', rows: featureRows },
  customer: { name: 'heartwood_customer', rows: storedCustomerRows },
  licenseKey: { name: 'heartwood_license_key', rows: licenseKeyRows },
  license: { name: 'heartwood_license', rows: licenseRows },
  notice: { name: 'heartwood_license_notice', rows: expiryNoticeRows },
  delivery: { name: 'heartwood_delivery', rows: deliveryRows },
  apiKey: { name: 'heartwood_api_key', rows: apiKeyRows },
  auditEntry: { name: 'heartwood_audit_entry', rows: auditEntryRows },
}

/** The most records of one statement: SQLite takes 32,766 values, and a license key has 39. */
export const batchSize = 750

/** Makes the statement that inserts this number of records. */
export type BatchInserts = (kind: keyof BatchRecords, count: number) => CompiledQuery

/** Builds the statement of a whole batch once, because building takes longer than running. PostgreSQL has one for any number. */
export function batchInserts(db: Writer): BatchInserts {
  const whole = new Map<keyof BatchRecords, CompiledQuery>()
  return (kind, count) => {
    if (count !== batchSize && !isPostgres(db)) return batchInsert(db, kind, count)
    const query = whole.get(kind) ?? batchInsert(db, kind, count)
    whole.set(kind, query)
    return query
  }
}

/** The values are parameters on SQLite. PostgreSQL takes them faster as one list of lists in JSON. */
function batchInsert(db: Writer, kind: keyof BatchRecords, count: number): CompiledQuery {
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
  const values = records.map((record) => tables[kind].rows.toValues(record))
  // An export has the newest record first. SQLite inserts a fifth faster in the order of the ids.
  const parameters = isPostgres(db) ? [JSON.stringify(values)] : values.reverse().flat()
  const query = { ...queries(kind, values.length), parameters }
  return (await nullIfRefused(db, ['unique', 'foreign key'], (step) => step.executeQuery(query))) !== null
}
