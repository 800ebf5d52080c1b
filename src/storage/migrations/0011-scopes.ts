import { type Kysely, PostgresAdapter, sql } from 'kysely'

/** Gives API keys a list of scopes, as JSON. The keys that exist have none, and so all rights of their type. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
  const type = isPostgres ? sql`text collate "C"` : 'text'
  await db.schema.alterTable('heartwood_api_key').addColumn('scopes', type).execute()
}
