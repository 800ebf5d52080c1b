import type { LicenseKeyRecord, LicenseRecord } from '../../core/storage/index.ts'

/** The fields that a taken seat has from its license key. */
const copied = ['customerId', 'tierId', 'customFeatures', 'customLimits', 'updatesUntil'] as const

function differs(seat: LicenseRecord, key: LicenseKeyRecord): boolean {
  return copied.some((name) => JSON.stringify(seat[name]) !== JSON.stringify(key[name]))
}

/** True if the seat would outlive its license key. */
function outlives(seat: LicenseRecord, key: LicenseKeyRecord): boolean {
  return key.expiresAt !== null && (seat.expiresAt === null || seat.expiresAt > key.expiresAt)
}

function takenFaults(seat: LicenseRecord, key: LicenseKeyRecord): readonly string[] {
  return [
    ...(seat.current ? [] : ['is a taken seat without the place of its installation']),
    ...(key.revokedAt === null ? [] : ['is a taken seat of a revoked license key']),
    ...(differs(seat, key) ? ['differs from its license key'] : []),
    ...(outlives(seat, key) ? ['ends later than its license key'] : []),
  ]
}

/** The faults of a seat beside its license key. A license without a license key has none. */
export function seatFaults(
  license: LicenseRecord,
  licenseKeys: ReadonlyMap<string, LicenseKeyRecord>,
): readonly string[] {
  if (license.licenseKeyId === null) return []
  const key = licenseKeys.get(license.licenseKeyId)
  if (key === undefined) return ['is a seat of a license key that its app does not have']
  return license.revokedAt === null ? takenFaults(license, key) : []
}
