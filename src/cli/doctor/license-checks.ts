import { statusOf } from '../../core/token/decision.ts'
import type { AppRecord, LicenseRecord, Page, StorageSession } from '../../core/storage/index.ts'

interface Examiner {
  readonly session: StorageSession
  readonly checked: { license: number }
  report(where: string, what: string): void
}

const pageSize = 500

async function knownCustomers(
  session: StorageSession,
  app: AppRecord,
  page: readonly LicenseRecord[],
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(page.map(({ customerId }) => customerId))]
  const found = await Promise.all(ids.map((id) => session.findCustomer(app.id, id)))
  return new Set(found.flatMap((customer) => (customer === null ? [] : [customer.id])))
}

/** The rules that a license keeps by itself. */
function faultsOf(license: LicenseRecord, now: number): readonly string[] {
  const { revision, minRevision, version, current } = license
  return [
    ...(revision < minRevision ? ['has a revision below the lowest that is accepted'] : []),
    ...(revision < 1 || version < 1 ? ['has a counter below one'] : []),
    ...(statusOf(license, now) === 'active' && !current
      ? ['is active without the place of its installation']
      : []),
  ]
}

async function examinePage(
  { session, checked, report }: Examiner,
  app: AppRecord,
  tiers: ReadonlySet<string>,
  page: readonly LicenseRecord[],
): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const customers = await knownCustomers(session, app, page)
  const holders = await Promise.all(
    page.map(({ current, installationId }) =>
      current ? session.findCurrentLicense(app.id, installationId) : null,
    ),
  )
  for (const [at, license] of page.entries()) {
    const where = `license ${license.id}`
    checked.license++
    for (const what of faultsOf(license, now)) report(where, what)
    if (!customers.has(license.customerId)) report(where, 'is of a customer that its app does not have')
    if (license.tierId !== null && !tiers.has(license.tierId))
      report(where, 'is of a tier that its app does not have')
    if (license.current && holders[at]?.id !== license.id)
      report(where, 'shares the place of its installation')
  }
}

/** Holds every license of an app against the rules that it must keep, and shows each to `seen`. */
export async function examineLicenses(
  examiner: Examiner,
  app: AppRecord,
  tiers: ReadonlySet<string>,
  seen: (license: LicenseRecord) => void,
): Promise<void> {
  let after: { readonly id: string } | undefined
  for (;;) {
    const wanted: Page = { limit: pageSize, ...(after !== undefined && { after }) }
    const page = await examiner.session.listLicenses({ appId: app.id, now: 0 }, wanted)
    await examinePage(examiner, app, tiers, page)
    page.forEach(seen)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = { id: last.id }
  }
}
