import type { Context } from '../context.ts'
import { limitsOf, type Limits } from '../limits.ts'
import { featuresOf } from '../licenses/issue-token.ts'
import type {
  AppRecord,
  LicenseKeyRecord,
  Metadata,
  NumericDate,
  StorageSession,
  TierRecord,
} from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'
import { day } from '../time.ts'
import { textOf } from './credential.ts'

/** The right to a number of seats, which somebody bought. Times are whole seconds since 1970. */
export interface LicenseKey {
  /** `lkey_…` */
  readonly id: string
  readonly customerId: string
  /** `null` once the tier was deleted. */
  readonly tierId: string | null
  /** The slug of the tier, the last one if the tier was deleted. */
  readonly tier: string
  /** The features of a seat that is activated now: the tier's, then the custom ones, each once. */
  readonly features: readonly string[]
  readonly customFeatures: readonly string[]
  /** The limits of a seat that is activated now, by slug: the tier's, overridden name by name by the custom ones. */
  readonly limits: Limits
  readonly customLimits: Limits
  readonly status: 'active' | 'expired' | 'revoked'
  readonly name: string | null
  /** The last four symbols of its text. */
  readonly keyLastFour: string
  /**
   * The last four characters of the key that the shop mailed; `null` if there is none, or it was rolled away. A license key
   * lacks it under a public key, because nobody knows how few characters of a shop's key are hard to guess.
   */
  readonly aliasLastFour: string | null
  /** Seats that were sold. */
  readonly seats: number
  /** Seats that are taken. There may be more than were sold, if the vendor lowered `seats`. */
  readonly seatsUsed: number
  readonly whenFull: 'refuse' | 'replace_oldest'
  readonly idleDays: number | null
  /** `null`: any number. */
  readonly releasesPerYear: number | null
  /** Releases that holders may still make this year; `null`: any number. */
  readonly releasesLeft: number | null
  /** `null` for a license key that never expires, and for one that starts with its first activation. */
  readonly expiresAt: NumericDate | null
  /** Days from the first activation to the end; `null` unless `starts` is `activation`. */
  readonly durationDays: number | null
  readonly starts: 'creation' | 'activation'
  /** The first activation; `null` before it. */
  readonly activatedAt: NumericDate | null
  readonly updatesUntil: NumericDate | null
  readonly externalId: string | null
  readonly metadata: Metadata
  readonly revokedAt: NumericDate | null
  readonly revokedReason: string | null
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
  /** The text of the license key, present only if it was asked for: see {@link LicenseKeyWithText}. */
  readonly key?: string
}

/** A license key with its text, `ACME-7K3QM-…`, which is derived and never stored. */
export interface LicenseKeyWithText extends LicenseKey {
  readonly key: string
}

/** Asks for the text of a license key too. */
export interface IncludeKey {
  readonly include: 'key'
}

const year = 365 * day

/** Releases that holders have made in the year that runs now. */
export function releasesMade(key: LicenseKeyRecord, now: NumericDate): number {
  const { releaseCount, releaseYearStart } = key
  return releaseYearStart !== null && now < releaseYearStart + year ? releaseCount : 0
}

/** Releases that holders may still make this year; `null` for any number. */
export function releasesLeft(key: LicenseKeyRecord, now: NumericDate): number | null {
  const { releasesPerYear } = key
  return releasesPerYear === null ? null : Math.max(0, releasesPerYear - releasesMade(key, now))
}

/** The fields that count one release more. Its year begins with the first one. */
export function releaseCounted(
  key: LicenseKeyRecord,
  now: NumericDate,
): Pick<LicenseKeyRecord, 'releaseCount' | 'releaseYearStart'> {
  const made = releasesMade(key, now)
  return { releaseCount: made + 1, releaseYearStart: made === 0 ? now : key.releaseYearStart }
}

/** The tier of a license key; `null` if it was deleted. */
export async function tierOf(session: StorageSession, key: LicenseKeyRecord): Promise<TierRecord | null> {
  return key.tierId === null ? null : session.findTier(key.appId, key.tierId)
}

/** The features that seats get now. */
export function effectiveFeatures(key: LicenseKeyRecord, tier: TierRecord | null): readonly string[] {
  return featuresOf({ tierFeatures: tier?.features ?? [], customFeatures: key.customFeatures })
}

/** The limits that seats get now. */
export function effectiveLimits(key: LicenseKeyRecord, tier: TierRecord | null): Limits {
  return limitsOf({ tierLimits: tier?.limits ?? {}, customLimits: key.customLimits })
}

export async function toLicenseKey(
  context: Context,
  app: AppRecord,
  key: LicenseKeyRecord,
  session: StorageSession = context.storage,
): Promise<LicenseKeyWithText> {
  const now = context.runtime.now()
  const [text, tier, seatsUsed] = await Promise.all([
    textOf(context, app, key),
    tierOf(session, key),
    session.countSeats(key.id),
  ])
  return {
    id: key.id,
    customerId: key.customerId,
    tierId: key.tierId,
    tier: key.tier,
    features: effectiveFeatures(key, tier),
    customFeatures: key.customFeatures,
    limits: effectiveLimits(key, tier),
    customLimits: key.customLimits,
    status: statusOf(key, now),
    name: key.name,
    key: text,
    keyLastFour: text.slice(-4),
    aliasLastFour: key.aliasUntil === null || now < key.aliasUntil ? key.aliasLastFour : null,
    seats: key.seats,
    seatsUsed,
    whenFull: key.whenFull,
    idleDays: key.idleDays,
    releasesPerYear: key.releasesPerYear,
    releasesLeft: releasesLeft(key, now),
    expiresAt: key.expiresAt,
    durationDays: key.durationDays,
    starts: key.starts,
    activatedAt: key.activatedAt,
    updatesUntil: key.updatesUntil,
    externalId: key.externalId,
    metadata: key.metadata,
    revokedAt: key.revokedAt,
    revokedReason: key.revokedReason,
    createdAt: key.createdAt,
    updatedAt: key.updatedAt,
  }
}

/** The same license key without its text. */
export function withoutText({ key: _text, ...licenseKey }: LicenseKeyWithText): LicenseKey {
  return licenseKey
}
