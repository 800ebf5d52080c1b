import { type Kysely, sql } from 'kysely'

/**
 * Adds to licenses the ends that were announced. The indexes leave those out, so that looking for the next end to announce
 * does not walk over all that were announced before.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await addMark(db, 'expiring')
  await addMark(db, 'expired')
}

async function addMark(db: Kysely<unknown>, type: 'expiring' | 'expired'): Promise<void> {
  const mark = sql.ref(`told_${type}`)
  await db.schema.alterTable('heartwood_license').addColumn(`told_${type}`, 'bigint').execute()
  await sql`update heartwood_license set ${mark} = expires_at where exists (
    select 1 from heartwood_license_notice as notice
    where notice.license_id = heartwood_license.id and notice.type = ${sql.lit(`license.${type}`)}
      and notice.expires_at = heartwood_license.expires_at)`.execute(db)
  await sql`create index ${sql.ref(`heartwood_license_${type}`)} on heartwood_license (app_id, expires_at, id)
    where revoked_at is null and expires_at is distinct from ${mark}`.execute(db)
}
