import { Type, type TObject, type TUnsafe } from '@sinclair/typebox'
import { flag, instant, limits, nullable, oneOf } from '../../core/input/fields.ts'
import { input } from '../../core/input/parse.ts'
import type { ActivatedKey } from '../../core/license-keys/activation.ts'
import type { LicenseKeyVerification, Seat } from '../../core/license-keys/holder.ts'
import type { BulkRelease, Release } from '../../core/license-keys/release.ts'
import type { LicenseKey } from '../../core/license-keys/view.ts'
import { licenseKeyRecord } from '../../core/storage/license-keys.ts'
import { licenseRecord } from '../../core/storage/licenses.ts'
import { count, line, object, optionalFields, recordFields, slug, slugs } from './fields.ts'
import { expiresAt, licenseFeatures, licenseLimits, licenseViews, updatesUntil } from './license-views.ts'

/** Declares a response in core's names. The type checker holds the schema equal to core's interface. */
const view = input

const keyStatus = () =>
  oneOf('Status of the license key; revoked takes precedence over expired', ['active', 'expired', 'revoked'])
const soldSeats = () => count('Seats that were sold', 1, 10_000)
/** A license key may have more seats than were sold, if the vendor lowered their number. */
const seatsUsed = () => count('Seats that are taken', 0, 10_000)

const licenseKey = view<
  Omit<LicenseKey, 'aliasLastFour'> & {
    aliasLastFour?: string | null
    applied?: boolean
    created?: boolean
  }
>()(
  object('A license key: the right to a number of seats', {
    ...recordFields(licenseKeyRecord, [
      'appId',
      'handle',
      'keyRevision',
      'previousUntil',
      'aliasHash',
      'aliasLastFour',
      'aliasUntil',
      'releaseCount',
      'releaseYearStart',
      'externalAsOf',
      'externalEnded',
      'revokedCause',
      'toldExpiring',
      'toldExpired',
      'toldFull',
      'version',
    ]),
    ...optionalFields(licenseKeyRecord, ['aliasLastFour'] as const),
    features: slugs('Features of a seat that is activated now: the tier’s, then the custom ones', 150),
    customFeatures: slugs('Features of its seats beside the tier’s', 50),
    limits: limits('Limits of a seat that is activated now: the tier’s, overridden by the custom ones', 40),
    customLimits: limits('Limits of its seats, which override the tier’s', 20),
    status: keyStatus(),
    key: Type.Optional(line('The text to mail; only for a secret key that asks for it', 40)),
    keyLastFour: line('Last four symbols of the text', 4),
    seatsUsed: seatsUsed(),
    releasesLeft: nullable(
      count('Releases that holders may still make this year; null for any', 0, 1_000_000),
    ),
    applied: Type.Optional(flag('Only of a sale: false if the shop has said something newer before')),
    created: Type.Optional(flag('Only of a sale: true if it made the license key')),
  }),
)

const activatedKey = object('The license key, as its holder sees it', {
  id: licenseKeyRecord.schema.properties['id'] as TUnsafe<string>,
  status: keyStatus(),
  expiresAt: expiresAt(),
  updatesUntil: updatesUntil(),
  seats: soldSeats(),
  seatsUsed: seatsUsed(),
} satisfies Record<keyof ActivatedKey, unknown>)

const activatedLicense = object('A seat with its license key, as the holder sees them', {
  ...licenseViews.HeldLicense.properties,
  licenseKey: activatedKey,
})

const seat = view<Omit<Seat, 'seenOn'> & { seenOn: string | null }>()(
  object('A taken seat, as the holder of its license key sees it', {
    licenseId: licenseRecord.schema.properties['id'] as TUnsafe<string>,
    name: licenseRecord.schema.properties['name'] as TUnsafe<string | null>,
    installationIdLastFour: line('Last four characters of the installation id', 4),
    activatedAt: instant('Time when the installation first took a seat'),
    seenOn: nullable(
      Type.String({ description: 'Day of the last sign of life, in UTC', format: 'date', maxLength: 10 }),
    ),
    this: flag('True for the seat of the installation that asks'),
  }),
)

const release = view<Release>()(
  object('The result of giving a seat back', {
    released: Type.Unsafe<true>(flag('Always true')),
    releasesLeft: nullable(
      count('Releases that holders may still make this year; null for any', 0, 1_000_000),
    ),
  }),
)

const releasedSeats = view<BulkRelease>()(
  object('The result of giving many seats back', {
    released: count('Seats that were given back', 0, 10_000),
  }),
)

const licenseKeyVerification = view<LicenseKeyVerification>()(
  object('The result of verifying a license key', {
    valid: flag('True if installations may be activated with it now'),
    code: nullable(
      oneOf('Cause, if it is not valid', [
        'invalid_license_key',
        'license_key_expired',
        'license_key_revoked',
        'missing_tier',
      ]),
    ),
    reason: line('The result for people', 1024),
    status: Type.Optional(keyStatus()),
    tier: Type.Optional(slug('Slug of the tier')),
    features: Type.Optional(licenseFeatures()),
    limits: Type.Optional(licenseLimits()),
    expiresAt: Type.Optional(expiresAt()),
    updatesUntil: Type.Optional(updatesUntil()),
    seats: Type.Optional(soldSeats()),
    seatsUsed: Type.Optional(seatsUsed()),
  }),
)

export type LicenseKeyViewName =
  'ActivatedLicense' | 'LicenseKey' | 'LicenseKeyVerification' | 'Release' | 'ReleasedSeats' | 'Seat'

/** The views of license keys and seats by their names. */
export const licenseKeyViews: Readonly<Record<LicenseKeyViewName, TObject>> = {
  ActivatedLicense: activatedLicense,
  LicenseKey: licenseKey.schema,
  LicenseKeyVerification: licenseKeyVerification.schema,
  Release: release.schema,
  ReleasedSeats: releasedSeats.schema,
  Seat: seat.schema,
}
