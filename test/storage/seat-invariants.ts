import type { LicenseKeyRecord, LicenseRecord, Storage } from '../../src/core/index.ts'

const page = { limit: 10_000 }

/** A taken seat has its place, and the claims of its license key. */
function faultsOf(key: LicenseKeyRecord, seat: LicenseRecord): string[] {
  const claims = ['customerId', 'tierId', 'tier', 'customFeatures', 'customLimits', 'updatesUntil'] as const
  const wrong = claims.filter((field) => JSON.stringify(seat[field]) !== JSON.stringify(key[field]))
  return [
    ...(seat.current ? [] : [`${seat.id} is taken and has no place`]),
    ...wrong.map((field) => `${seat.id} has another ${field} than its license key`),
    ...((seat.expiresAt ?? Infinity) > (key.expiresAt ?? Infinity)
      ? [`${seat.id} outlives its license key`]
      : []),
    ...(key.revokedAt === null ? [] : [`${seat.id} is taken, and its license key is revoked`]),
  ]
}

/** The violations of the invariants of license keys in an app, one sentence each. */
export async function seatFaults(storage: Storage, appId: string): Promise<string[]> {
  const keys = await storage.listLicenseKeys({ appId, now: 0 }, page)
  const licenses = await storage.listLicenses({ appId, now: 0 }, page)
  const taken = licenses.filter(({ licenseKeyId, revokedAt }) => licenseKeyId !== null && revokedAt === null)
  const places = licenses.filter(({ current }) => current).map(({ installationId }) => installationId)
  const faults = places.length === new Set(places).size ? [] : ['an installation has two current licenses']
  for (const key of keys) {
    const own = taken.filter(({ licenseKeyId }) => licenseKeyId === key.id)
    if (own.length > key.seats) faults.push(`${key.id} has ${own.length} of ${key.seats} seats`)
    if ((await storage.countSeats(key.id)) !== own.length) faults.push(`${key.id} counts its seats wrongly`)
    faults.push(...own.flatMap((seat) => faultsOf(key, seat)))
  }
  return faults
}
