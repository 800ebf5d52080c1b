import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/** Creates the table of license keys, and makes licenses their seats. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('heartwood_app').addColumn('key_prefix', text(db)).execute()
  await createLicenseKeys(db)
  await indexLicenseKeys(db)
  await addSeats(db)
  await leaveSeatsUnannounced(db)
}

/** Text that sorts by its bytes, as in the first migration. */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}

const table = 'heartwood_license_key'

async function createLicenseKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable(table)
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('app_id', text(db), (column) =>
      column.notNull().references('heartwood_app.id').onDelete('cascade'),
    )
    .addColumn('customer_id', text(db), (column) =>
      column.notNull().references('heartwood_customer.id').onDelete('cascade'),
    )
    .addColumn('tier_id', text(db), (column) => column.references('heartwood_tier.id').onDelete('set null'))
    .addColumn('tier', text(db), (column) => column.notNull())
    .addColumn('custom_features', text(db), (column) => column.notNull())
    .addColumn('custom_limits', text(db), (column) => column.notNull())
    .addColumn('name', text(db))
    .addColumn('handle', text(db), (column) => column.notNull())
    .addColumn('key_revision', 'bigint', (column) => column.notNull())
    .addColumn('previous_until', 'bigint')
    .addColumn('alias_hash', text(db))
    .addColumn('alias_last_four', text(db))
    .addColumn('alias_until', 'bigint')
    .addColumn('seats', 'bigint', (column) => column.notNull())
    .addColumn('when_full', text(db), (column) => column.notNull())
    .addColumn('idle_days', 'bigint')
    .addColumn('releases_per_year', 'bigint')
    .addColumn('release_count', 'bigint', (column) => column.notNull())
    .addColumn('release_year_start', 'bigint')
    .addColumn('expires_at', 'bigint')
    .addColumn('duration_days', 'bigint')
    .addColumn('starts', text(db), (column) => column.notNull())
    .addColumn('activated_at', 'bigint')
    .addColumn('updates_until', 'bigint')
    .addColumn('external_id', text(db))
    .addColumn('external_as_of', 'bigint')
    .addColumn('external_ended', text(db))
    .addColumn('revoked_at', 'bigint')
    .addColumn('revoked_reason', text(db))
    .addColumn('revoked_cause', text(db))
    .addColumn('told_expiring', 'bigint')
    .addColumn('told_expired', 'bigint')
    .addColumn('told_full', 'bigint')
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('metadata', text(db), (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('heartwood_license_key_handle', ['app_id', 'handle'])
    .addUniqueConstraint('heartwood_license_key_alias', ['app_id', 'alias_hash'])
    .addUniqueConstraint('heartwood_license_key_external_id', ['app_id', 'external_id'])
    .execute()
}

/** Each index begins with the column that deletions look up, as those of licenses do. */
async function indexLicenseKeys(db: Kysely<unknown>): Promise<void> {
  const index = (name: string, columns: readonly string[]) =>
    db.schema
      .createIndex(`${table}_${name}`)
      .on(table)
      .columns([...columns])
  await index('app', ['app_id', 'id']).execute()
  await index('customer', ['customer_id', 'app_id', 'id']).execute()
  await index('tier', ['tier_id', 'app_id', 'id']).execute()
  await index('unrevoked', ['app_id', 'expires_at', 'revoked_at']).where('revoked_at', 'is', null).execute()
}

async function addSeats(db: Kysely<unknown>): Promise<void> {
  // SQLite adds one column a statement.
  await db.schema
    .alterTable('heartwood_license')
    .addColumn('license_key_id', text(db), (column) => column.references(`${table}.id`).onDelete('cascade'))
    .execute()
  await db.schema.alterTable('heartwood_license').addColumn('name', text(db)).execute()
  await sql`create index heartwood_license_seat on heartwood_license (license_key_id, app_id, id)
    where license_key_id is not null`.execute(db)
  await sql`create index heartwood_license_seat_installation on heartwood_license (license_key_id, installation_id)
    where license_key_id is not null`.execute(db)
  // It has `revoked_at` too, so that counting reads no row.
  await sql`create index heartwood_license_seat_taken on heartwood_license (license_key_id, seen_at, id, revoked_at)
    where license_key_id is not null and revoked_at is null`.execute(db)
  await sql`create index heartwood_license_seat_given_back on heartwood_license (updated_at)
    where revoked_cause in ('released', 'lapsed', 'replaced', 'moved')`.execute(db)
}

/** Seats are not announced, so that a search for the next end must not walk over them. */
async function leaveSeatsUnannounced(db: Kysely<unknown>): Promise<void> {
  for (const type of ['expiring', 'expired']) {
    const name = sql.ref(`heartwood_license_${type}`)
    await sql`drop index ${name}`.execute(db)
    await sql`create index ${name} on heartwood_license (app_id, expires_at, id)
      where revoked_at is null and license_key_id is null
      and expires_at is distinct from ${sql.ref(`told_${type}`)}`.execute(db)
  }
}
