import type { LicenseFilter, LicenseRecord, NumericDate, RegenerationPage } from '../../core/storage/index.ts'
import { findApp } from './apps.ts'
import { patched } from './frozen.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { requireParent, type SyncSession, type Tables } from './tables.ts'
import { featuresOf, ofApp } from './tiers.ts'

type LicenseVerbs = Pick<
  SyncSession,
  | 'findLicense'
  | 'findCurrentLicense'
  | 'insertLicense'
  | 'releaseInstallation'
  | 'updateLicense'
  | 'deleteLicense'
  | 'listLicenses'
  | 'countLicenses'
  | 'regenerateMany'
>

export function licenseVerbs(tables: Tables): LicenseVerbs {
  const { licenses } = tables
  return {
    findLicense: (appId, id) => ofApp(appId, licenses.get(id)),
    findCurrentLicense: (appSlugOrId, installationId) => {
      const app = findApp(tables, appSlugOrId)
      return app && licenses.getBy(0, keyOf(app.id, installationId))
    },
    insertLicense: (license) => {
      requireParents(tables, license)
      return licenses.insert(license)
    },
    releaseInstallation: (appId, installationId, now, exceptId) => {
      const license = licenses.getBy(0, keyOf(appId, installationId))
      if (license === null || license.id === exceptId || statusOf(license, now) === 'active') return
      licenses.replace({ ...license, current: false, version: license.version + 1 })
    },
    updateLicense: (id, expectedVersion, patch) => {
      const license = licenses.get(id)
      if (license?.version !== expectedVersion) return null
      const changed = { ...patched(license, patch), version: expectedVersion + 1 }
      requireParents(tables, changed)
      return licenses.replace(changed)
    },
    deleteLicense: (id) => {
      tables.notices.deleteWhere(id)
      return licenses.delete(id)
    },
    listLicenses: (filter, page) =>
      takePage(licenses.descending(filter.appId, page.after), page, licensePasses(filter)),
    countLicenses: (filter) => countOf(licenses.ascending(filter.appId), licensePasses(filter)),
    regenerateMany: (reissue) => regenerateMany(tables, reissue),
  }
}

function requireParents({ apps, customers, tiers }: Tables, license: LicenseRecord): void {
  requireParent(apps.get(license.appId) && customers.get(license.customerId))
  if (license.tierId !== null) requireParent(tiers.get(license.tierId))
}

function statusOf(
  { revokedAt, expiresAt }: LicenseRecord,
  now: NumericDate,
): 'active' | 'expired' | 'revoked' {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && now >= expiresAt ? 'expired' : 'active'
}

function licensePasses(filter: LicenseFilter): (license: LicenseRecord) => boolean {
  return (license) =>
    (filter.status === undefined || statusOf(license, filter.now) === filter.status) &&
    (filter.customerId === undefined || license.customerId === filter.customerId) &&
    (filter.tierId === undefined || license.tierId === filter.tierId) &&
    (filter.installationId === undefined || license.installationId === filter.installationId)
}

function regenerateMany(tables: Tables, reissue: RegenerationPage): { count: number; last: string | null } {
  const after = reissue.after === undefined ? undefined : { id: reissue.after }
  const passes = licensePasses({ ...reissue, status: 'active' })
  const wanted = (license: LicenseRecord): boolean => license.tierId !== null && passes(license)
  const all = tables.licenses.ascending(reissue.appId, after)
  const found = takePage(all, { limit: reissue.limit + 1 }, wanted)
  const page = found.slice(0, reissue.limit)
  for (const license of page) reissueLicense(tables, license, reissue.now)
  return { count: page.length, last: found.length > page.length ? (page.at(-1)?.id ?? null) : null }
}

function reissueLicense(tables: Tables, license: LicenseRecord, now: NumericDate): void {
  tables.licenses.replace({
    ...license,
    tierFeatures: featuresOf(tables, license.tierId!).map((feature) => feature.slug),
    issuedAt: now,
    updatedAt: now,
    revision: license.revision + 1,
    version: license.version + 1,
  })
}
