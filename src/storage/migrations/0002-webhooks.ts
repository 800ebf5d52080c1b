import { type ColumnDefinitionBuilder, type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Creates the tables of webhooks: their secrets, the deliveries, the expiry notices, and the clock. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWebhooks(db)
  await createDeliveries(db)
  await createLicenseNotices(db)
  await createClock(db)
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}

function ofApp(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull().references('heartwood_app.id').onDelete('cascade')
}

async function createWebhooks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_webhook')
    .addColumn('app_id', text(db), (column) => ofApp(column).primaryKey())
    .addColumn('secret', text(db), (column) => column.notNull())
    .addColumn('previous_secret', text(db))
    .addColumn('previous_until', 'bigint')
    .addColumn('failures', 'bigint', (column) => column.notNull())
    .addColumn('disabled_at', 'bigint')
    .addColumn('version', 'bigint', (column) => column.notNull())
    .execute()
}

async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_delivery')
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('app_id', text(db), ofApp)
    .addColumn('event_id', text(db), (column) => column.notNull())
    .addColumn('type', text(db), (column) => column.notNull())
    .addColumn('payload', text(db), (column) => column.notNull())
    .addColumn('priority', 'integer', (column) => column.notNull())
    .addColumn('state', text(db), (column) => column.notNull())
    .addColumn('attempts', 'bigint', (column) => column.notNull())
    .addColumn('last_status', 'bigint')
    .addColumn('last_error', text(db))
    .addColumn('last_attempt_at', 'bigint')
    .addColumn('due_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .execute()
  await indexDeliveries(db)
}

async function indexDeliveries(db: Kysely<unknown>): Promise<void> {
  const on = (name: string, columns: string[]) =>
    db.schema.createIndex(name).on('heartwood_delivery').columns(columns)
  await on('heartwood_delivery_app', ['app_id', 'id']).execute()
  await on('heartwood_delivery_state', ['app_id', 'state', 'id']).execute()
  await on('heartwood_delivery_due', ['app_id', 'priority', 'due_at', 'id'])
    .where('due_at', 'is not', null)
    .execute()
  await on('heartwood_delivery_age', ['created_at']).where('due_at', 'is', null).execute()
}

async function createLicenseNotices(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_license_notice')
    .addColumn('license_id', text(db), (column) =>
      column.notNull().references('heartwood_license.id').onDelete('cascade'),
    )
    .addColumn('type', text(db), (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('heartwood_license_notice_pk', ['license_id', 'type', 'expires_at'])
    .execute()
}

async function createClock(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_clock')
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .addColumn('steady_since', 'bigint', (column) => column.notNull())
    .execute()
}
