import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Adds to signing keys the time and the reason of their retirement. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const key = db.schema.alterTable('heartwood_signing_key')
  await key.addColumn('retired_at', 'bigint').execute()
  await key.addColumn('retired_reason', text(db)).execute()
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}
