import { sql, type AliasedRawBuilder, type RawBuilder, type SqlBool } from 'kysely'
import type { LicenseKeyRecord, LicenseRecord } from '../../core/storage/index.ts'
import type { Row } from '../schema.ts'
import type { Reader } from './executor.ts'
import { licenseKeyRows, licenseRows } from './rows.ts'

// A record that is being deleted still has its row, and so have its dependents. These conditions hide them.

/** True unless the id in `column` is that of a record that is being deleted. The table of them is normally empty. */
export function isPresent(column: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`${sql.ref(column)} not in (select id from heartwood_deletion)`
}

/** The columns in which a record has its own id from the moment in which its deletion begins. */
const freed = { heartwood_app: 'slug', heartwood_tier: 'slug', heartwood_customer: 'folded_email' } as const

/**
 * As {@link isPresent}, for a write of the row itself. PostgreSQL looks once more at a row for which it had to wait, and not at
 * the deletions that began meanwhile.
 */
export function isRowPresent(table: keyof typeof freed): RawBuilder<SqlBool> {
  return sql<SqlBool>`${isPresent('id')} and ${sql.ref(freed[table])} <> id`
}

/** True for licenses and license keys that are not being deleted with their customer or app. */
export const isLicensePresent: RawBuilder<SqlBool> = sql<SqlBool>`${isPresent('customer_id')} and ${isPresent('app_id')}`

const tierOrNull: AliasedRawBuilder<string | null, 'tier_id'> = sql<string | null>`
  case when ${isPresent('tier_id')} then tier_id end`.as('tier_id')

type PlainColumn = Exclude<keyof Row<LicenseRecord>, 'tier_id'>

/** The columns of a license. Its tier is `null` from the moment in which the deletion of the tier begins. */
export const licenseColumns: readonly (PlainColumn | typeof tierOrNull)[] = licenseRows.columns.map(
  ({ name }) => (name === 'tier_id' ? tierOrNull : (name as PlainColumn)),
)

type PlainKeyColumn = Exclude<keyof Row<LicenseKeyRecord>, 'tier_id'>

/** The columns of a license key, whose tier is `null` in the same way. */
export const licenseKeyColumns: readonly (PlainKeyColumn | typeof tierOrNull)[] = licenseKeyRows.columns.map(
  ({ name }) => (name === 'tier_id' ? tierOrNull : (name as PlainKeyColumn)),
)

/** The customers of an app that are being deleted. */
export async function findLeavingCustomers(db: Reader, appId: string): Promise<readonly string[]> {
  const deletions = db.selectFrom('heartwood_deletion').select('id').where('app_id', '=', appId)
  return (await deletions.where('kind', '=', 'customer').execute()).map(({ id }) => id)
}
