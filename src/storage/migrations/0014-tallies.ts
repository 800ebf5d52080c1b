import { type CreateTableBuilder, type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Creates the tables of statistics: counts by hour and day, and the last snapshot of each app's licenses. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const tallies = db.schema
    .createTable('heartwood_tally')
    .addColumn('app_id', text(db), (column) =>
      column.notNull().references('heartwood_app.id').onDelete('cascade'),
    )
    .addColumn('span', text(db), (column) => column.notNull())
    .addColumn('starts_at', 'bigint', (column) => column.notNull())
    .addColumn('name', text(db), (column) => column.notNull())
    .addColumn('count', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('heartwood_tally_pk', ['app_id', 'span', 'starts_at', 'name'])
  await inKeyOrder(db, tallies).execute()
  await db.schema
    .createTable('heartwood_snapshot')
    .addColumn('app_id', text(db), (column) =>
      column.notNull().primaryKey().references('heartwood_app.id').onDelete('cascade'),
    )
    .addColumn('taken_at', 'bigint')
    .addColumn('claimed_until', 'bigint', (column) => column.notNull())
    .addColumn('tiers', text(db), (column) => column.notNull())
    .execute()
}

/** SQLite keeps the rows in the order of the key, so that a year of counts is read without an index beside the table. */
function inKeyOrder<Table extends string, Column extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<Table, Column>,
): CreateTableBuilder<Table, Column> {
  return isPostgres(db) ? table : table.modifyEnd(sql`without rowid`)
}

function isPostgres(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return isPostgres(db) ? sql`text collate "C"` : 'text'
}
