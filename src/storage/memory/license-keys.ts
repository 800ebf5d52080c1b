import type {
  EndingLicenseKeys,
  LicenseKeyFilter,
  LicenseKeyPatch,
  LicenseKeyRecord,
  LicenseKeyStorage,
  NumericDate,
} from '../../core/storage/index.ts'
import { statusOf } from '../../core/token/decision.ts'
import { addEntry } from './audit-entries.ts'
import { patched } from './frozen.ts'
import type { Runner } from './runner.ts'
import { seatStorage } from './seats.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { inApp, type LookUps, requireParent, type Tables } from './tables.ts'

export function licenseKeyStorage(runner: Runner): LicenseKeyStorage {
  const { read, write } = runner
  return {
    insertLicenseKey: (key, entry) =>
      write((tables) => {
        requireParents(tables, key)
        return addEntry(tables, entry, tables.licenseKeys.insert(key))
      }),
    findLicenseKey: (appId, id) => read(({ licenseKeys }) => inApp(appId, licenseKeys.get(id))),
    findLicenseKeyByHandle: (appId, handle) =>
      read(({ licenseKeys }) => licenseKeys.getBy(0, keyOf(appId, handle))),
    findLicenseKeyByAlias: (appId, aliasHash) =>
      read(({ licenseKeys }) => licenseKeys.getBy(1, keyOf(appId, aliasHash))),
    findLicenseKeyByExternalId: (appId, externalId) =>
      read(({ licenseKeys }) => licenseKeys.getBy(2, keyOf(appId, externalId))),
    updateLicenseKey: (id, expectedVersion, patch) =>
      write((tables) => updateLicenseKey(tables, id, expectedVersion, patch)),
    holdLicenseKey: (id) =>
      write((tables) => {
        const key = tables.licenseKeys.get(id)
        return key && updateLicenseKey(tables, id, key.version, {})
      }),
    deleteLicenseKey: (id) => write((tables) => deleteLicenseKey(tables, id)),
    listLicenseKeys: (filter, page) =>
      read(({ licenseKeys }) =>
        takePage(licenseKeys.descending(filter.appId, page.after), page, keyPasses(filter)),
      ),
    countLicenseKeys: (filter) =>
      read(({ licenseKeys }) => countOf(licenseKeys.ascending(filter.appId), keyPasses(filter))),
    listEndingLicenseKeys: (ending) => read((tables) => listEnding(tables, ending)),
    ...seatStorage(runner),
  }
}

function requireParents({ apps, customers, tiers }: LookUps, key: LicenseKeyRecord): void {
  requireParent(apps.get(key.appId) && customers.get(key.customerId))
  if (key.tierId !== null) requireParent(tiers.get(key.tierId))
}

function updateLicenseKey(
  tables: Tables,
  id: string,
  expectedVersion: number,
  patch: LicenseKeyPatch,
): LicenseKeyRecord | null {
  const key = tables.licenseKeys.get(id)
  if (key?.version !== expectedVersion) return null
  const changed = { ...patched(key, patch), version: expectedVersion + 1 }
  requireParents(tables, changed)
  return tables.licenseKeys.replace(changed)
}

function deleteLicenseKey({ licenseKeys, licenses, notices }: Tables, id: string): boolean {
  const key = licenseKeys.get(id)
  if (key === null) return false
  for (const license of licenses.ascending(key.appId))
    if (license.licenseKeyId === id) notices.deleteWhere(license.id)
  licenses.deleteWhere(key.appId, ({ licenseKeyId }) => licenseKeyId === id)
  return licenseKeys.delete(id)
}

function keyPasses(filter: LicenseKeyFilter): (key: LicenseKeyRecord) => boolean {
  return (key) =>
    (filter.status === undefined || statusOf(key, filter.now) === filter.status) &&
    (filter.customerId === undefined || key.customerId === filter.customerId) &&
    (filter.tierId === undefined || key.tierId === filter.tierId)
}

function listEnding(
  { licenseKeys }: LookUps,
  { appId, after, until, unlessTold, limit }: EndingLicenseKeys,
): readonly LicenseKeyRecord[] {
  const endOf = ({ expiresAt }: LicenseKeyRecord): NumericDate => expiresAt ?? Infinity
  const isWanted = (key: LicenseKeyRecord): boolean =>
    key.revokedAt === null && endOf(key) > after && endOf(key) <= until && key[unlessTold] !== key.expiresAt
  const found = [...licenseKeys.ascending(appId)].filter(isWanted)
  return found.toSorted((a, b) => endOf(a) - endOf(b)).slice(0, limit)
}
