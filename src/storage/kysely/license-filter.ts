import { sql, type Kysely, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { LicenseFilter, NumericDate } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { countOf } from './session.ts'

export type Licenses = SelectQueryBuilder<Database, 'heartwood_license', unknown>

/** The licenses that pass. */
export function matching(db: Kysely<Database>, filter: LicenseFilter): Licenses {
  const query = inAnyState(db, filter)
  return filter.status === undefined ? query : query.where(statusIs(filter.status, filter.now))
}

/** Whether a row has the status as of `now`. */
export function statusIs(status: 'active' | 'expired' | 'revoked', now: NumericDate): RawBuilder<SqlBool> {
  if (status === 'revoked') return sql<SqlBool>`revoked_at is not null`
  if (status === 'expired') return sql<SqlBool>`(revoked_at is null and expires_at <= ${now})`
  return sql<SqlBool>`(revoked_at is null and (expires_at > ${now} or expires_at is null))`
}

/**
 * How many licenses pass. Active ones are the sum of two counts, since an `or` over both would leave the partial index
 * and read every row.
 */
export async function countLicenses(db: Kysely<Database>, filter: LicenseFilter): Promise<number> {
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

const count = sql<number | string>`count(*)`.as('count')

function inAnyState(db: Kysely<Database>, filter: Omit<LicenseFilter, 'status' | 'now'>): Licenses {
  let query = db.selectFrom('heartwood_license').where('app_id', '=', filter.appId)
  if (filter.customerId !== undefined) query = query.where('customer_id', '=', filter.customerId)
  if (filter.tierId !== undefined) query = query.where('tier_id', '=', filter.tierId)
  if (filter.installationId !== undefined) query = query.where('installation_id', '=', filter.installationId)
  return query
}
