import type { Kysely } from 'kysely'
import type { StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, newestFirst, wrote } from './session.ts'
import { isAppId } from './apps.ts'
import { unlessTaken } from './errors.ts'
import { countLicenses, matching, statusIs } from './license-filter.ts'
import { regenerateMany } from './regenerate-many.ts'
import { licenseRows } from './rows.ts'

type LicenseReads = Pick<
  StorageSession,
  'findLicense' | 'findCurrentLicense' | 'listLicenses' | 'countLicenses'
>

export function licenseReads({ read, hot, first }: Access): LicenseReads {
  return {
    findLicense: async (appId, id) => licenseRows.toRecordOrNull(await first(hot.license, [appId, id])),
    findCurrentLicense: async (appSlugOrId, installationId) => {
      const query = isAppId(appSlugOrId) ? hot.currentByAppId : hot.currentByAppSlug
      return licenseRows.toRecordOrNull(await first(query, [appSlugOrId, installationId]))
    },
    listLicenses: async (filter, page) => {
      const rows = await newestFirst(matching(read, filter).selectAll(), page).execute()
      return rows.map((row) => licenseRows.toRecord(row))
    },
    countLicenses: (filter) => countLicenses(read, filter),
  }
}

type LicenseWrites = Pick<
  StorageSession,
  'insertLicense' | 'releaseInstallation' | 'updateLicense' | 'deleteLicense' | 'regenerateMany'
>

export function licenseWrites(access: Access): LicenseWrites {
  const { write } = access
  return {
    insertLicense: (license) =>
      wrote(
        write
          .insertInto('heartwood_license')
          .values(licenseRows.toRow(license))
          .onConflict((conflict) => conflict.doNothing())
          .returning('id'),
      ),
    releaseInstallation: async (appId, installationId, now, exceptId) => {
      const ended = write
        .updateTable('heartwood_license')
        .set((eb) => ({ current: 0, version: eb('version', '+', 1) }))
        .where('app_id', '=', appId)
        .where('installation_id', '=', installationId)
        .where('current', '=', 1)
        .where(({ not }) => not(statusIs('active', now)))
      await (exceptId === undefined ? ended : ended.where('id', '!=', exceptId)).execute()
    },
    updateLicense: async (id, expectedVersion, patch) => {
      const update = (db: Kysely<Database>) =>
        db
          .updateTable('heartwood_license')
          .set({ ...licenseRows.toColumns(patch), version: expectedVersion + 1 })
          .where('id', '=', id)
          .where('version', '=', expectedVersion)
          .returningAll()
          .executeTakeFirst()
      const takesPlace = patch.current !== undefined || patch.installationId !== undefined
      const row = await (takesPlace ? unlessTaken(write, update) : update(write))
      return licenseRows.toRecordOrNull(row ?? undefined)
    },
    deleteLicense: (id) => wrote(write.deleteFrom('heartwood_license').where('id', '=', id).returning('id')),
    regenerateMany: (reissue) => regenerateMany(access, reissue),
  }
}
