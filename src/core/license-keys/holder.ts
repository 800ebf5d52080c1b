import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { eachPage } from '../paging.ts'
import type { LicenseRecord, NumericDate } from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'
import { day } from '../time.ts'
import { requireLicenseKey, type LicenseKeyCredential } from './credential.ts'
import { decideKey, type LicenseKeyDecision } from './decision.ts'
import { effectiveFeatures, effectiveLimits, tierOf } from './view.ts'

/** A taken seat, as the holder of its license key sees it. */
export interface Seat {
  /** `lic_…`, for `licenseKeys.release`. */
  readonly licenseId: string
  /** The name of the installation, for people. */
  readonly name: string | null
  /** The last four characters of the installation id. The rest would let its holder be impersonated. */
  readonly installationIdLastFour: string
  /** The time when the installation first took a seat, in whole seconds since 1970. */
  readonly activatedAt: NumericDate
  /** The day of the last sign of life: the time at its begin in UTC. `null`: none yet. */
  readonly seenOn: NumericDate | null
  /** True for the seat of the installation that asks. */
  readonly this: boolean
}

/** Options of `licensing.licenseKeys.seats`. */
export interface SeatsOptions {
  /** The installation that asks, to mark its seat. */
  readonly installationId?: string
}

/** The state of a license key, by its text. */
export interface LicenseKeyVerification {
  readonly valid: boolean
  /** The reason for a program; `null` if valid. */
  readonly code: LicenseKeyDecision['code'] | 'invalid_license_key'
  /** The reason in words. */
  readonly reason: string
  /** This field and the others are absent if nobody knows the license key. */
  readonly status?: LicenseKeyDecision['status']
  readonly tier?: string
  readonly features?: readonly string[]
  readonly limits?: Limits
  readonly expiresAt?: NumericDate | null
  readonly updatesUntil?: NumericDate | null
  readonly seats?: number
  readonly seatsUsed?: number
}

function toSeat(seat: LicenseRecord, asking: string | undefined): Seat {
  return {
    licenseId: seat.id,
    name: seat.name,
    installationIdLastFour: seat.installationId.slice(-4),
    activatedAt: seat.createdAt,
    seenOn: seat.seenAt === null ? null : seat.seenAt - (seat.seenAt % day),
    this: seat.installationId === asking,
  }
}

/** The taken seats of a license key, newest first. */
export async function seatsOf(
  context: Context,
  app: string,
  licenseKey: unknown,
  { installationId }: SeatsOptions = {},
): Promise<readonly Seat[]> {
  const { app: record, key } = await requireLicenseKey(context, app, licenseKey)
  const filter = { appId: record.id, licenseKeyId: key.id, now: context.runtime.now() }
  const asking = installationId?.toLowerCase()
  const seats: Seat[] = []
  for (const status of ['active', 'expired'] as const)
    for await (const page of eachPage<LicenseRecord>(1_000, (wanted) =>
      context.storage.listLicenses({ ...filter, status }, wanted),
    ))
      seats.push(...page.map((seat) => toSeat(seat, asking)))
  return seats
}

async function judge(context: Context, { key }: LicenseKeyCredential): Promise<LicenseKeyVerification> {
  const now = context.runtime.now()
  const [tier, seatsUsed] = await Promise.all([
    tierOf(context.storage, key),
    context.storage.countSeats(key.id),
  ])
  const { valid, code, reason } = decideKey(key, now)
  return {
    valid,
    code,
    reason,
    status: statusOf(key, now),
    tier: key.tier,
    features: effectiveFeatures(key, tier),
    limits: effectiveLimits(key, tier),
    expiresAt: key.expiresAt,
    updatesUntil: key.updatesUntil,
    seats: key.seats,
    seatsUsed,
  }
}

/** Verifies the text of a license key. A bad one is a result, not an error. */
export async function verifyLicenseKey(
  context: Context,
  app: string,
  licenseKey: unknown,
): Promise<LicenseKeyVerification> {
  const credential = await requireLicenseKey(context, app, licenseKey).catch((error: unknown) => {
    if (error instanceof LicensingError && error.code === 'invalid_license_key') return error
    throw error
  })
  if (credential instanceof LicensingError)
    return { valid: false, code: 'invalid_license_key', reason: credential.message }
  return judge(context, credential)
}
