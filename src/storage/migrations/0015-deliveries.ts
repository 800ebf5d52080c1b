import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/**
 * Gives deliveries their license and their last attempts, webhooks the state of their queue, and the lists of deliveries an
 * index for each filter. A server of an earlier version writes deliveries without these columns.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await addColumns(db)
  await nameLicenses(db)
  await indexDeliveries(db)
}

function isPostgres(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return isPostgres(db) ? sql`text collate "C"` : 'text'
}

async function addColumns(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('heartwood_delivery').addColumn('license_id', text(db)).execute()
  await db.schema
    .alterTable('heartwood_delivery')
    .addColumn('last_attempts', text(db), (column) => column.notNull().defaultTo('[]'))
    .execute()
  await db.schema.alterTable('heartwood_webhook').addColumn('queue_full_at', 'bigint').execute()
  await db.schema
    .alterTable('heartwood_webhook')
    .addColumn('dropped_events', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
}

/** Reads the text between two quotes, because a function for JSON would end the migration at one broken payload. */
async function nameLicenses(db: Kysely<unknown>): Promise<void> {
  const begin = '"license_id":"'
  const found = isPostgres(db)
    ? sql`substring(payload from ${sql.lit(`${begin}(lic_[0-9a-z]{26})"`)})`
    : sql`substr(payload, nullif(instr(payload, ${sql.lit(begin)}), 0) + ${sql.lit(begin.length)}, 30)`
  await sql`update heartwood_delivery set license_id = ${found}
    where type like 'license.%' and length(${found}) = 30`.execute(db)
}

async function indexDeliveries(db: Kysely<unknown>): Promise<void> {
  const on = (name: string, columns: string[]) =>
    db.schema.createIndex(`heartwood_delivery_${name}`).on('heartwood_delivery').columns(columns)
  await on('type', ['app_id', 'type', 'state', 'id']).execute()
  await on('license', ['license_id', 'id']).where('license_id', 'is not', null).execute()
  await on('failed', ['app_id', 'created_at', 'id'])
    .where(sql<boolean>`state = 'failed'`)
    .execute()
}
