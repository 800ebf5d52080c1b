import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Reissue } from '../../core/storage.ts'
import type { Database } from '../schema.ts'
import type { Access } from './access.ts'
import { featureSlugs, isPostgres, typed } from './dialect.ts'
import { type Licenses, matching } from './license-filter.ts'

/** No change of a tier or a license falls between reading and writing: see {@link pageOf}. */
export function reissueLicenses(
  { atomically }: Access,
  reissue: Reissue,
): Promise<{ count: number; last: string | null }> {
  return atomically(async (db) => {
    const written = await reissuePage(db, reissue)
    const last = written.reduce((highest, id) => (id > highest ? id : highest), '')
    const isLast = written.length < reissue.limit || !(await hasMore(db, { ...reissue, after: last }))
    return { count: written.length, last: isLast ? null : last }
  })
}

/** The features are gathered once for each tier, and the page is walked once: both are tables of their own first. */
async function reissuePage(db: Kysely<Database>, reissue: Reissue): Promise<string[]> {
  const { appId, now } = reissue
  const page = await pageOf(db, reissue)
  const { rows } = await sql<{ id: string }>`
    with page as materialized ${page}, source as materialized (
      select id, ${featureSlugs(db, 'heartwood_tier.id')} as features from heartwood_tier where app_id = ${appId}
    )
    update heartwood_license set
      tier_features = source.features,
      revision = revision + 1,
      version = version + 1,
      issued_at = ${now},
      updated_at = ${now}
    from page join source on source.id = page.tier_id
    where heartwood_license.id = page.id
    returning heartwood_license.id as id`.execute(db)
  return rows.map((row) => row.id)
}

/**
 * The page as a query. SQLite has one writer at a time, so there it may stand in the statement that writes; PostgreSQL
 * locks the rows by a statement before, so that the one that writes sees every tier at least as new as any license of
 * the page does.
 */
async function pageOf(db: Kysely<Database>, reissue: Reissue): Promise<RawBuilder<unknown>> {
  const page = due(db, reissue).orderBy('id').limit(reissue.limit)
  if (!isPostgres(db)) return sql`${page.select(['id', 'tier_id'])}`
  const locked = await page.select('id').forUpdate().execute()
  const ids = JSON.stringify(locked.map(({ id }) => id))
  return sql`(
    select id, tier_id from heartwood_license
    where id in (select value from json_array_elements_text(${typed(ids, 'text')}::json))
  )`
}

/** The active licenses that have a tier, after `after`. */
function due(db: Kysely<Database>, { appId, tierId, customerId, now, after }: Reissue): Licenses {
  const filter = {
    appId,
    now,
    status: 'active' as const,
    ...(tierId !== undefined && { tierId }),
    ...(customerId !== undefined && { customerId }),
  }
  const query = matching(db, filter).where('tier_id', 'is not', null)
  return after === undefined ? query : query.where('id', '>', after)
}

async function hasMore(db: Kysely<Database>, reissue: Reissue): Promise<boolean> {
  const next = await due(db, reissue).select('id').orderBy('id').limit(1).executeTakeFirst()
  return next !== undefined
}
