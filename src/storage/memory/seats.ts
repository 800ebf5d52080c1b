import type {
  LicenseKeyStorage,
  LicenseRecord,
  NumericDate,
  SeatReissue,
  SeatRelease,
} from '../../core/storage/index.ts'
import { patched } from './frozen.ts'
import type { Runner } from './runner.ts'
import type { LookUps, Tables } from './tables.ts'

type SeatVerbs = Pick<
  LicenseKeyStorage,
  | 'findSeating'
  | 'countSeats'
  | 'releaseSeats'
  | 'reissueSeats'
  | 'revokeSeats'
  | 'reinstateSeats'
  | 'deleteSeats'
  | 'pruneSeats'
>

export function seatStorage({ read, write }: Runner): SeatVerbs {
  return {
    findSeating: (licenseKeyId, installationId) =>
      read((tables) => {
        const all = seatsOf(tables, licenseKeyId)
        const seats = all.filter((seat) => seat.installationId === installationId)
        const seat = seats.find(isTaken) ?? seats.findLast(isByVendor) ?? seats.at(-1) ?? null
        return { seat, taken: all.filter(isTaken).length }
      }),
    countSeats: (licenseKeyId, seenBefore) =>
      read((tables) => takenSeats(tables, licenseKeyId).filter(wasSeenBefore(seenBefore)).length),
    releaseSeats: (release) => write((tables) => releaseSeats(tables, release)),
    reissueSeats: (reissue) => write((tables) => reissueSeats(tables, reissue)),
    revokeSeats: (licenseKeyId, now) => write((tables) => revokeSeats(tables, licenseKeyId, now)),
    reinstateSeats: (licenseKeyId, now) => write((tables) => reinstateSeats(tables, licenseKeyId, now)),
    deleteSeats: (licenseKeyId, limit) =>
      write((tables) => deleteAll(tables, seatsOf(tables, licenseKeyId).slice(0, limit))),
    pruneSeats: (before, limit) => write((tables) => pruneSeats(tables, before, limit)),
  }
}

function isTaken({ revokedAt }: LicenseRecord): boolean {
  return revokedAt === null
}

/** True for a revoked seat that the vendor revoked. */
function isByVendor({ revokedCause }: LicenseRecord): boolean {
  return revokedCause === null
}

function wasSeenBefore(time: NumericDate | undefined): (seat: LicenseRecord) => boolean {
  return ({ seenAt }) => time === undefined || (seenAt ?? 0) < time
}

/** All seats of a license key, in the order of their ids. */
function seatsOf({ licenseKeys, licenses }: LookUps, licenseKeyId: string): readonly LicenseRecord[] {
  const key = licenseKeys.get(licenseKeyId)
  if (key === null) return []
  return [...licenses.ascending(key.appId)].filter((license) => license.licenseKeyId === licenseKeyId)
}

function takenSeats(tables: LookUps, licenseKeyId: string): readonly LicenseRecord[] {
  return seatsOf(tables, licenseKeyId).filter(isTaken)
}

/** Writes a seat with the next `version`. The core checks first that a patch which takes a slot may have it. */
function change({ licenses }: Tables, seat: LicenseRecord, patch: Partial<LicenseRecord>): LicenseRecord {
  return licenses.replace({ ...patched(seat, patch), version: seat.version + 1 })!
}

function releaseSeats(
  tables: Tables,
  { licenseKeyId, now, cause, seenBefore, exceptIds = [], limit }: SeatRelease,
): readonly LicenseRecord[] {
  const found = takenSeats(tables, licenseKeyId)
    .filter(wasSeenBefore(seenBefore))
    .filter(({ id }) => !exceptIds.includes(id))
    .toSorted((a, b) => (a.seenAt ?? 0) - (b.seenAt ?? 0))
  const patch = { revokedAt: now, revokedReason: null, revokedCause: cause, updatedAt: now }
  return found.slice(0, Math.max(limit, 0)).map((seat) => change(tables, seat, patch))
}

function reissueSeats(tables: Tables, { licenseKeyId, now, end, claims }: SeatReissue): number {
  const seats = takenSeats(tables, licenseKeyId)
  const patch = { ...claims, ...(end !== undefined && { expiresAt: end }), issuedAt: now, updatedAt: now }
  for (const seat of seats) change(tables, seat, { ...patch, revision: seat.revision + 1 })
  return seats.length
}

function revokeSeats(tables: Tables, licenseKeyId: string, now: NumericDate): number {
  const seats = takenSeats(tables, licenseKeyId)
  const patch = { revokedAt: now, revokedReason: null, revokedCause: 'key_revoked', updatedAt: now } as const
  for (const seat of seats) change(tables, seat, patch)
  return seats.length
}

function reinstateSeats(tables: Tables, licenseKeyId: string, now: NumericDate): number {
  const seats = seatsOf(tables, licenseKeyId).filter(({ revokedCause }) => revokedCause === 'key_revoked')
  const taken = { revokedAt: null, revokedCause: null, updatedAt: now } as const
  for (const seat of seats)
    change(tables, seat, seat.current ? taken : { revokedCause: 'replaced', updatedAt: now })
  return seats.filter(({ current }) => current).length
}

function deleteAll({ licenses, notices }: Tables, seats: readonly LicenseRecord[]): number {
  for (const { id } of seats) {
    notices.deleteWhere(id)
    licenses.delete(id)
  }
  return seats.length
}

const forgotten: readonly (string | null)[] = ['released', 'lapsed', 'replaced', 'moved']

function pruneSeats(tables: Tables, before: NumericDate, limit: number): number {
  const isOld = ({ licenseKeyId, revokedCause, updatedAt }: LicenseRecord): boolean =>
    licenseKeyId !== null && forgotten.includes(revokedCause) && updatedAt < before
  const all = [...tables.apps.ascending()].flatMap(({ id }) => [...tables.licenses.ascending(id)])
  return deleteAll(tables, all.filter(isOld).slice(0, limit))
}
