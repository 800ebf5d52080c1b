import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Adds limits to tiers and licenses, and to licenses the time until which released versions are covered. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await addLimits(db, 'heartwood_tier', 'limits')
  await addLimits(db, 'heartwood_license', 'tier_limits')
  await addLimits(db, 'heartwood_license', 'custom_limits')
  await db.schema.alterTable('heartwood_license').addColumn('updates_until', 'bigint').execute()
}

/** A constant default rewrites no row. */
async function addLimits(db: Kysely<unknown>, table: string, column: string): Promise<void> {
  const limits = db.schema.alterTable(table)
  await limits.addColumn(column, text(db), (added) => added.notNull().defaultTo('{}')).execute()
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}
