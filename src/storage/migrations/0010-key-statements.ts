import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Creates the table of statements about signing keys, and adds to apps the recovery keys that may sign one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_key_statement')
    .addColumn('app_id', text(db), (column) =>
      column.notNull().references('heartwood_app.id').onDelete('cascade'),
    )
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('payload', text(db), (column) => column.notNull())
    .addColumn('signatures', text(db), (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('heartwood_key_statement_pk', ['app_id', 'seq'])
    .execute()
  await db.schema.alterTable('heartwood_app').addColumn('recovery', text(db)).execute()
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}
