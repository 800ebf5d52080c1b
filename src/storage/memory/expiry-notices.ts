import type {
  EndingLicenses,
  ExpiryNotice,
  ExpiryNoticeStorage,
  LicenseRecord,
  NumericDate,
} from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { keyOf } from './table.ts'
import { type LookUps, requireParent, type Tables } from './tables.ts'

export function expiryNoticeStorage({ read, write }: Runner): ExpiryNoticeStorage {
  return {
    listEndingLicenses: (ending) => read((tables) => listEndingLicenses(tables, ending)),
    insertExpiryNotice: (notice) =>
      write(({ licenses, notices }) => {
        const { licenseId, type, expiresAt } = notice
        requireParent(licenses.get(licenseId))
        return notices.insert({ ...notice, id: keyOf(licenseId, type, `${expiresAt}`) })
      }),
    listExpiryNotices: (licenseIds) =>
      read(({ notices }) =>
        licenseIds
          .flatMap((licenseId) => [...notices.ascending(licenseId)])
          .map(({ licenseId, type, expiresAt }): ExpiryNotice => ({ licenseId, type, expiresAt })),
      ),
    recordClockReading: (now, tolerance) => write((tables) => recordClockReading(tables, now, tolerance)),
  }
}

function listEndingLicenses(
  { licenses, notices }: LookUps,
  { appId, after, until, withoutNotice, limit }: EndingLicenses,
): LicenseRecord[] {
  const isWanted = ({ id, licenseKeyId, revokedAt, expiresAt }: LicenseRecord): boolean =>
    licenseKeyId === null &&
    revokedAt === null &&
    expiresAt !== null &&
    expiresAt > after &&
    expiresAt <= until &&
    notices.get(keyOf(id, withoutNotice, `${expiresAt}`)) === null
  const found = [...licenses.ascending(appId)].filter(isWanted)
  return found.toSorted((a, b) => a.expiresAt! - b.expiresAt!).slice(0, limit)
}

function recordClockReading({ clocks }: Tables, now: NumericDate, tolerance: number): NumericDate {
  const last = clocks.get('clock')
  const isSteady = last !== null && Math.abs(now - last.seenAt) <= tolerance
  const steadySince = isSteady ? last.steadySince : now
  clocks.replace({ id: 'clock', seenAt: now, steadySince })
  return steadySince
}
