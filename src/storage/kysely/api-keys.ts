import { sql, type SelectQueryBuilder } from 'kysely'
import type {
  ApiKeyFilter,
  ApiKeyPatch,
  ApiKeyRecord,
  ApiKeyStorage,
  NumericDate,
  Page,
  UpdateNote,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { lockTable, typed } from './dialect.ts'
import type { Executor, Reader, Writer } from './executor.ts'
import { KyselyExpiryNotices } from './expiry-notices.ts'
import { countOf, newestFirst } from './queries.ts'
import { updateRecord } from './record-update.ts'
import { apiKeyRows } from './rows.ts'

export abstract class KyselyApiKeys extends KyselyExpiryNotices implements ApiKeyStorage {
  findApiKey(id: string): Promise<ApiKeyRecord | null> {
    return findBy(this.executor, 'id', id)
  }

  findApiKeyByHash(hash: string): Promise<ApiKeyRecord | null> {
    return findBy(this.executor, 'hash', hash)
  }

  async insertApiKey(key: ApiKeyRecord): Promise<void> {
    await this.executor.write((db) =>
      db.insertInto('heartwood_api_key').values(apiKeyRows.toRow(key)).execute(),
    )
  }

  insertFirstApiKey(key: ApiKeyRecord): Promise<boolean> {
    return this.executor.atomically((db) => insertFirstApiKey(db, key))
  }

  updateApiKey(
    id: string,
    patch: ApiKeyPatch,
    note?: UpdateNote<ApiKeyRecord>,
  ): Promise<ApiKeyRecord | null> {
    const changes = apiKeyRows.toChanges(id, patch)
    const update = { table: 'heartwood_api_key', rows: apiKeyRows, id, patch, changes, note } as const
    return updateRecord(this.executor, update)
  }

  async touchApiKeys(lastUsedAt: ReadonlyMap<string, NumericDate>): Promise<void> {
    if (lastUsedAt.size > 0) await this.executor.atomically((db) => touchApiKeys(db, lastUsedAt))
  }

  async listApiKeys(filter: ApiKeyFilter, page: Page): Promise<readonly ApiKeyRecord[]> {
    const rows = await this.executor.read((db) =>
      newestFirst(matching(db, filter).selectAll(), page).execute(),
    )
    return apiKeyRows.toRecords(rows)
  }

  countApiKeys(filter: ApiKeyFilter): Promise<number> {
    return this.executor.read((db) => countOf(matching(db, filter)))
  }
}

async function insertFirstApiKey(db: Writer, key: ApiKeyRecord): Promise<boolean> {
  await lockTable(db, 'heartwood_api_key')
  const row: Readonly<Record<string, unknown>> = apiKeyRows.toRow(key)
  const columns = sql.join(apiKeyRows.columns.map(({ name }) => sql.ref(name)))
  const values = sql.join(apiKeyRows.columns.map(({ name, type }) => typed(row[name], type)))
  const { rows } = await sql`
    insert into heartwood_api_key (${columns})
    select ${values} where not exists (select 1 from heartwood_api_key)
    on conflict do nothing returning id`.execute(db)
  return rows.length > 0
}

/** Writes in the order of ids, so that two concurrent writers never wait for each other's rows. */
async function touchApiKeys(db: Writer, lastUsedAt: ReadonlyMap<string, NumericDate>): Promise<void> {
  for (const [id, time] of [...lastUsedAt].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await db
      .updateTable('heartwood_api_key')
      .set({ last_used_at: time })
      .where('id', '=', id)
      .where(({ eb, or }) => or([eb('last_used_at', 'is', null), eb('last_used_at', '<', time)]))
      .execute()
  }
}

async function findBy(
  executor: Executor,
  column: 'id' | 'hash',
  value: string,
): Promise<ApiKeyRecord | null> {
  return apiKeyRows.toRecordOrNull(await executor.readFirst(executor.hot.apiKeyBy[column], [value]))
}

function matching(
  db: Reader,
  { mode, withoutScopes }: ApiKeyFilter,
): SelectQueryBuilder<Database, 'heartwood_api_key', unknown> {
  const all = db.selectFrom('heartwood_api_key')
  const ofMode = mode === undefined ? all : all.where('mode', '=', mode)
  if (withoutScopes === undefined) return ofMode
  // The column holds a list in JSON, so that a quoted scope is in its text if and only if it is in the list.
  return withoutScopes.reduce(
    (query, scope) => query.where(sql<boolean>`scopes not like ${`%"${scope}"%`}`),
    ofMode.where('scopes', 'is not', null),
  )
}
