import { statusOf } from '../../core/token/decision.ts'
import type { AppRecord, LicenseKeyRecord, LicenseRecord, StorageSession } from '../../core/storage/index.ts'
import { batchesOf } from '../../storage/batch.ts'
import { licensePages } from '../backup/records.ts'
import { seatFaults } from './seat-faults.ts'

export interface LicenseChecker {
  readonly session: StorageSession
  report(where: string, what: string): void
  visit(kind: 'license', where: string, record: LicenseRecord): void
  visit(kind: 'licenseKey', where: string, record: LicenseKeyRecord): void
}

/** The faults that a license shows without a look at other records. */
function faultsOf(license: LicenseRecord, now: number): readonly string[] {
  const { revision, minRevision, version, current, revokedAt, revokedCause, seenAt, seenKid } = license
  return [
    ...(revision < minRevision ? ['has a revision below the lowest that is accepted'] : []),
    ...(revision < 1 || version < 1 ? ['has a counter below one'] : []),
    ...(statusOf(license, now) === 'active' && !current
      ? ['is active without the place of its installation']
      : []),
    ...(revokedAt === null && revokedCause !== null ? ['has a cause of a revocation without one'] : []),
    ...((seenAt === null) !== (seenKid === null) ? ['has a half of its last sign of life only'] : []),
  ]
}

/** The license keys of these seats, by id. */
async function licenseKeysOf(
  session: StorageSession,
  appId: string,
  page: readonly LicenseRecord[],
): Promise<ReadonlyMap<string, LicenseKeyRecord>> {
  const ids = new Set(page.flatMap(({ licenseKeyId }) => licenseKeyId ?? []))
  const keys = new Map<string, LicenseKeyRecord>()
  for (const id of ids) {
    const key = await session.findLicenseKey(appId, id)
    if (key !== null) keys.set(id, key)
  }
  return keys
}

async function checkPage(
  { session, visit, report }: LicenseChecker,
  app: AppRecord,
  tiers: ReadonlySet<string>,
  page: readonly LicenseRecord[],
): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const batches = batchesOf(session)
  const customers = await batches.findCustomerIds(app.id, [...new Set(page.map((one) => one.customerId))])
  const owners = await batches.findSlotOwners(
    app.id,
    page.filter((one) => one.current).map((one) => one.installationId),
  )
  const licenseKeys = await licenseKeysOf(session, app.id, page)
  for (const license of page) {
    const where = `license ${license.id}`
    visit('license', where, license)
    for (const what of faultsOf(license, now)) report(where, what)
    for (const what of seatFaults(license, licenseKeys)) report(where, what)
    if (!customers.has(license.customerId)) report(where, 'is of a customer that its app does not have')
    if (license.tierId !== null && !tiers.has(license.tierId))
      report(where, 'is of a tier that its app does not have')
    if (license.current && owners.get(license.installationId) !== license.id)
      report(where, 'shares the place of its installation')
  }
}

/** Checks every license of an app, and passes each one to `visit`. */
export async function checkLicenses(
  checker: LicenseChecker,
  app: AppRecord,
  tiers: ReadonlySet<string>,
  visit: (license: LicenseRecord) => void,
): Promise<void> {
  for await (const page of licensePages(checker.session, app.id)) {
    await checkPage(checker, app, tiers, page)
    page.forEach(visit)
  }
}
