import type { SelectQueryBuilder } from 'kysely'
import type {
  AppFilter,
  AppPatch,
  AppRecord,
  AppStorage,
  Page,
  UpdateNote,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { lockLicenseKeys } from './dialect.ts'
import type { Reader } from './executor.ts'
import { countOf, newestFirst, deletePresent, insertUnlessTaken } from './queries.ts'
import { isPresent } from './presence.ts'
import { updateRecord } from './record-update.ts'
import { appRows } from './rows.ts'
import { Verbs } from './verbs.ts'

export abstract class KyselyApps extends Verbs implements AppStorage {
  async findApp(slugOrId: string): Promise<AppRecord | null> {
    const { appById, appBySlug } = this.executor.hot
    const query = isAppId(slugOrId) ? appById : appBySlug
    return appRows.toRecordOrNull(await this.executor.readFirst(query, [slugOrId]))
  }

  insertApp(app: AppRecord): Promise<boolean> {
    return this.executor.write((db) => insertUnlessTaken(db, 'heartwood_app', appRows.toRow(app)))
  }

  updateApp(id: string, patch: AppPatch, note?: UpdateNote<AppRecord>): Promise<AppRecord | null> {
    const changes = appRows.toChanges(id, patch)
    const update = { table: 'heartwood_app', rows: appRows, id, patch, changes, note } as const
    return updateRecord(this.executor, update)
  }

  async deleteApp(id: string): Promise<boolean> {
    const isDeleted = await this.executor.atomically(async (db) => {
      await lockLicenseKeys(db, 'app_id', id)
      return deletePresent(db, 'heartwood_app', id)
    })
    if (isDeleted) await this.executor.secretErased()
    return isDeleted
  }

  async listApps(filter: AppFilter, page: Page): Promise<readonly AppRecord[]> {
    const rows = await this.executor.read((db) =>
      newestFirst(matching(db, filter).selectAll(), page).execute(),
    )
    return appRows.toRecords(rows)
  }

  countApps(filter: AppFilter): Promise<number> {
    return this.executor.read((db) => countOf(matching(db, filter)))
  }
}

/** A slug has no underscore. */
export function isAppId(slugOrId: string): boolean {
  return slugOrId.startsWith('app_')
}

function matching(
  db: Reader,
  { mode, id, slugs }: AppFilter,
): SelectQueryBuilder<Database, 'heartwood_app', unknown> {
  let query = db.selectFrom('heartwood_app').where(isPresent('id'))
  if (mode !== undefined) query = query.where('mode', '=', mode)
  if (id !== undefined) query = query.where('id', '=', id)
  // PostgreSQL takes no empty list, and no slug is empty.
  if (slugs !== undefined) query = query.where('slug', 'in', ['', ...slugs])
  return query
}
