import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { RegenerationPage } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import type { Access } from './session.ts'
import { featureSlugs, isPostgres, typed } from './dialect.ts'
import { type Licenses, matching, statusIs } from './license-filter.ts'

/** What a page came to: how many licenses, and the id to go on after. */
interface Written {
  readonly count: number
  readonly last: string | null
}

/** No change of a tier or a license falls between reading and writing: see {@link reissueLocked}. */
export function regenerateMany({ atomically }: Access, reissue: RegenerationPage): Promise<Written> {
  return atomically((db) => (isPostgres(db) ? reissueLocked(db, reissue) : reissueRange(db, reissue)))
}

/** The features are gathered once for each tier. */
function sourceOf(db: Kysely<Database>, { appId }: RegenerationPage): RawBuilder<unknown> {
  return sql`source as materialized (
    select id, ${featureSlugs(db, 'heartwood_tier.id')} as features from heartwood_tier where app_id = ${appId}
  )`
}

function issued({ now }: RegenerationPage): RawBuilder<unknown> {
  return sql`
    tier_features = source.features,
    revision = revision + 1,
    version = version + 1,
    issued_at = ${now},
    updated_at = ${now}`
}

/**
 * SQLite has one writer at a time, so the page is a range of ids there, which costs less than a list of them. It ends where
 * an index says, whatever the state of the licenses: no row is read but to be written.
 */
async function reissueRange(db: Kysely<Database>, reissue: RegenerationPage): Promise<Written> {
  const { appId, tierId, customerId, now, after = '' } = reissue
  const end = endOfRange(db, reissue)
  await sql`
    with ${sourceOf(db, reissue)}
    update heartwood_license set ${issued(reissue)}
    from source
    where source.id = tier_id and app_id = ${appId} and ${statusIs('active', now)}
      and heartwood_license.id > ${after} and heartwood_license.id <= coalesce((${end}), ${behindEveryId})
      ${tierId === undefined ? sql`` : sql`and tier_id = ${tierId}`}
      ${customerId === undefined ? sql`` : sql`and customer_id = ${customerId}`}`.execute(db)
  const { rows } = await sql<Written>`select changes() as count, (${end}) as last`.execute(db)
  return { count: Number(rows[0]?.count ?? 0), last: rows[0]?.last ?? null }
}

/** In SQLite's order of texts, which is that of their bytes. */
const behindEveryId = '\u{10FFFF}'

/** The last id of the page, when there are as many. */
function endOfRange(db: Kysely<Database>, { limit, after = '', ...chosen }: RegenerationPage) {
  const page = matching(db, chosen).select('id').where('id', '>', after)
  return page
    .orderBy('id')
    .limit(1)
    .offset(limit - 1)
}

/**
 * On PostgreSQL the rows are locked by a statement before, so that the one that writes sees every tier at least as new as
 * any license of the page does.
 */
async function reissueLocked(db: Kysely<Database>, reissue: RegenerationPage): Promise<Written> {
  const page = due(db, reissue).orderBy('id').limit(reissue.limit)
  const locked = await page.select('id').forUpdate().execute()
  const ids = JSON.stringify(locked.map(({ id }) => id))
  const { rows } = await sql<{ id: string }>`
    with page as materialized (
      select id, tier_id from heartwood_license
      where id in (select value from json_array_elements_text(${typed(ids, 'text')}::json))
    ), ${sourceOf(db, reissue)}
    update heartwood_license set ${issued(reissue)}
    from page join source on source.id = page.tier_id
    where heartwood_license.id = page.id
    returning heartwood_license.id as id`.execute(db)
  const last = rows.reduce((greatest, { id }) => (id > greatest ? id : greatest), '')
  const isLast = rows.length < reissue.limit || !(await hasMore(db, { ...reissue, after: last }))
  return { count: rows.length, last: isLast ? null : last }
}

/** The active licenses that have a tier, after `after`. */
function due(db: Kysely<Database>, { appId, tierId, customerId, now, after }: RegenerationPage): Licenses {
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

async function hasMore(db: Kysely<Database>, reissue: RegenerationPage): Promise<boolean> {
  const next = await due(db, reissue).select('id').orderBy('id').limit(1).executeTakeFirst()
  return next !== undefined
}
