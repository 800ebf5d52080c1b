import { sql, type Kysely, type SelectQueryBuilder } from 'kysely'
import type { ApiKeyFilter, ApiKeyRecord, NumericDate, StorageSession } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, countOf, newestFirst } from './session.ts'
import { lockTable, typed } from './dialect.ts'
import { apiKeyRows } from './rows.ts'

type ApiKeyReads = Pick<StorageSession, 'findApiKey' | 'findApiKeyByHash' | 'listApiKeys' | 'countApiKeys'>

export function apiKeyReads({ read, hot, first }: Access): ApiKeyReads {
  return {
    findApiKey: async (id) => {
      const query = matching(read, {}).selectAll().where('id', '=', id)
      return apiKeyRows.toRecordOrNull(await query.executeTakeFirst())
    },
    findApiKeyByHash: async (hash) => apiKeyRows.toRecordOrNull(await first(hot.apiKeyByHash, [hash])),
    listApiKeys: async (filter, page) => {
      const rows = await newestFirst(matching(read, filter).selectAll(), page).execute()
      return rows.map((row) => apiKeyRows.toRecord(row))
    },
    countApiKeys: (filter) => countOf(matching(read, filter)),
  }
}

type ApiKeyWrites = Pick<
  StorageSession,
  'insertApiKey' | 'insertFirstApiKey' | 'updateApiKey' | 'touchApiKeys'
>

export function apiKeyWrites({ write, atomically }: Access): ApiKeyWrites {
  return {
    insertApiKey: async (key) => {
      await write.insertInto('heartwood_api_key').values(apiKeyRows.toRow(key)).execute()
    },
    insertFirstApiKey: (key) => atomically((db) => insertFirstApiKey(db, key)),
    updateApiKey: async (id, patch) => {
      const changes = { id, ...apiKeyRows.toColumns(patch) }
      const query = write.updateTable('heartwood_api_key').set(changes).where('id', '=', id).returningAll()
      return apiKeyRows.toRecordOrNull(await query.executeTakeFirst())
    },
    touchApiKeys: async (lastUsedAt) => {
      if (lastUsedAt.size > 0) await atomically((db) => touchApiKeys(db, lastUsedAt))
    },
  }
}

async function insertFirstApiKey(db: Kysely<Database>, key: ApiKeyRecord): Promise<boolean> {
  await lockTable(db, 'heartwood_api_key')
  const row = Object.entries(apiKeyRows.toRow(key))
  const columns = sql.join(row.map(([column]) => sql.ref(column)))
  const values = sql.join(
    row.map(([column, value]) => typed(value, column.endsWith('_at') ? 'bigint' : 'text')),
  )
  const { rows } = await sql`
    insert into heartwood_api_key (${columns})
    select ${values} where not exists (select 1 from heartwood_api_key)
    on conflict do nothing returning id`.execute(db)
  return rows.length > 0
}

/** In the order of ids, so that two such writers never wait for each other's rows. */
async function touchApiKeys(
  db: Kysely<Database>,
  lastUsedAt: ReadonlyMap<string, NumericDate>,
): Promise<void> {
  for (const [id, time] of [...lastUsedAt].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await db
      .updateTable('heartwood_api_key')
      .set({ last_used_at: time })
      .where('id', '=', id)
      .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', time)]))
      .execute()
  }
}

function matching(
  db: Kysely<Database>,
  { mode }: ApiKeyFilter,
): SelectQueryBuilder<Database, 'heartwood_api_key', unknown> {
  const query = db.selectFrom('heartwood_api_key')
  return mode === undefined ? query : query.where('mode', '=', mode)
}
