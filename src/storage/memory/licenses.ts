import type {
  LicenseFilter,
  LicenseOrder,
  LicensePatch,
  LicenseRecord,
  LicenseStorage,
  NumericDate,
  Page,
  Position,
  RegeneratedPage,
  RegenerationPage,
  SeenCount,
  SeenFilter,
} from '../../core/storage/index.ts'
import { statusOf } from '../../core/token/decision.ts'
import { findApp } from './apps.ts'
import { addEntry } from './audit-entries.ts'
import { patched } from './frozen.ts'
import type { Runner } from './runner.ts'
import { byId, countOf, keyOf, takePage } from './table.ts'
import { inApp, type LookUps, requireParent, type Tables } from './tables.ts'
import { featuresOf } from './tiers.ts'

export function licenseStorage({ read, write }: Runner): LicenseStorage {
  return {
    findLicense: (appId, id) => read(({ licenses }) => inApp(appId, licenses.get(id))),
    findCurrentLicense: (appSlugOrId, installationId) =>
      read((tables) => {
        const app = findApp(tables, appSlugOrId)
        return app && tables.licenses.getBy(0, keyOf(app.id, installationId))
      }),
    insertLicense: (license, entry) =>
      write((tables) => {
        requireParents(tables, license)
        return addEntry(tables, entry, tables.licenses.insert(license))
      }),
    releaseInstallation: (appId, installationId, now, exceptId) =>
      write((tables) => releaseInstallation(tables, keyOf(appId, installationId), now, exceptId)),
    updateLicense: (id, expectedVersion, patch, entry) =>
      write((tables) => addEntry(tables, entry, updateLicense(tables, id, expectedVersion, patch))),
    deleteLicense: (id) =>
      write(({ licenses, notices }) => {
        notices.deleteWhere(id)
        return licenses.delete(id)
      }),
    listLicenses: (filter, page, order) =>
      read(({ licenses }) =>
        order === undefined
          ? takePage(licenses.descending(filter.appId, page.after), page, licensePasses(filter))
          : inOrder(licenses.ascending(filter.appId), filter, order, page),
      ),
    countLicenses: (filter) =>
      read(({ licenses }) => countOf(licenses.ascending(filter.appId), licensePasses(filter))),
    countSeen: (filter) => read((tables) => countSeen(tables, filter)),
    regenerateMany: (page) => write((tables) => regenerateMany(tables, page)),
  }
}

function requireParents({ apps, customers, tiers, licenseKeys }: LookUps, license: LicenseRecord): void {
  requireParent(apps.get(license.appId) && customers.get(license.customerId))
  if (license.tierId !== null) requireParent(tiers.get(license.tierId))
  if (license.licenseKeyId !== null) requireParent(licenseKeys.get(license.licenseKeyId))
}

function releaseInstallation(
  { licenses }: Tables,
  slot: string,
  now: NumericDate,
  exceptId: string | undefined,
): void {
  const license = licenses.getBy(0, slot)
  if (license === null || license.id === exceptId || statusOf(license, now) === 'active') return
  const isTakenSeat = license.licenseKeyId !== null && license.revokedAt === null
  const revoked = { revokedAt: now, revokedCause: 'replaced', updatedAt: now } as const
  licenses.replace({ ...license, ...(isTakenSeat && revoked), current: false, version: license.version + 1 })
}

function updateLicense(
  tables: Tables,
  id: string,
  expectedVersion: number,
  patch: LicensePatch,
): LicenseRecord | null {
  const license = tables.licenses.get(id)
  if (license?.version !== expectedVersion) return null
  const changed = { ...patched(license, patch), version: expectedVersion + 1 }
  requireParents(tables, changed)
  return tables.licenses.replace(changed)
}

function licensePasses(filter: LicenseFilter): (license: LicenseRecord) => boolean {
  return (license) =>
    (filter.status === undefined || statusOf(license, filter.now) === filter.status) &&
    (filter.customerId === undefined || license.customerId === filter.customerId) &&
    (filter.tierId === undefined || license.tierId === filter.tierId) &&
    (filter.installationId === undefined || license.installationId === filter.installationId) &&
    (filter.licenseKeyId === undefined || license.licenseKeyId === filter.licenseKeyId) &&
    timesPass(license, filter)
}

function timesPass(
  { expiresAt, seenAt, createdAt }: LicenseRecord,
  { expiresBefore, expiresAfter, seenBefore, createdAfter }: LicenseFilter,
): boolean {
  const isBefore = (time: NumericDate | null, end: NumericDate | undefined): boolean =>
    end === undefined || (time !== null && time < end)
  const isFrom = (time: NumericDate | null, first: NumericDate | undefined): boolean =>
    first === undefined || (time !== null && time >= first)
  return (
    isBefore(expiresAt, expiresBefore) &&
    isFrom(expiresAt, expiresAfter) &&
    isBefore(seenAt, seenBefore) &&
    isFrom(createdAt, createdAfter)
  )
}

/** Licenses without end come last in either direction. */
function inOrder(
  licenses: Iterable<LicenseRecord>,
  filter: LicenseFilter,
  { by, descending }: LicenseOrder,
  { after, ...page }: Page,
): readonly LicenseRecord[] {
  const rise = descending ? -1 : 1
  const compare = (a: Position, b: Position): number => {
    const [first, second] = [a.position ?? null, b.position ?? null]
    if (first === null || second === null) if (first !== second) return first === null ? 1 : -1
    return rise * ((first ?? 0) - (second ?? 0) || byId(a, b))
  }
  const position = (license: LicenseRecord): Position => ({ id: license.id, position: license[by] })
  const found = [...licenses]
    .filter(licensePasses(filter))
    .filter((license) => by !== 'seenAt' || license.seenAt !== null)
    .filter((license) => after === undefined || compare(position(license), after) > 0)
  return takePage(
    found.toSorted((a, b) => compare(position(a), position(b))),
    page,
  )
}

function countSeen({ licenses }: LookUps, { appId, now, since }: SeenFilter): readonly SeenCount[] {
  const isActive = licensePasses({ appId, now, status: 'active' })
  const counts = new Map<string, SeenCount>()
  for (const license of licenses.ascending(appId)) {
    if (!isActive(license)) continue
    const { seenAt, seenKid: kid } = license
    const group = { kid, since: since.find((time) => seenAt !== null && time <= seenAt) ?? null }
    const key = JSON.stringify(group)
    counts.set(key, { ...group, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts.values()]
}

function regenerateMany(tables: Tables, request: RegenerationPage): RegeneratedPage {
  const after = request.after === undefined ? undefined : { id: request.after }
  const passes = licensePasses({ ...request, status: 'active' })
  const isDue = (license: LicenseRecord): boolean => license.tierId !== null && passes(license)
  const all = tables.licenses.ascending(request.appId, after)
  const found = takePage(all, { limit: request.limit + 1 }, isDue)
  const page = found.slice(0, request.limit)
  for (const license of page) regenerate(tables, license, request.now)
  return { count: page.length, last: found.length > page.length ? (page.at(-1)?.id ?? null) : null }
}

function regenerate(tables: Tables, license: LicenseRecord, now: NumericDate): void {
  tables.licenses.replace({
    ...license,
    tierFeatures: featuresOf(tables, license.tierId!).map((feature) => feature.slug),
    tierLimits: tables.tiers.get(license.tierId!)!.limits,
    issuedAt: now,
    updatedAt: now,
    revision: license.revision + 1,
    version: license.version + 1,
  })
}
