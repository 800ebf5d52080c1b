import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { readId } from './ids.ts'
import { isText } from './input/parse.ts'
import { requirePermission, sees, type Permission } from './principal.ts'
import type { AppRecord, FeatureRecord, LicenseRecord, StorageSession, TierRecord } from './storage/index.ts'

/** The app with this slug or id; `null` if it does not exist. */
export async function findApp({ app: known, storage }: Context, app: string): Promise<AppRecord | null> {
  if (known !== null && (known.id === app || known.slug === app)) return known
  return isText(app) ? storage.findApp(app) : null
}

/**
 * The app with this slug or id, if the caller sees it and has the permission.
 *
 * @throws {LicensingError} `not_found`, `forbidden`, in this order.
 */
export async function requireApp(context: Context, app: string, permission: Permission): Promise<AppRecord> {
  return checkApp(context, await findApp(context, app), permission)
}

/** The app that was found, if the caller sees it and has the permission: see {@link requireApp}. */
export function checkApp(
  { principal }: Context,
  record: AppRecord | null,
  permission: Permission,
): AppRecord {
  if (record === null || !sees(principal, record)) throw new LicensingError('not_found', 'App not found')
  requirePermission(principal, permission)
  return record
}

/** The tier with this id or slug. @throws {LicensingError} `not_found`. */
export async function requireTier(
  storage: StorageSession,
  app: AppRecord,
  tier: string,
): Promise<TierRecord> {
  const record = isText(tier) ? await storage.findTier(app.id, tier) : null
  if (record === null) throw new LicensingError('not_found', 'Tier not found')
  return record
}

/** The feature with this id or slug. @throws {LicensingError} `not_found`. */
export async function requireFeature(
  storage: StorageSession,
  app: AppRecord,
  feature: string,
): Promise<FeatureRecord> {
  const record = isText(feature) ? await storage.findFeature(app.id, feature) : null
  if (record === null) throw new LicensingError('not_found', 'Feature not found')
  return record
}

/** The stored form of a license's id, given as TypeID or UUID. @throws {LicensingError} `not_found`. */
export function licenseId(id: string): string {
  const known = readId('lic', id)
  if (known === null) throw new LicensingError('not_found', 'License not found')
  return known
}

/** The license with this id. @throws {LicensingError} `not_found`. */
export async function requireLicense(context: Context, app: AppRecord, id: string): Promise<LicenseRecord> {
  const license = await context.storage.findLicense(app.id, id)
  if (license === null) throw new LicensingError('not_found', 'License not found')
  return license
}
