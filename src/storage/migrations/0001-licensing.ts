import {
  type CreateIndexBuilder,
  type CreateTableBuilder,
  type Kysely,
  PostgresAdapter,
  type RawBuilder,
  sql,
} from 'kysely'

/** Creates the first tables. Times and counters are `bigint`, flags 0 or 1, lists and metadata JSON as text. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createApps(db)
  await createSigningKeys(db)
  await createTiers(db)
  await createFeatures(db)
  await createTierFeatures(db)
  await createCustomers(db)
  await createLicenses(db)
  await createApiKeys(db)
  await createKeptAnswers(db)
  await createSettings(db)
}

/**
 * Text that sorts by its bytes. PostgreSQL would otherwise sort by the locale of the database. The locale changes with the
 * operating system, and then breaks the indexes.
 */
function text(db: Kysely<unknown>): 'text' | RawBuilder<unknown> {
  return db.getExecutor().adapter instanceof PostgresAdapter ? sql`text collate "C"` : 'text'
}

type Table<Column extends string> = CreateTableBuilder<string, Column>

function timed<Column extends string>(table: Table<Column>): Table<Column | 'created_at' | 'updated_at'> {
  return table
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
}

function inApp(db: Kysely<unknown>, name: string): Table<'id' | 'app_id'> {
  return db.schema
    .createTable(name)
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('app_id', text(db), (column) =>
      column.notNull().references('heartwood_app.id').onDelete('cascade'),
    )
}

function index(
  db: Kysely<unknown>,
  name: string,
  table: string,
  columns: readonly string[],
): CreateIndexBuilder<string> {
  return db.schema
    .createIndex(name)
    .on(table)
    .columns([...columns])
}

async function createApps(db: Kysely<unknown>): Promise<void> {
  const table = db.schema
    .createTable('heartwood_app')
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('mode', text(db), (column) => column.notNull())
    .addColumn('name', text(db), (column) => column.notNull())
    .addColumn('slug', text(db), (column) => column.notNull().unique())
    .addColumn('description', text(db))
    .addColumn('webhook_url', text(db))
    .addColumn('issuer', text(db), (column) => column.notNull())
    .addColumn('token_secret', text(db), (column) => column.notNull())
  await timed(table).execute()
  await db.schema.createIndex('heartwood_app_mode').on('heartwood_app').columns(['mode', 'id']).execute()
}

async function createSigningKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_signing_key')
    .addColumn('kid', text(db), (column) => column.notNull())
    .addColumn('app_id', text(db), (column) =>
      column.notNull().references('heartwood_app.id').onDelete('cascade'),
    )
    .addColumn('public_key_pem', text(db), (column) => column.notNull())
    .addColumn('private_key', text(db))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('accepted_until', 'bigint')
    .addPrimaryKeyConstraint('heartwood_signing_key_pk', ['app_id', 'kid'])
    .execute()
  await index(db, 'heartwood_signing_key_active', 'heartwood_signing_key', ['app_id'])
    .unique()
    .where('accepted_until', 'is', null)
    .execute()
}

async function createTiers(db: Kysely<unknown>): Promise<void> {
  const table = inApp(db, 'heartwood_tier')
    .addColumn('name', text(db), (column) => column.notNull())
    .addColumn('slug', text(db), (column) => column.notNull())
    .addColumn('description', text(db))
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('heartwood_tier_slug', ['app_id', 'slug'])
  await timed(table).execute()
  await index(db, 'heartwood_tier_position', 'heartwood_tier', ['app_id', 'position', 'id']).execute()
}

async function createFeatures(db: Kysely<unknown>): Promise<void> {
  const table = inApp(db, 'heartwood_feature')
    .addColumn('name', text(db), (column) => column.notNull())
    .addColumn('slug', text(db), (column) => column.notNull())
    .addColumn('description', text(db))
    .addUniqueConstraint('heartwood_feature_slug', ['app_id', 'slug'])
  await timed(table).execute()
  await index(db, 'heartwood_feature_app', 'heartwood_feature', ['app_id', 'id']).execute()
}

async function createTierFeatures(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_tier_feature')
    .addColumn('tier_id', text(db), (column) =>
      column.notNull().references('heartwood_tier.id').onDelete('cascade'),
    )
    .addColumn('feature_id', text(db), (column) =>
      column.notNull().references('heartwood_feature.id').onDelete('cascade'),
    )
    .addColumn('place', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('heartwood_tier_feature_pk', ['tier_id', 'feature_id'])
    .execute()
  await index(db, 'heartwood_tier_feature_feature', 'heartwood_tier_feature', ['feature_id']).execute()
}

async function createCustomers(db: Kysely<unknown>): Promise<void> {
  const table = inApp(db, 'heartwood_customer')
    .addColumn('email', text(db), (column) => column.notNull())
    .addColumn('folded_email', text(db), (column) => column.notNull())
    .addColumn('name', text(db))
    .addColumn('external_id', text(db))
    .addColumn('metadata', text(db), (column) => column.notNull())
    .addUniqueConstraint('heartwood_customer_email', ['app_id', 'folded_email'])
    .addUniqueConstraint('heartwood_customer_external_id', ['app_id', 'external_id'])
  await timed(table).execute()
  await index(db, 'heartwood_customer_app', 'heartwood_customer', ['app_id', 'id']).execute()
}

async function createLicenses(db: Kysely<unknown>): Promise<void> {
  const table = inApp(db, 'heartwood_license')
    .addColumn('customer_id', text(db), (column) =>
      column.notNull().references('heartwood_customer.id').onDelete('cascade'),
    )
    .addColumn('tier_id', text(db), (column) => column.references('heartwood_tier.id').onDelete('set null'))
    .addColumn('tier', text(db), (column) => column.notNull())
    .addColumn('tier_features', text(db), (column) => column.notNull())
    .addColumn('custom_features', text(db), (column) => column.notNull())
    .addColumn('installation_id', text(db), (column) => column.notNull())
    .addColumn('current', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('revoked_reason', text(db))
    .addColumn('issued_at', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('min_revision', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('metadata', text(db), (column) => column.notNull())
  await timed(table).execute()
  await indexLicenses(db)
  await indexLicenseStates(db)
}

/** Each index begins with the column that deletions look up. It has every column of its filter, so the planner prefers it. */
async function indexLicenses(db: Kysely<unknown>): Promise<void> {
  const table = 'heartwood_license'
  await index(db, 'heartwood_license_app', table, ['app_id', 'id']).execute()
  await index(db, 'heartwood_license_customer', table, ['customer_id', 'app_id', 'id']).execute()
  await index(db, 'heartwood_license_tier', table, ['tier_id', 'app_id', 'id']).execute()
  await index(db, 'heartwood_license_installation', table, ['app_id', 'installation_id', 'id']).execute()
}

/** The partial indexes have `revoked_at` too, so that counting reads no row. */
async function indexLicenseStates(db: Kysely<unknown>): Promise<void> {
  const table = 'heartwood_license'
  await index(db, 'heartwood_license_current', table, ['app_id', 'installation_id'])
    .unique()
    .where('current', '=', 1)
    .execute()
  await index(db, 'heartwood_license_unrevoked', table, ['app_id', 'expires_at', 'revoked_at'])
    .where('revoked_at', 'is', null)
    .execute()
  await index(db, 'heartwood_license_revoked', table, ['app_id', 'id', 'revoked_at'])
    .where('revoked_at', 'is not', null)
    .execute()
}

async function createApiKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_api_key')
    .addColumn('id', text(db), (column) => column.notNull().primaryKey())
    .addColumn('name', text(db))
    .addColumn('type', text(db), (column) => column.notNull())
    .addColumn('mode', text(db), (column) => column.notNull())
    .addColumn('app_id', text(db), (column) => column.references('heartwood_app.id').onDelete('cascade'))
    .addColumn('app', text(db))
    .addColumn('hash', text(db), (column) => column.notNull().unique())
    .addColumn('last_four', text(db), (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .execute()
  await index(db, 'heartwood_api_key_mode', 'heartwood_api_key', ['mode', 'id']).execute()
  await index(db, 'heartwood_api_key_app', 'heartwood_api_key', ['app_id']).execute()
}

async function createKeptAnswers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_kept_answer')
    .addColumn('scope', text(db), (column) => column.notNull())
    .addColumn('key', text(db), (column) => column.notNull())
    .addColumn('fingerprint', text(db), (column) => column.notNull())
    .addColumn('answer', text(db), (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('heartwood_kept_answer_pk', ['scope', 'key'])
    .execute()
  await index(db, 'heartwood_kept_answer_end', 'heartwood_kept_answer', ['expires_at']).execute()
}

async function createSettings(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('heartwood_setting')
    .addColumn('name', text(db), (column) => column.notNull().primaryKey())
    .addColumn('value', text(db), (column) => column.notNull())
    .execute()
}
