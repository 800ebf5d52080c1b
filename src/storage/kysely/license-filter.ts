import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { LicenseFilter, LicenseRecord, NumericDate } from '../../core/storage/index.ts'
import type { Database, Row } from '../schema.ts'
import type { Reader } from './executor.ts'
import { findLeavingCustomers, isLicensePresent, licenseColumns } from './presence.ts'
import { countOf } from './queries.ts'

export type Licenses = SelectQueryBuilder<Database, 'heartwood_license', unknown>

/** The licenses that pass the filter. */
export function matching(db: Reader, filter: LicenseFilter): Licenses {
  const query = inAnyState(db, filter)
  return filter.status === undefined ? query : query.where(statusIs(filter.status, filter.now))
}

/** The licenses that pass the filter and are not being deleted with their customer. */
export function presentLicenses(
  db: Reader,
  filter: LicenseFilter,
): SelectQueryBuilder<Database, 'heartwood_license', Row<LicenseRecord>> {
  return selectPresent(matching(db, filter))
}

/** The columns of the licenses that are not being deleted. */
export function selectPresent(
  licenses: Licenses,
): SelectQueryBuilder<Database, 'heartwood_license', Row<LicenseRecord>> {
  return licenses.where(isLicensePresent).select(licenseColumns)
}

/** True for rows that have the status as of `now`. */
export function statusIs(
  status: 'active' | 'expired' | 'revoked',
  now: NumericDate,
  revokedAt: RawBuilder<unknown> = sql.ref('revoked_at'),
  expiresAt: RawBuilder<unknown> = sql.ref('expires_at'),
): RawBuilder<SqlBool> {
  if (status === 'revoked') return sql<SqlBool>`${revokedAt} is not null`
  if (status === 'expired') return sql<SqlBool>`(${revokedAt} is null and ${expiresAt} <= ${now})`
  return sql<SqlBool>`(${revokedAt} is null and (${expiresAt} > ${now} or ${expiresAt} is null))`
}

/** Counts the licenses apart that are being deleted, because a condition on each would make the database read every row. */
export async function countLicenses(db: Reader, filter: LicenseFilter): Promise<number> {
  const leaving = await findLeavingCustomers(db, filter.appId)
  if (filter.customerId !== undefined && leaving.includes(filter.customerId)) return 0
  let count = await countMatching(db, filter)
  if (filter.customerId !== undefined) return count
  for (const customerId of leaving) count -= await countMatching(db, { ...filter, customerId })
  return count
}

/**
 * The number of licenses that pass the filter. Active licenses are the sum of two counts: an `or` over both would not use
 * the partial index, and would read every row.
 */
async function countMatching(db: Reader, filter: LicenseFilter): Promise<number> {
  if (filter.status !== 'active') return countOf(matching(db, filter))
  const unrevoked = inAnyState(db, filter).where('revoked_at', 'is', null)
  const row = await db
    .selectNoFrom([
      unrevoked.where('expires_at', '>', filter.now).select(count).as('limited'),
      unrevoked.where('expires_at', 'is', null).select(count).as('forever'),
    ])
    .executeTakeFirstOrThrow()
  return Number(row.limited) + Number(row.forever)
}

/** The conditions on times. `column` makes the left side of each from the name of its column. */
export function timeConditions(
  filter: LicenseFilter,
  column: (name: string) => RawBuilder<unknown> = sql.ref,
): readonly RawBuilder<SqlBool>[] {
  const { expiresBefore, expiresAfter, seenBefore, createdAfter } = filter
  const conditions = [
    expiresBefore !== undefined && sql<SqlBool>`${column('expires_at')} < ${expiresBefore}`,
    expiresAfter !== undefined && sql<SqlBool>`${column('expires_at')} >= ${expiresAfter}`,
    seenBefore !== undefined && sql<SqlBool>`${column('seen_at')} < ${seenBefore}`,
    createdAfter !== undefined && sql<SqlBool>`${column('created_at')} >= ${createdAfter}`,
  ]
  return conditions.filter((condition) => condition !== false)
}

const count = sql<number | string>`count(*)`.as('count')

function inAnyState(db: Reader, filter: LicenseFilter): Licenses {
  let query = db.selectFrom('heartwood_license').where('app_id', '=', filter.appId)
  if (filter.customerId !== undefined) query = query.where('customer_id', '=', filter.customerId)
  if (filter.tierId !== undefined)
    query = query.where('tier_id', filter.tierId === null ? 'is' : '=', filter.tierId)
  if (filter.installationId !== undefined) query = query.where('installation_id', '=', filter.installationId)
  if (filter.licenseKeyId !== undefined) query = query.where('license_key_id', '=', filter.licenseKeyId)
  return timeConditions(filter).reduce((licenses, condition) => licenses.where(condition), query)
}
