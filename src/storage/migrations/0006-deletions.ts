import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Creates the table of the apps, tiers and customers that are deleted in several transactions. It is normally empty. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_deletion')
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('app_id', text(db), (column) =>
      column.notNull().references('heartwood_app.id').onDelete('cascade'),
    )
    .addColumn('kind', text(db), (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('heartwood_deletion_app').on('heartwood_deletion').column('app_id').execute()
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}
