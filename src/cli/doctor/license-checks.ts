import { statusOf } from '../../core/token/decision.ts'
import type { AppRecord, LicenseRecord, StorageSession } from '../../core/storage/index.ts'
import { batchesOf } from '../../storage/batch.ts'
import { licensePages } from '../backup/records.ts'

interface LicenseChecker {
  readonly session: StorageSession
  report(where: string, what: string): void
  visit(kind: 'license', where: string, record: LicenseRecord): void
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
  for (const license of page) {
    const where = `license ${license.id}`
    visit('license', where, license)
    for (const what of faultsOf(license, now)) report(where, what)
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
