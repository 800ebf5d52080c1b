import { type Kysely, sql } from 'kysely'

/**
 * Gives the indexes behind lists the columns of their filters. So a database counts and passes over the rows of a list without
 * reading them. The new indexes begin with the columns of the old ones.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await widen(db, 'heartwood_license', 'heartwood_license_app', 'app_id, id, revoked_at, expires_at')
  await widen(
    db,
    'heartwood_license',
    'heartwood_license_tier',
    'tier_id, app_id, id, revoked_at, expires_at',
  )
  await widen(db, 'heartwood_customer', 'heartwood_customer_app', 'app_id, id, folded_email')
}

async function widen(db: Kysely<unknown>, table: string, name: string, columns: string): Promise<void> {
  await sql`drop index ${sql.ref(name)}`.execute(db)
  await sql`create index ${sql.ref(name)} on ${sql.table(table)} (${sql.raw(columns)})`.execute(db)
}
