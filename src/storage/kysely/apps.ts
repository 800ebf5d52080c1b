import type { Kysely, SelectQueryBuilder } from 'kysely'
import type { AppFilter, StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, countOf, newestFirst, wrote } from './session.ts'
import { appRows } from './rows.ts'

type AppVerbs = Pick<
  StorageSession,
  'findApp' | 'insertApp' | 'updateApp' | 'deleteApp' | 'listApps' | 'countApps'
>

export function appVerbs({ read, write, hot, first }: Access): AppVerbs {
  return {
    findApp: async (slugOrId) => {
      const query = isAppId(slugOrId) ? hot.appById : hot.appBySlug
      return appRows.toRecordOrNull(await first(query, [slugOrId]))
    },
    insertApp: (app) =>
      wrote(
        write
          .insertInto('heartwood_app')
          .values(appRows.toRow(app))
          .onConflict((conflict) => conflict.doNothing())
          .returning('id'),
      ),
    updateApp: async (id, patch) => {
      const changes = { id, ...appRows.toColumns(patch) }
      const query = write.updateTable('heartwood_app').set(changes).where('id', '=', id).returningAll()
      return appRows.toRecordOrNull(await query.executeTakeFirst())
    },
    deleteApp: (id) => wrote(write.deleteFrom('heartwood_app').where('id', '=', id).returning('id')),
    listApps: async (filter, page) => {
      const rows = await newestFirst(matching(read, filter).selectAll(), page).execute()
      return rows.map((row) => appRows.toRecord(row))
    },
    countApps: (filter) => countOf(matching(read, filter)),
  }
}

/** A slug has no underscore. */
export function isAppId(slugOrId: string): boolean {
  return slugOrId.startsWith('app_')
}

function matching(
  db: Kysely<Database>,
  { mode, id }: AppFilter,
): SelectQueryBuilder<Database, 'heartwood_app', unknown> {
  let query = db.selectFrom('heartwood_app')
  if (mode !== undefined) query = query.where('mode', '=', mode)
  if (id !== undefined) query = query.where('id', '=', id)
  return query
}
