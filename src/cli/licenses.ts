import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { Expiry, License, Licensing, SignedLicense } from '../core/index.ts'
import { withStandingDatabase } from './database.ts'
import { pagesOf, printList, type Table } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { Misuse } from './refusal.ts'
import type { Settings } from './settings.ts'
import { columns, shown } from './terminal/table.ts'

/** Which app it is about, by its slug. */
export interface OfApp extends AsJson {
  readonly app: string
}

/** Which licenses are listed. */
export interface LicenseListing extends OfApp {
  readonly status?: License['status']
  /** Id or e-mail. */
  readonly customer?: string
  readonly tier?: string
  readonly installationId?: string
  readonly limit?: number
}

/** What is issued. */
export interface LicenseIssue extends OfApp {
  readonly installationId: string
  /** Id, or an e-mail, whose customer is made if there is none. */
  readonly customer: string
  readonly tier: string
  readonly days?: number
  readonly expires?: number
  readonly forever: boolean
  readonly features?: readonly string[]
}

export interface LicenseRevocation extends OfApp {
  readonly reason?: string
}

/** How claims are issued anew. */
export interface LicenseRenewal extends OfApp {
  readonly invalidatePrevious: boolean
}

/** Which licenses are regenerated. */
export interface BulkRenewal extends OfApp {
  readonly tier?: string
  /** Id or e-mail. */
  readonly customer?: string
  readonly dryRun: boolean
}

function endOf({ expiresAt }: License): string {
  return expiresAt === null ? 'never' : isoTime(expiresAt)
}

const table: Table<License> = {
  head: ['ID', 'STATUS', 'TIER', 'EXPIRES', 'INSTALLATION', 'CUSTOMER'],
  row: (license) => [
    ...[license.id, license.status, license.tier, endOf(license)],
    ...[license.installationId, license.customerId],
  ],
  answer: toWire,
}

function revokedOf({ revokedAt, revokedReason }: License): string {
  if (revokedAt === null) return ''
  return revokedReason === null ? isoTime(revokedAt) : `${isoTime(revokedAt)} (${shown(revokedReason)})`
}

function details(license: SignedLicense): string {
  const rows = [
    ['id', license.id],
    ['status', license.status],
    ['tier', license.tier],
    ['features', license.features.join(', ')],
    ['expires', endOf(license)],
    ['revoked', revokedOf(license)],
    ['installation', license.installationId],
    ['customer', license.customerId],
    ['issued', isoTime(license.issuedAt)],
    ['token', license.token ?? ''],
  ]
  return columns(rows.filter(([, value]) => value !== ''))
}

/** No id has an @, and every e-mail has one. */
function isEmail(customer: string): boolean {
  return customer.includes('@')
}

async function customerId({ customers }: Licensing, app: string, customer: string): Promise<string> {
  return isEmail(customer) ? (await customers.getByEmail(app, customer)).id : customer
}

/** The tier is looked up first, so that a misspelt one leaves no customer behind. */
async function buyerId(licensing: Licensing, { app, customer, tier }: LicenseIssue): Promise<string> {
  if (!isEmail(customer)) return customer
  await licensing.tiers.get(app, tier)
  return (await licensing.customers.getOrCreate(app, { email: customer })).customer.id
}

/** The license of whom and what is asked for, by core's names. */
async function filterOf(
  licensing: Licensing,
  { app, customer, tier }: Pick<BulkRenewal, 'app' | 'customer' | 'tier'>,
): Promise<{ readonly customerId?: string; readonly tierId?: string }> {
  return {
    ...(customer !== undefined && { customerId: await customerId(licensing, app, customer) }),
    ...(tier !== undefined && { tierId: tier }),
  }
}

/** Lists licenses, newest first. */
export async function listLicenses(
  settings: Settings,
  listing: LicenseListing,
  output: Output,
): Promise<void> {
  const { app, status, installationId, limit } = listing
  await withStandingDatabase(settings, async ({ licensing }) => {
    const filter = {
      ...(await filterOf(licensing, listing)),
      ...(status !== undefined && { status }),
      ...(installationId !== undefined && { installationId }),
    }
    const pages = pagesOf((paging) => licensing.licenses.list(app, { ...filter, ...paging }), limit)
    await printList(pages, table, listing, output)
  })
}

/** @throws {Misuse} unless it is said once when the license ends. */
function expiryOf({ days, expires, forever }: LicenseIssue): Expiry {
  const given = [
    ...(days === undefined ? [] : [{ durationDays: days }]),
    ...(expires === undefined ? [] : [{ expiresAt: expires }]),
    ...(forever ? [{ forever } as const] : []),
  ]
  const [expiry, another] = given
  if (expiry !== undefined && another === undefined) return expiry
  throw new Misuse('Say when it ends by one of --days, --expires and --forever')
}

/** Standard output gets the token alone, so that `TOKEN=$(heartwood licenses create …)` works. */
function printSigned(license: SignedLicense, done: string, { json }: AsJson, output: Output): void {
  if (json) return output.line(jsonOf(toWire(license)))
  output.note(`${done} license ${license.id}: ${license.status}, expires ${endOf(license)}.`)
  if (license.token !== null) output.line(license.token)
}

/** Issues a license and prints its token. */
export async function createLicense(settings: Settings, issue: LicenseIssue, output: Output): Promise<void> {
  const { app, installationId, tier, features } = issue
  const expiry = expiryOf(issue)
  const license = await withStandingDatabase(settings, async ({ licensing }) =>
    licensing.licenses.create(app, {
      ...{ installationId, tierId: tier, customerId: await buyerId(licensing, issue), ...expiry },
      ...(features !== undefined && { customFeatures: features }),
    }),
  )
  printSigned(license, 'Issued', issue, output)
}

/** Shows a license and its token. */
export async function getLicense(
  settings: Settings,
  id: string,
  { app, json }: OfApp,
  output: Output,
): Promise<void> {
  const license = await withStandingDatabase(settings, ({ licensing }) =>
    licensing.licenses.get(app, id, { include: 'token' }),
  )
  output.line(json ? jsonOf(toWire(license)) : details(license))
}

/** Ends a license. */
export async function revokeLicense(
  settings: Settings,
  id: string,
  { app, reason, json }: LicenseRevocation,
  output: Output,
): Promise<void> {
  const revocation = reason === undefined ? {} : { reason }
  const license = await withStandingDatabase(settings, ({ licensing }) =>
    licensing.licenses.revoke(app, id, revocation),
  )
  output.line(json ? jsonOf(toWire({ ...license, token: null })) : `Revoked license ${license.id}.`)
}

/** What gives a license a new token, and the word for it. */
const renewals = { reinstate: 'Reinstated', regenerate: 'Regenerated' } as const

/** Undoes a revocation, or issues a license's claims anew, and prints the token. */
export async function renewLicense(
  settings: Settings,
  by: keyof typeof renewals,
  id: string,
  renewal: LicenseRenewal,
  output: Output,
): Promise<void> {
  const { app, invalidatePrevious } = renewal
  const license = await withStandingDatabase(settings, ({ licensing }) =>
    licensing.licenses[by](app, id, { invalidatePrevious }),
  )
  printSigned(license, renewals[by], renewal, output)
}

/** Issues the claims of many licenses anew. */
export async function regenerateAll(settings: Settings, renewal: BulkRenewal, output: Output): Promise<void> {
  const { app, dryRun, json } = renewal
  const outcome = await withStandingDatabase(settings, async ({ licensing }) =>
    licensing.licenses.regenerateAll(app, { ...(await filterOf(licensing, renewal)), dryRun }),
  )
  if (json) return output.line(jsonOf(toWire(outcome)))
  const { licensesRegenerated, skipped } = outcome
  const done = dryRun ? 'Nothing is changed. Would be regenerated' : 'Regenerated'
  output.line(`${done}: ${licensesRegenerated}. Left alone, being without a tier: ${skipped.missingTier}.`)
}
