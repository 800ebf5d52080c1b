import { isoTime, toWire } from '../adapters/http/wire.ts'
import type { License, LicenseKey, LicenseKeyWithText, NewLicenseKey } from '../core/index.ts'
import { buyerId } from './customers.ts'
import { withExistingDatabase } from './database.ts'
import { CliError, UsageError } from './errors.ts'
import { endOf, expiryOf, newExpiryOf, type ExpiryOptions } from './expiry.ts'
import { filterOf } from './licenses.ts'
import type { CliSettings } from './settings.ts'
import { detailLines } from './terminal/columns.ts'
import { pagesOf, printList, type ListFormat } from './terminal/listing.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { termsOf } from './terms.ts'

/** The options of every command of license keys. `app` is a slug. */
export interface LicenseKeyOptions extends AsJson {
  readonly app: string
}

export interface ListLicenseKeysOptions extends LicenseKeyOptions {
  readonly status?: LicenseKey['status']
  /** An id or an e-mail. */
  readonly customer?: string
  readonly tier?: string
  readonly limit?: number
}

export interface CreateLicenseKeyOptions extends LicenseKeyOptions, ExpiryOptions {
  /** An id or an e-mail. The command creates the customer of an unknown e-mail. */
  readonly customer: string
  readonly tier: string
  readonly seats?: number
  readonly name?: string
  readonly externalId?: string
  /** Seconds since 1970. */
  readonly updatesUntil?: number
  /** True if the days begin with the first activation. */
  readonly startsOnActivation: boolean
  /** The number of license keys to make. */
  readonly count?: number
}

export interface UpdateLicenseKeyOptions extends LicenseKeyOptions, ExpiryOptions {
  readonly tier?: string
  readonly seats?: number
  readonly name?: string
  /** Seconds since 1970. */
  readonly updatesUntil?: number
}

export interface RollOptions extends LicenseKeyOptions {
  readonly overlapDays?: number
}

export interface RevokeLicenseKeyOptions extends LicenseKeyOptions {
  readonly reason?: string
}

function seatsOf({ seats, seatsUsed }: LicenseKey): string {
  return `${seatsUsed} of ${seats}`
}

const format: ListFormat<LicenseKey> = {
  head: ['ID', 'STATUS', 'TIER', 'SEATS', 'EXPIRES', 'ENDS IN', 'CUSTOMER'],
  row: (key) => [
    key.id,
    key.status,
    key.tier,
    seatsOf(key),
    endText(key),
    `…${key.keyLastFour}`,
    key.customerId,
  ],
  toJson: toWire,
}

const seatFormat: ListFormat<License> = {
  head: ['LICENSE', 'STATUS', 'INSTALLATION', 'ACTIVATED', 'SEEN', 'NAME'],
  row: (seat) => [
    seat.id,
    seat.status,
    seat.installationId,
    isoTime(seat.createdAt),
    seat.seenAt === null ? '' : isoTime(seat.seenAt),
    seat.name ?? '',
  ],
  toJson: toWire,
}

function endText({ starts, activatedAt, durationDays, expiresAt }: LicenseKey): string {
  if (starts === 'activation' && activatedAt === null) return `${durationDays} days after activation`
  return endOf(expiresAt)
}

function details(key: LicenseKeyWithText): string {
  return detailLines([
    ['id', key.id],
    ['key', key.key],
    ['status', key.status],
    ['name', key.name ?? ''],
    ['tier', key.tier],
    ['features', key.features.join(', ')],
    ...termsOf(key.limits, key.updatesUntil),
    ['seats', seatsOf(key)],
    ['when full', key.whenFull],
    ['releases left', key.releasesLeft === null ? 'any number' : String(key.releasesLeft)],
    ['expires', endText(key)],
    ['revoked', key.revokedAt === null ? '' : `${isoTime(key.revokedAt)} ${key.revokedReason ?? ''}`.trim()],
    ['customer', key.customerId],
    ['external id', key.externalId ?? ''],
    ['created', isoTime(key.createdAt)],
  ])
}

/** @throws {CliError} that says how to see the text if standard output does not take it. */
async function whenSeen({ id }: LicenseKey, output: Output): Promise<void> {
  await output.written().catch((cause: Error) => {
    const { message } = cause
    throw new CliError(`${message}: heartwood license-keys get ${id} shows the license key`, { cause })
  })
}

/** Writes only the text to standard output, so that `KEY=$(heartwood license-keys create …)` works. */
async function printText(
  key: LicenseKeyWithText,
  action: string,
  { json }: AsJson,
  output: Output,
): Promise<void> {
  if (!json) output.note(`${action} license key ${key.id}: ${seatsOf(key)} seats, expires ${endText(key)}.`)
  output.line(json ? jsonOf(toWire(key)) : key.key)
  await whenSeen(key, output)
}

/** Lists license keys without their texts, newest first. */
export async function listLicenseKeys(
  settings: CliSettings,
  options: ListLicenseKeysOptions,
  output: Output,
): Promise<void> {
  const { app, status, limit } = options
  await withExistingDatabase(settings, async ({ licensing }) => {
    const filter = { ...(await filterOf(licensing, options)), ...(status !== undefined && { status }) }
    const pages = pagesOf((paging) => licensing.licenseKeys.list(app, { ...filter, ...paging }), limit)
    await printList(pages, format, options, output)
  })
}

function soldOf(options: CreateLicenseKeyOptions): Omit<NewLicenseKey, 'customerId'> {
  const { tier, seats, name, externalId, updatesUntil, startsOnActivation } = options
  return {
    ...expiryOf(options),
    tierId: tier,
    ...(seats !== undefined && { seats }),
    ...(name !== undefined && { name }),
    ...(externalId !== undefined && { externalId }),
    ...(updatesUntil !== undefined && { updatesUntil }),
    ...(startsOnActivation && { starts: 'activation' }),
  }
}

/** Makes license keys and prints their texts. With `count` and `json` it prints a JSON array. */
export async function createLicenseKeys(
  settings: CliSettings,
  options: CreateLicenseKeyOptions,
  output: Output,
): Promise<void> {
  const { app, count, json } = options
  if (count !== undefined && options.externalId !== undefined)
    throw new UsageError('--external-id belongs to one license key, so leave --count out')
  const sold = soldOf(options)
  await withExistingDatabase(settings, async ({ licensing }) => {
    const wanted = { ...sold, customerId: await buyerId(licensing, options) } as NewLicenseKey
    const create = () => licensing.licenseKeys.create(app, wanted)
    if (count === undefined) return printText(await create(), 'Made', options, output)
    await printList(made(create, count, output), textFormat, { json }, output)
    if (!json) output.note(`Made license keys: ${count}.`)
  })
}

/** Texts alone, one a line: there is no head, because a mailer reads them. */
const textFormat: ListFormat<LicenseKeyWithText> = { head: [], row: ({ key }) => [key], toJson: toWire }

/** Makes one license key after another, and stops if standard output does not take one. */
async function* made(
  create: () => Promise<LicenseKeyWithText>,
  count: number,
  output: Output,
): AsyncGenerator<readonly LicenseKeyWithText[]> {
  for (let left = count; left > 0; left--) {
    const key = await create()
    yield [key]
    await whenSeen(key, output)
  }
}

/** Shows a license key and its text. */
export async function getLicenseKey(
  settings: CliSettings,
  id: string,
  { app, json }: LicenseKeyOptions,
  output: Output,
): Promise<void> {
  const key = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenseKeys.get(app, id, { include: 'key' }),
  )
  output.line(json ? jsonOf(toWire(key)) : details(key))
}

/** Lists the licenses that were activated with a license key, also those that were given back. */
export async function listSeats(
  settings: CliSettings,
  id: string,
  { app, json }: LicenseKeyOptions,
  output: Output,
): Promise<void> {
  await withExistingDatabase(settings, async ({ licensing }) => {
    const { id: licenseKeyId } = await licensing.licenseKeys.get(app, id)
    const pages = pagesOf((paging) => licensing.licenses.list(app, { licenseKeyId, ...paging }))
    await printList(pages, seatFormat, { json }, output)
  })
}

/** Gives the seat of one license back. */
export async function releaseSeat(
  settings: CliSettings,
  license: string,
  { app, json }: LicenseKeyOptions,
  output: Output,
): Promise<void> {
  const released = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenseKeys.release(app, license),
  )
  output.line(json ? jsonOf(toWire(released)) : `Released the seat of license ${license}.`)
}

/** Changes a license key and issues its seats anew. @throws {UsageError} without a change. */
export async function updateLicenseKey(
  settings: CliSettings,
  id: string,
  options: UpdateLicenseKeyOptions,
  output: Output,
): Promise<void> {
  const { app, tier, seats, name, updatesUntil, json } = options
  const changes = {
    ...newExpiryOf(options),
    ...(tier !== undefined && { tierId: tier }),
    ...(seats !== undefined && { seats }),
    ...(name !== undefined && { name }),
    ...(updatesUntil !== undefined && { updatesUntil }),
  }
  if (Object.keys(changes).length === 0)
    throw new UsageError('Say what changes, for example by --seats, --tier or --expires')
  const key = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenseKeys.update(app, id, changes),
  )
  output.line(
    json
      ? jsonOf(toWire(key))
      : `Changed license key ${key.id}: ${seatsOf(key)} seats, expires ${endText(key)}.`,
  )
}

/** Gives a license key another text and prints it. */
export async function rollLicenseKey(
  settings: CliSettings,
  id: string,
  options: RollOptions,
  output: Output,
): Promise<void> {
  const { app, overlapDays } = options
  const rolled = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenseKeys.roll(app, id, overlapDays === undefined ? {} : { overlapDays }),
  )
  await printText(rolled, 'Rolled', options, output)
}

/** Revokes a license key with all its seats. */
export async function revokeLicenseKey(
  settings: CliSettings,
  id: string,
  { app, reason, json }: RevokeLicenseKeyOptions,
  output: Output,
): Promise<void> {
  const key = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenseKeys.revoke(app, id, reason === undefined ? {} : { reason }),
  )
  output.line(json ? jsonOf(toWire(key)) : `Revoked license key ${key.id} with its seats.`)
}

/** Undoes the revocation of a license key. */
export async function reinstateLicenseKey(
  settings: CliSettings,
  id: string,
  { app, json }: LicenseKeyOptions,
  output: Output,
): Promise<void> {
  const key = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.licenseKeys.reinstate(app, id),
  )
  output.line(json ? jsonOf(toWire(key)) : `Reinstated license key ${key.id}: ${seatsOf(key)} seats.`)
}
