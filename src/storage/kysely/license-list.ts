import { sql, type RawBuilder, type SqlBool } from 'kysely'
import type { LicenseFilter } from '../../core/storage/index.ts'
import type { Executor, Reader } from './executor.ts'
import { type Licenses, matching, statusIs, timeConditions } from './license-filter.ts'
import { findLeavingCustomers } from './presence.ts'
import { isNoneOf, type List, tested } from './walk.ts'

/** With no more expired licenses than this, to read and sort them all is faster than to look for them among the others. */
const fewExpired = 1_000

/** The licenses that pass the filter, as a list to walk. Those of customers that are being deleted are left out. */
export async function licenseList(
  executor: Executor,
  filter: LicenseFilter,
): Promise<List<'heartwood_license'>> {
  const leaving = await executor.read((db) => findLeavingCustomers(db, filter.appId))
  const hidden = leaving.length === 0 ? [] : [isNoneOf('customer_id', leaving)]
  if (await hasFewExpired(executor, filter))
    return { indexed: (db) => matching(db, filter), conditions: hidden }
  const [first, ...others] = keysOf(filter)
  const app = (db: Reader): Licenses => db.selectFrom('heartwood_license').where('app_id', '=', filter.appId)
  const { status } = filter
  if (first === undefined && status === 'revoked')
    return {
      indexed: (db) => app(db).where(statusIs('revoked', filter.now)),
      conditions: [...timeConditions(filter, tested), ...hidden],
    }
  return {
    indexed: (db) => (first === undefined ? app(db) : app(db).where(isKey(first[0], first))),
    conditions: [
      ...others.map((key) => isKey(tested(key[0]), key)),
      ...timeConditions(filter, tested),
      ...(status === undefined ? [] : [statusIs(status, filter.now, tested('revoked_at'))]),
      ...hidden,
    ],
  }
}

export type Key = readonly [
  column: 'installation_id' | 'license_key_id' | 'customer_id' | 'tier_id',
  value: string | null,
]

/** The columns that the filter names. Each has an index, and the first has the fewest rows of one value. */
export function keysOf({ installationId, licenseKeyId, customerId, tierId }: LicenseFilter): readonly Key[] {
  const keys = [
    ['installation_id', installationId],
    ['license_key_id', licenseKeyId],
    ['customer_id', customerId],
    ['tier_id', tierId],
  ] as const
  return keys.filter((key): key is (typeof keys)[number] & Key => key[1] !== undefined)
}

export function isKey(column: string | RawBuilder<unknown>, [, value]: Key): RawBuilder<SqlBool> {
  const left = typeof column === 'string' ? sql.ref(column) : column
  return value === null ? sql<SqlBool>`${left} is null` : sql<SqlBool>`${left} = ${value}`
}

async function hasFewExpired(executor: Executor, filter: LicenseFilter): Promise<boolean> {
  if (filter.status !== 'expired' || keysOf(filter).length > 0) return false
  const some = await executor.read((db) =>
    matching(db, filter)
      .select('id')
      .limit(fewExpired + 1)
      .execute(),
  )
  return some.length <= fewExpired
}
