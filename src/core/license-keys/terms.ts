import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { invalidInput } from '../input/parse.ts'
import { sortedLimits } from '../limits.ts'
import { changedExpiryOf, expiryOf } from '../licenses/input.ts'
import { licenseKeyRevoked, seatClaims } from '../licenses/seats.ts'
import type {
  AppRecord,
  LicenseKeyPatch,
  LicenseKeyRecord,
  SeatReissue,
  StorageSession,
  TierRecord,
} from '../storage/index.ts'
import type { LicenseKeyChange, LicenseKeyPlan } from './changes.ts'
import { aliasFields } from './credential.ts'
import { newHandle } from './derivation.ts'
import type { ParsedKeyChanges, ParsedLicenseKey } from './input.ts'

/** @throws {LicensingError} `validation_error`. */
export async function existingTier(
  session: StorageSession,
  app: AppRecord,
  tier: string,
): Promise<TierRecord> {
  const record = await session.findTier(app.id, tier)
  if (record === null) throw invalidInput({ tierId: ['does not exist'] })
  return record
}

/** @throws {LicensingError} `validation_error`. */
export async function requireCustomer(session: StorageSession, app: AppRecord, id: string): Promise<void> {
  if ((await session.findCustomer(app.id, id)) === null)
    throw invalidInput({ customerId: ['does not exist'] })
}

/** The fields of a license key that nobody has used yet. */
const fresh = {
  keyRevision: 1,
  previousUntil: null,
  releaseCount: 0,
  releaseYearStart: null,
  activatedAt: null,
  externalAsOf: null,
  externalEnded: null,
  revokedAt: null,
  revokedReason: null,
  revokedCause: null,
  toldExpiring: null,
  toldExpired: null,
  toldFull: null,
  version: 1,
} as const

const releasesPerYear = 12

type Time = Pick<LicenseKeyRecord, 'starts' | 'expiresAt' | 'durationDays'>

function timeOf(context: Context, given: ParsedLicenseKey): Time {
  const { starts = 'creation', durationDays = null } = given
  if (starts === 'activation') return { starts, expiresAt: null, durationDays }
  return { starts, expiresAt: expiryOf(given, context.runtime.now()), durationDays: null }
}

/** The parts of a new license key that creation and sync make in different ways. */
type Given = Omit<ParsedLicenseKey, 'durationDays' | 'expiresAt' | 'forever' | 'starts' | 'key'>

/** A new license key. The handle is random: make another if it is taken. */
export function newRecord(
  context: Context,
  app: AppRecord,
  given: Given,
  { tier, ...rest }: { readonly tier: TierRecord } & Time & Awaited<ReturnType<typeof aliasFields>>,
): LicenseKeyRecord {
  const now = context.runtime.now()
  return {
    id: context.runtime.newId('lkey'),
    appId: app.id,
    customerId: given.customerId,
    tierId: tier.id,
    tier: tier.slug,
    customFeatures: given.customFeatures ?? [],
    customLimits: sortedLimits(given.customLimits ?? {}),
    name: given.name ?? null,
    handle: newHandle(),
    ...fresh,
    ...rest,
    seats: given.seats ?? 1,
    whenFull: given.whenFull ?? 'refuse',
    idleDays: given.idleDays ?? null,
    releasesPerYear: given.releasesPerYear === undefined ? releasesPerYear : given.releasesPerYear,
    updatesUntil: given.updatesUntil ?? null,
    externalId: given.externalId ?? null,
    metadata: given.metadata ?? {},
    createdAt: now,
    updatedAt: now,
  }
}

/** The record of a license key that somebody creates. @throws {LicensingError} `validation_error`. */
export async function recordOf(
  context: Context,
  app: AppRecord,
  given: ParsedLicenseKey,
): Promise<LicenseKeyRecord> {
  await requireCustomer(context.storage, app, given.customerId)
  const tier = await existingTier(context.storage, app, given.tierId)
  const alias = await aliasFields(context, app, given.key)
  return newRecord(context, app, given, { tier, ...timeOf(context, given), ...alias })
}

/** The fields whose change reaches every seat. */
const claimFields = [
  'customerId',
  'tierId',
  'tier',
  'customFeatures',
  'customLimits',
  'expiresAt',
  'updatesUntil',
] as const

/** The fields of `wanted` that really change something. */
export function realChanges(key: LicenseKeyRecord, wanted: LicenseKeyPatch): LicenseKeyPatch {
  const isChanged = ([name, value]: readonly [string, unknown]): boolean =>
    value !== undefined && JSON.stringify(value) !== JSON.stringify(key[name as keyof LicenseKeyRecord])
  return Object.fromEntries(Object.entries(wanted).filter(isChanged))
}

/**
 * Issues the claims of all seats anew. `change` is the only one since they were issued: its other fields need no writing. A
 * database writes each index of a field anew, so that saves two thirds of the time for a change of the features.
 */
export async function reissue(
  context: Context,
  tx: StorageSession,
  key: LicenseKeyRecord,
  change: LicenseKeyPatch = key,
): Promise<number> {
  const { customerId, tierId, ...rest } = await seatClaims(tx, key)
  const order: SeatReissue = {
    licenseKeyId: key.id,
    now: context.runtime.now(),
    ...(change.expiresAt !== undefined && { end: key.expiresAt }),
    claims: {
      ...rest,
      ...(change.customerId !== undefined && { customerId }),
      ...(change.tierId !== undefined && { tierId }),
    },
  }
  return tx.reissueSeats(order)
}

export function changesClaims(patch: LicenseKeyPatch): boolean {
  return claimFields.some((field) => patch[field] !== undefined)
}

/** The end that a change asks for. Before the first activation, a duration is that of the time to come. */
function changedTime(context: Context, key: LicenseKeyRecord, given: ParsedKeyChanges): LicenseKeyPatch {
  const isWaiting = key.starts === 'activation' && key.activatedAt === null
  if (isWaiting && given.durationDays !== undefined) return { durationDays: given.durationDays }
  const expiresAt = changedExpiryOf(given, context.runtime.now())
  if (expiresAt === undefined) return {}
  return isWaiting ? { expiresAt, starts: 'creation', durationDays: null } : { expiresAt }
}

async function wantedBy(
  context: Context,
  app: AppRecord,
  given: ParsedKeyChanges,
  key: LicenseKeyRecord,
  session: StorageSession,
): Promise<LicenseKeyPatch> {
  const { tierId, key: alias, durationDays: _days, expiresAt: _end, forever: _forever, ...plain } = given
  if (given.customerId !== undefined) await requireCustomer(session, app, given.customerId)
  const tier = tierId === undefined ? null : await existingTier(session, app, tierId)
  const { metadata, customFeatures, customLimits } = plain
  return {
    ...plain,
    ...(metadata !== undefined && { metadata: metadata ?? {} }),
    ...(customFeatures !== undefined && { customFeatures: customFeatures ?? [] }),
    ...(customLimits !== undefined && { customLimits: sortedLimits(customLimits ?? {}) }),
    ...(tier !== null && { tierId: tier.id, tier: tier.slug }),
    ...(alias !== undefined && (await changedAlias(context, app, key, alias))),
    ...changedTime(context, key, given),
  } as LicenseKeyPatch
}

/** The same key again changes nothing, so that a roll's end of it stays. */
export async function changedAlias(
  context: Context,
  app: AppRecord,
  key: LicenseKeyRecord,
  alias: string | null,
): Promise<LicenseKeyPatch> {
  const fields = await aliasFields(context, app, alias)
  return fields.aliasHash === key.aliasHash ? {} : fields
}

/** Seats that get new claims need their tier. @throws {LicensingError} `missing_tier`. */
function requireTier(key: LicenseKeyRecord, patch: LicenseKeyPatch): void {
  if ((patch.tierId ?? key.tierId) === null)
    throw new LicensingError('missing_tier', 'The tier of the license key was deleted')
}

/** The fields that may change on a revoked license key. */
const forPeople = ['name', 'metadata']

/** The plan of a change by PUT. @throws {LicensingError} `validation_error`, `license_key_revoked`, `missing_tier`. */
export function changePlan(context: Context, app: AppRecord, given: ParsedKeyChanges): LicenseKeyPlan {
  return async (key, session): Promise<LicenseKeyChange | null> => {
    const patch = realChanges(key, await wantedBy(context, app, given, key, session))
    const names = Object.keys(patch)
    if (names.length === 0) return null
    if (key.revokedAt !== null && names.some((name) => !forPeople.includes(name))) throw licenseKeyRevoked()
    if (!changesClaims(patch)) return { patch, event: 'license_key.updated' }
    requireTier(key, patch)
    return {
      patch,
      event: 'license_key.updated',
      seats: (tx, changed) => reissue(context, tx, changed, patch),
    }
  }
}
