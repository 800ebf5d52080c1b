import { type Kysely, PostgresAdapter, sql } from 'kysely'

/**
 * Prepares the search and the filters of licenses by time. Customers get their names in the form that is compared, which the
 * server writes into old rows page by page. Each order of licenses gets its indexes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await addFoldedNames(db)
  await indexLicenses(db)
}

async function addFoldedNames(db: Kysely<unknown>): Promise<void> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
  const type = isPostgres ? sql`text collate "C"` : 'text'
  await db.schema.alterTable('heartwood_customer').addColumn('folded_name', type).execute()
  await sql`create index heartwood_customer_name on heartwood_customer (app_id, folded_name)
    where folded_name is not null`.execute(db)
  // It has the rows that are still to be written, and is empty afterwards.
  await sql`create index heartwood_customer_unfolded on heartwood_customer (id)
    where name is not null and folded_name is null`.execute(db)
}

/** The columns behind the id are those of the status, so that a filter by status reads no row that it leaves out. */
async function indexLicenses(db: Kysely<unknown>): Promise<void> {
  const index = (name: string, columns: string, where?: string) => {
    const condition = where === undefined ? sql`` : sql`where ${sql.raw(where)}`
    return sql`create index ${sql.ref(`heartwood_license_${name}`)} on heartwood_license (${sql.raw(columns)})
      ${condition}`.execute(db)
  }
  await sql`drop index heartwood_license_unrevoked`.execute(db)
  await index('unrevoked', 'app_id, expires_at, id, revoked_at', 'revoked_at is null')
  await index('created', 'app_id, created_at, id, revoked_at, expires_at')
  await index('seen', 'app_id, seen_at, id, revoked_at, expires_at', 'seen_at is not null')
  await index('revoked_end', 'app_id, expires_at, id', 'revoked_at is not null')
  await index('revoked_created', 'app_id, created_at, id', 'revoked_at is not null')
  await index('revoked_seen', 'app_id, seen_at, id', 'revoked_at is not null and seen_at is not null')
}
