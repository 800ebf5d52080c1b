import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { License, LicenseSort, Licensing, SignedLicense } from '../core/index.ts'
import { buyerId, customerId } from './customers.ts'
import { withExistingDatabase } from './database.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { CliError, UsageError } from './errors.ts'
import { endOf, expiryOf, newExpiryOf, type ExpiryOptions } from './expiry.ts'
import type { CliSettings } from './settings.ts'
import { termsOf } from './terms.ts'
import { detailLines } from './terminal/columns.ts'

/** The options of every license command. `app` is a slug. */
export interface LicenseOptions extends AsJson {
  readonly app: string
}

export interface ListLicensesOptions extends LicenseOptions {
  readonly status?: License['status']
  /** An id or an e-mail. */
  readonly customer?: string
  readonly tier?: string
  readonly installation?: string
  /** Seconds since 1970, as the next three. */
  readonly expiresBefore?: number
  readonly expiresAfter?: number
  readonly seenBefore?: number
  readonly createdAfter?: number
  readonly sort?: LicenseSort
  readonly limit?: number
}

export interface CreateLicenseOptions extends LicenseOptions, ExpiryOptions {
  readonly installation: string
  /** An id or an e-mail. The command creates the customer of an unknown e-mail. */
  readonly customer: string
  readonly tier: string
  readonly features?: readonly string[]
  /** Seconds since 1970. */
  readonly updatesUntil?: number
}

export interface UpdateLicenseOptions extends LicenseOptions, ExpiryOptions {
  readonly installation?: string
  readonly tier?: string
  /** Seconds since 1970. */
  readonly updatesUntil?: number
}

export interface RevokeLicenseOptions extends LicenseOptions {
  readonly reason?: string
}

/** The options of the commands that print a new token: reinstate and regenerate. */
export interface NewTokenOptions extends LicenseOptions {
  readonly invalidatePrevious: boolean
}

export interface RegenerateAllOptions extends LicenseOptions {
  readonly tier?: string
  /** An id or an e-mail. */
  readonly customer?: string
  readonly dryRun: boolean
}

const format: ListFormat<License> = {
  head: ['ID', 'STATUS', 'TIER', 'EXPIRES', 'INSTALLATION', 'CUSTOMER'],
  row: (license) => [
    license.id,
    license.status,
    license.tier,
    endOf(license.expiresAt),
    license.installationId,
    license.customerId,
  ],
  toJson: toWire,
}

function revokedOf({ revokedAt, revokedReason, revokedCause }: License): string {
  if (revokedAt === null) return ''
  const why = [revokedCause, revokedReason].filter((part) => part !== null)
  return why.length === 0 ? isoTime(revokedAt) : `${isoTime(revokedAt)} (${why.join(': ')})`
}

function seenOf({ seenAt, seenClient }: License): string {
  if (seenAt === null) return ''
  return seenClient === null ? isoTime(seenAt) : `${isoTime(seenAt)} (${seenClient})`
}

function details(license: SignedLicense): string {
  return detailLines([
    ['id', license.id],
    ['status', license.status],
    ['tier', license.tier],
    ['features', license.features.join(', ')],
    ...termsOf(license.limits, license.updatesUntil),
    ['expires', endOf(license.expiresAt)],
    ['revoked', revokedOf(license)],
    ['installation', license.installationId],
    ['customer', license.customerId],
    ['issued', isoTime(license.issuedAt)],
    ['seen', seenOf(license)],
    ['token', license.token ?? ''],
  ])
}

/** The flags that choose licenses or license keys. */
interface FilterOptions {
  readonly app: string
  /** An id or an e-mail. */
  readonly customer?: string
  readonly tier?: string
}

interface CustomerAndTier {
  readonly customerId?: string
  readonly tierId?: string
}

/** Converts the flags to core's filter. Resolves an e-mail to the id of its customer. */
export async function filterOf(
  licensing: Licensing,
  { app, customer, tier }: FilterOptions,
): Promise<CustomerAndTier> {
  return {
    ...(customer !== undefined && { customerId: await customerId(licensing, app, customer) }),
    ...(tier !== undefined && { tierId: tier }),
  }
}

/** The filters and the order of a list that core takes as they are. */
function listingOf(options: ListLicensesOptions) {
  const { status, expiresBefore, expiresAfter, seenBefore, createdAfter, sort } = options
  const { installation: installationId } = options
  const given = { status, installationId, expiresBefore, expiresAfter, seenBefore, createdAfter, sort }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** Lists licenses, newest first unless the options say otherwise. */
export async function listLicenses(
  settings: CliSettings,
  options: ListLicensesOptions,
  output: Output,
): Promise<void> {
  const { app, limit } = options
  await withExistingDatabase(settings, async ({ licensing }) => {
    const filter = { ...(await filterOf(licensing, options)), ...listingOf(options) }
    const pages = pagesOf((paging) => licensing.licenses.list(app, { ...filter, ...paging }), limit)
    await printList(pages, format, options, output)
  })
}

/**
 * Writes only the token to standard output, so that `TOKEN=$(heartwood licenses create …)` works.
 *
 * @throws {CliError} that names the license if standard output does not take the token.
 */
async function printSigned(
  license: SignedLicense,
  action: string,
  { json }: AsJson,
  output: Output,
): Promise<void> {
  if (!json)
    output.note(`${action} license ${license.id}: ${license.status}, expires ${endOf(license.expiresAt)}.`)
  if (json) output.line(jsonOf(toWire(license)))
  else if (license.token !== null) output.line(license.token)
  await output.written().catch((cause: Error) => {
    const { message } = cause
    throw new CliError(`${message}: heartwood licenses get ${license.id} shows the token`, { cause })
  })
}

/** Issues a license and prints its token. */
export async function createLicense(
  settings: CliSettings,
  options: CreateLicenseOptions,
  output: Output,
): Promise<void> {
  const { app, installation, tier: tierId, features, updatesUntil } = options
  const terms = {
    ...expiryOf(options),
    ...(features !== undefined && { customFeatures: features }),
    ...(updatesUntil !== undefined && { updatesUntil }),
  }
  const license = await withExistingDatabase(settings, async ({ licensing }) =>
    licensing.licenses.create(app, {
      installationId: installation,
      tierId,
      customerId: await buyerId(licensing, options),
      ...terms,
    }),
  )
  await printSigned(license, 'Issued', options, output)
}

/** Shows a license and its token. */
export async function getLicense(
  settings: CliSettings,
  id: string,
  { app, json }: LicenseOptions,
  output: Output,
): Promise<void> {
  const license = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenses.get(app, id, { include: 'token' }),
  )
  output.line(json ? jsonOf(toWire(license)) : details(license))
}

/** Prints a license file. */
export async function printLicenseFile(
  settings: CliSettings,
  id: string,
  { app }: Pick<LicenseOptions, 'app'>,
  output: Output,
): Promise<void> {
  const file = await withExistingDatabase(settings, ({ licensing }) => licensing.licenses.file(app, id))
  output.line(file.trimEnd())
}

/** Changes a license and prints its token. @throws {UsageError} without a change. */
export async function updateLicense(
  settings: CliSettings,
  id: string,
  options: UpdateLicenseOptions,
  output: Output,
): Promise<void> {
  const { app, installation, tier, updatesUntil } = options
  const changes = {
    ...newExpiryOf(options),
    ...(installation !== undefined && { installationId: installation }),
    ...(tier !== undefined && { tierId: tier }),
    ...(updatesUntil !== undefined && { updatesUntil }),
  }
  if (Object.keys(changes).length === 0)
    throw new UsageError('Say what changes, for example by --days, --tier or --installation')
  const license = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenses.update(app, id, changes),
  )
  await printSigned(license, 'Changed', options, output)
}

/** Revokes a license. */
export async function revokeLicense(
  settings: CliSettings,
  id: string,
  { app, reason, json }: RevokeLicenseOptions,
  output: Output,
): Promise<void> {
  const revocation = reason === undefined ? {} : { reason }
  const license = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenses.revoke(app, id, revocation),
  )
  output.line(json ? jsonOf(toWire({ ...license, token: null })) : `Revoked license ${license.id}.`)
}

/** Undoes a revocation and prints the token. */
export async function reinstateLicense(
  settings: CliSettings,
  id: string,
  options: NewTokenOptions,
  output: Output,
): Promise<void> {
  const { app, invalidatePrevious } = options
  const license = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenses.reinstate(app, id, { invalidatePrevious }),
  )
  await printSigned(license, 'Reinstated', options, output)
}

/** Issues the claims of a license anew and prints the token. */
export async function regenerateLicense(
  settings: CliSettings,
  id: string,
  options: NewTokenOptions,
  output: Output,
): Promise<void> {
  const { app, invalidatePrevious } = options
  const license = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenses.regenerate(app, id, { invalidatePrevious }),
  )
  await printSigned(license, 'Regenerated', options, output)
}

/** Issues the claims of many licenses anew. */
export async function regenerateAll(
  settings: CliSettings,
  options: RegenerateAllOptions,
  output: Output,
): Promise<void> {
  const { app, dryRun, json } = options
  const result = await withExistingDatabase(settings, async ({ licensing }) =>
    licensing.licenses.regenerateAll(app, { ...(await filterOf(licensing, options)), dryRun }),
  )
  if (json) return output.line(jsonOf(toWire(result)))
  const { licensesRegenerated, skipped } = result
  const action = dryRun ? 'Dry run. Licenses to regenerate' : 'Licenses regenerated'
  output.line(`${action}: ${licensesRegenerated}. Skipped for lack of a tier: ${skipped.missingTier}.`)
}
