import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Creates the tables of the end of the audit chain, and of the checkpoints. Neither refers to an app, because they outlive it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_audit_chain')
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('mac', text(db))
    .addColumn('key_id', text(db), (column) => column.notNull())
    .addColumn('spans', text(db))
    .addColumn('start', text(db))
    .addColumn('checkpoint_seq', 'bigint', (column) => column.notNull())
    .addColumn('checkpoint_at', 'bigint', (column) => column.notNull())
    .addColumn('leased_until', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('heartwood_audit_checkpoint')
    .addColumn('app_id', text(db), (column) => column.notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('mac', text(db), (column) => column.notNull())
    .addColumn('token', text(db), (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('heartwood_audit_checkpoint_pk', ['seq', 'app_id'])
    .execute()
  await db.schema
    .createIndex('heartwood_audit_checkpoint_time')
    .on('heartwood_audit_checkpoint')
    .columns(['created_at', 'seq'])
    .execute()
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}
