import { sql } from 'kysely'
import type { ExpiryNotice, StorageSession } from '../../core/storage/index.ts'
import { type Access, wrote } from './session.ts'
import { licenseRows } from './rows.ts'

type NoticeVerbs = Pick<
  StorageSession,
  'listEndingLicenses' | 'insertExpiryNotice' | 'listExpiryNotices' | 'recordClockReading'
>

export function noticeVerbs({ read, write }: Access): NoticeVerbs {
  return {
    listEndingLicenses: async ({ appId, after, until, withoutNotice: untold, limit }) => {
      const rows = await read
        .selectFrom('heartwood_license')
        .selectAll()
        .where('app_id', '=', appId)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', after)
        .where('expires_at', '<=', until)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('heartwood_license_notice as notice')
                .select('notice.type')
                .whereRef('notice.license_id', '=', 'heartwood_license.id')
                .where('notice.type', '=', untold)
                .whereRef('notice.expires_at', '=', 'heartwood_license.expires_at'),
            ),
          ),
        )
        .orderBy('expires_at')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map((row) => licenseRows.toRecord(row))
    },
    insertExpiryNotice: ({ licenseId, type, expiresAt }) =>
      wrote(
        write
          .insertInto('heartwood_license_notice')
          .values({ license_id: licenseId, type, expires_at: expiresAt })
          .onConflict((conflict) => conflict.doNothing())
          .returning('type'),
      ),
    listExpiryNotices: async (licenseIds) => {
      if (licenseIds.length === 0) return []
      const notices = read.selectFrom('heartwood_license_notice').selectAll()
      const rows = await notices.where('license_id', 'in', licenseIds).execute()
      return rows.map(({ license_id, type, expires_at }): ExpiryNotice => {
        return { licenseId: license_id, type, expiresAt: Number(expires_at) }
      })
    },
    recordClockReading: async (now, tolerance) => {
      const since = sql<number>`case when heartwood_clock.seen_at between ${now - tolerance} and ${now + tolerance}
        then heartwood_clock.steady_since else ${now} end`
      const row = await write
        .insertInto('heartwood_clock')
        .values({ id: 'clock', seen_at: now, steady_since: now })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ seen_at: now, steady_since: since }))
        .returning('steady_since')
        .executeTakeFirstOrThrow()
      return Number(row.steady_since)
    },
  }
}
