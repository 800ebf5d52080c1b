import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

const table = 'heartwood_audit_entry'

/**
 * Creates the table of audit entries. On SQLite it is its own index of ids, so that an entry costs one page less. It refers to no other table, because an entry outlives what it tells of.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable(table)
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('app_id', text(db))
    .addColumn('mode', text(db), (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('actor_type', text(db), (column) => column.notNull())
    .addColumn('actor_id', text(db))
    .addColumn('actor_label', text(db))
    .addColumn('action', text(db), (column) => column.notNull())
    .addColumn('target_type', text(db), (column) => column.notNull())
    .addColumn('target_id', text(db))
    .addColumn('changes', text(db), (column) => column.notNull())
    .addColumn('request_id', text(db))
    .addColumn('seq', 'bigint')
    .addColumn('mac', text(db))
    .modifyEnd(sql.raw(isPostgres(db) ? '' : 'without rowid'))
    .execute()
  await indexLists(db)
  await indexChain(db)
}

function isPostgres(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return isPostgres(db) ? sql`text collate "C"` : 'text'
}

/**
 * Each index has the filter of a list, then the order of the list, then the columns by which the list passes over entries. It
 * has sealed entries alone: so the write of a change waits for none of them, and the sealer writes them for many entries at once.
 */
async function indexLists(db: Kysely<unknown>): Promise<void> {
  await index(db, 'app', ['app_id', 'id', 'created_at'])
  await index(db, 'mode', ['mode', 'id', 'created_at'])
  await index(db, 'time', ['created_at', 'id'])
  await index(db, 'target', ['target_id', 'id'])
  await index(db, 'actor', ['actor_type', 'actor_id', 'mode', 'id', 'app_id'])
  await index(db, 'action', ['action', 'mode', 'id', 'app_id'])
}

async function index(db: Kysely<unknown>, name: string, columns: string[]): Promise<void> {
  const made = db.schema.createIndex(`${table}_${name}`).on(table).columns(columns)
  await made.where('seq', 'is not', null).execute()
}

/** Entries have a place in the chain once they are sealed. A new entry therefore costs no write in the index of places. */
async function indexChain(db: Kysely<unknown>): Promise<void> {
  const on = (name: string, column: string) =>
    db.schema.createIndex(`${table}_${name}`).on(table).column(column)
  await on('seq', 'seq').unique().where('seq', 'is not', null).execute()
  await on('unsealed', 'id').where('seq', 'is', null).execute()
}
