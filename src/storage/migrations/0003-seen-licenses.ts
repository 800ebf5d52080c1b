import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Adds to licenses the cause of a revocation, and the last sign of life of the installation. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const license = db.schema.alterTable('heartwood_license')
  // SQLite adds one column a statement.
  await license.addColumn('revoked_cause', text(db)).execute()
  await license.addColumn('seen_at', 'bigint').execute()
  await license.addColumn('seen_kid', text(db)).execute()
  await license.addColumn('seen_client', text(db)).execute()
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}
