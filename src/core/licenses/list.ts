import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { requireApp } from '../lookup.ts'
import { mapListing, readPage, type Listing } from '../paging.ts'
import { may, type Permission } from '../principal.ts'
import type { AppRecord, LicenseFilter, LicenseOrder, LicenseRecord } from '../storage/index.ts'
import {
  checkInclude,
  licenseQuery,
  type LicenseQuery,
  type LicenseSort,
  type ParsedLicenseQuery,
} from './input.ts'
import { present, type IncludeToken, type License } from './view.ts'

/** The permission to read licenses, with their tokens if those are asked for. */
export function permissionFor(include: IncludeToken | 'token' | undefined): Permission {
  return include === undefined ? 'licenses:read' : 'licenses:token'
}

async function licenseFilter(
  context: Context,
  app: AppRecord,
  { tierId, installationId, ...query }: ParsedLicenseQuery,
): Promise<LicenseFilter | null> {
  const tier = tierId === undefined ? undefined : await context.storage.findTier(app.id, tierId)
  if (tier === null) return null
  const { status, customerId, licenseKeyId, expiresBefore, expiresAfter, seenBefore, createdAfter } = query
  return {
    appId: app.id,
    now: context.runtime.now(),
    status,
    customerId,
    tierId: tier?.id,
    installationId: installationId?.toLowerCase(),
    licenseKeyId,
    expiresBefore,
    expiresAfter,
    seenBefore,
    createdAfter,
  }
}

/** The name of an order, as a cursor holds it. */
type OrderName = LicenseSort | '-seen_at'

const orders: Readonly<Record<OrderName, LicenseOrder>> = {
  created_at: { by: 'createdAt', descending: false },
  '-created_at': { by: 'createdAt', descending: true },
  expires_at: { by: 'expiresAt', descending: false },
  '-expires_at': { by: 'expiresAt', descending: true },
  '-seen_at': { by: 'seenAt', descending: true },
}

/**
 * The order by a time; `undefined` for newest first. Without a wish, a filter by time has the order of its own index, because
 * a page in another order may have to pass over most licenses.
 */
function orderOf(query: ParsedLicenseQuery): OrderName | undefined {
  if (query.sort !== undefined) return query.sort
  if (query.expiresBefore !== undefined || query.expiresAfter !== undefined) return 'expires_at'
  if (query.seenBefore !== undefined) return '-seen_at'
  if (query.createdAfter === undefined) return undefined
  return query.status === 'expired' ? '-expires_at' : '-created_at'
}

/** A public key does not see `seenAt`, and would learn it from this filter. */
function checkSeenFilter({ principal }: Context, { seenBefore }: ParsedLicenseQuery): void {
  if (seenBefore !== undefined && !may(principal, 'licenses:token'))
    throw new LicensingError('forbidden', 'A search by the last sign of life requires a secret key (sk_*)')
}

export async function listLicenses(
  context: Context,
  app: string,
  query: LicenseQuery = {},
): Promise<Listing<License>> {
  const given = licenseQuery.parse(query)
  checkInclude(given)
  const record = await requireApp(context, app, permissionFor(given.include))
  checkSeenFilter(context, given)
  const filter = await licenseFilter(context, record, given)
  const name = orderOf(given)
  const order = name && orders[name]
  const listing = await readPage<LicenseRecord>(given, {
    prefix: 'lic',
    order: name,
    list: async (page) => (filter === null ? [] : context.storage.listLicenses(filter, page, order)),
    count: async () => (filter === null ? 0 : context.storage.countLicenses(filter)),
    position: (license) =>
      order === undefined ? { id: license.id } : { id: license.id, position: license[order.by] },
  })
  const options = given.include === undefined ? undefined : ({ include: 'token' } as const)
  return mapListing(listing, (license) => present(context, record, license, options))
}
