import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

const log = 'heartwood_audit_entry'
const table = 'heartwood_unsealed_audit_entry'

const columns = [
  ...['id', 'app_id', 'mode', 'created_at', 'actor_type', 'actor_id', 'actor_label'],
  ...['action', 'target_type', 'target_id', 'changes', 'request_id'],
]

/**
 * Creates the table of entries that wait for their seal, and moves those of the log into it. A new entry then costs one page of
 * a small table. The log keeps its rows and their form, because to write a large one anew would take long.
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
    .modifyEnd(sql.raw(isPostgres(db) ? '' : 'without rowid'))
    .execute()
  await moveUnsealed(db)
  await db.schema.dropIndex(`${log}_unsealed`).execute()
}

function isPostgres(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return isPostgres(db) ? sql`text collate "C"` : 'text'
}

async function moveUnsealed(db: Kysely<unknown>): Promise<void> {
  const names = sql.join(columns.map((name) => sql.ref(name)))
  // A server that still runs must not write an entry between the two statements.
  if (isPostgres(db)) await sql`lock table ${sql.table(log)} in share row exclusive mode`.execute(db)
  await sql`insert into ${sql.table(table)} (${names})
    select ${names} from ${sql.table(log)} where seq is null`.execute(db)
  await sql`delete from ${sql.table(log)} where seq is null`.execute(db)
}
