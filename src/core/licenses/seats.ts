import { LicensingError } from '../errors.ts'
import { invalidInput } from '../input/parse.ts'
import type { LicenseKeyRecord, SeatClaims, StorageSession } from '../storage/index.ts'
import type { ParsedChanges } from './input.ts'

/** The claims that a seat copies from its license key. Without its tier it keeps what the tier gave it. */
export async function seatClaims(session: StorageSession, key: LicenseKeyRecord): Promise<SeatClaims> {
  const { customerId, tierId, customFeatures, customLimits, updatesUntil } = key
  const tier = tierId === null ? null : await session.findTier(key.appId, tierId)
  const own = { customerId, customFeatures, customLimits, updatesUntil }
  if (tier === null) return { ...own, tierId: null }
  return { ...own, tierId: tier.id, tier: tier.slug, tierFeatures: tier.features, tierLimits: tier.limits }
}

/** The error for an installation that finds no free seat. The numbers are ours, and no input is among them. */
export function noFreeSeat({ seats }: LicenseKeyRecord, used: number): LicensingError {
  const taken =
    used > seats ? `${used} seats are taken, and ${seats} were sold` : `${used} of ${seats} are taken`
  return new LicensingError('seat_limit_reached', 'All seats of the license key are taken', {
    details: { seats: [taken] },
  })
}

export function licenseKeyRevoked(): LicensingError {
  return new LicensingError('license_key_revoked', 'The license key has been revoked')
}

/**
 * Takes one more seat of a license key, at the start of a transaction. Resolves to `false` if the license key has changed since
 * it was read.
 *
 * @throws {LicensingError} `license_key_revoked`, `seat_limit_reached`.
 */
export async function takeSeat(tx: StorageSession, known: LicenseKeyRecord): Promise<boolean> {
  const key = await tx.holdLicenseKey(known.id)
  if (key?.version !== known.version + 1) return false
  if (key.revokedAt !== null) throw licenseKeyRevoked()
  const used = await tx.countSeats(key.id)
  if (used >= key.seats) throw noFreeSeat(key, used)
  return true
}

const ofLicenseKey = [
  'customerId',
  'tierId',
  'customFeatures',
  'customLimits',
  'updatesUntil',
  'durationDays',
  'expiresAt',
  'forever',
] as const

/** A seat has these from its license key. @throws {LicensingError} `validation_error`. */
export function refuseOfLicenseKey(given: ParsedChanges): void {
  const wrong = ofLicenseKey.filter((field) => given[field] !== undefined)
  if (wrong.length === 0) return
  throw invalidInput(Object.fromEntries(wrong.map((field) => [field, ['belongs to the license key']])))
}
