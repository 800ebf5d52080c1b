import { sql, type SqlBool } from 'kysely'
import type {
  EndingLicenses,
  ExpiryNotice,
  ExpiryNoticeStorage,
  LicenseRecord,
  NumericDate,
} from '../../core/storage/index.ts'
import type { Writer } from './executor.ts'
import { KyselyLicenseKeys } from './license-keys.ts'
import { isLicensePresent, licenseColumns } from './presence.ts'
import { insertUnlessTaken } from './queries.ts'
import { expiryNoticeRows, licenseRows } from './rows.ts'

const marks = { 'license.expiring': 'told_expiring', 'license.expired': 'told_expired' } as const

export async function markTold(db: Writer, { licenseId, type, expiresAt }: ExpiryNotice): Promise<void> {
  await db
    .updateTable('heartwood_license')
    .set({ [marks[type]]: expiresAt })
    .where('id', '=', licenseId)
    .execute()
}

export abstract class KyselyExpiryNotices extends KyselyLicenseKeys implements ExpiryNoticeStorage {
  async listEndingLicenses({
    appId,
    after,
    until,
    withoutNotice,
    limit,
  }: EndingLicenses): Promise<readonly LicenseRecord[]> {
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_license')
        .select(licenseColumns)
        .where(isLicensePresent)
        .where('app_id', '=', appId)
        .where('revoked_at', 'is', null)
        .where('license_key_id', 'is', null)
        .where('expires_at', '>', after)
        .where('expires_at', '<=', until)
        // Word for word the condition of the index, which leaves out what was announced.
        .where(sql<SqlBool>`expires_at is distinct from ${sql.ref(marks[withoutNotice])}`)
        // An end may come back that was announced before another one.
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('heartwood_license_notice as notice')
                .select('notice.type')
                .whereRef('notice.license_id', '=', 'heartwood_license.id')
                .where('notice.type', '=', withoutNotice)
                .whereRef('notice.expires_at', '=', 'heartwood_license.expires_at'),
            ),
          ),
        )
        .orderBy('expires_at')
        .orderBy('id')
        .limit(limit)
        .execute(),
    )
    return licenseRows.toRecords(rows)
  }

  insertExpiryNotice(notice: ExpiryNotice): Promise<boolean> {
    return this.executor.atomically(async (db) => {
      const row = expiryNoticeRows.toRow(notice)
      if (!(await insertUnlessTaken(db, 'heartwood_license_notice', row))) return false
      await markTold(db, notice)
      return true
    })
  }

  async listExpiryNotices(licenseIds: readonly string[]): Promise<readonly ExpiryNotice[]> {
    if (licenseIds.length === 0) return []
    const rows = await this.executor.read((db) =>
      db.selectFrom('heartwood_license_notice').selectAll().where('license_id', 'in', licenseIds).execute(),
    )
    return expiryNoticeRows.toRecords(rows)
  }

  async recordClockReading(now: NumericDate, tolerance: number): Promise<NumericDate> {
    const steadySince = sql<number>`case
      when heartwood_clock.seen_at between ${now - tolerance} and ${now + tolerance}
      then heartwood_clock.steady_since else ${now} end`
    const row = await this.executor.write((db) =>
      db
        .insertInto('heartwood_clock')
        .values({ id: 'clock', seen_at: now, steady_since: now })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet({ seen_at: now, steady_since: steadySince }),
        )
        .returning('steady_since')
        .executeTakeFirstOrThrow(),
    )
    return Number(row.steady_since)
  }
}
