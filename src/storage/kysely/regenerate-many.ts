import { sql, type RawBuilder } from 'kysely'
import type { RegeneratedPage, RegenerationPage } from '../../core/storage/index.ts'
import { featureSlugs, isPostgres, typed } from './dialect.ts'
import type { Writer } from './executor.ts'
import { type Licenses, matching, statusIs } from './license-filter.ts'
import { isLicensePresent, isPresent } from './presence.ts'

/** Regenerates one page. No change to a tier or a license falls between reading and writing: see {@link regenerateRows}. */
export function regenerateMany(db: Writer, page: RegenerationPage): Promise<RegeneratedPage> {
  return isPostgres(db) ? regenerateRows(db, page) : regenerateRange(db, page)
}

/** The features and limits are gathered once for each tier. */
function sourceOf(db: Writer, { appId }: RegenerationPage): RawBuilder<unknown> {
  return sql`source as materialized (
    select id, ${featureSlugs(db, 'heartwood_tier.id')} as features, limits from heartwood_tier
    where app_id = ${appId} and ${isPresent('id')}
  )`
}

function newClaims({ now }: RegenerationPage): RawBuilder<unknown> {
  return sql`
    tier_features = source.features,
    tier_limits = source.limits,
    revision = revision + 1,
    version = version + 1,
    issued_at = ${now},
    updated_at = ${now}`
}

/**
 * SQLite has one writer at a time, so the page is a range of ids, which costs less than a list of ids. The index alone says
 * where the range ends, whatever the status of the licenses. So no row is read that is not written.
 */
async function regenerateRange(db: Writer, page: RegenerationPage): Promise<RegeneratedPage> {
  const { appId, tierId, customerId, now, after = '' } = page
  const end = endOfRange(db, page)
  await sql`
    with ${sourceOf(db, page)}
    update heartwood_license set ${newClaims(page)}
    from source
    where source.id = tier_id and app_id = ${appId} and ${statusIs('active', now)}
      and ${isLicensePresent}
      and heartwood_license.id > ${after} and heartwood_license.id <= coalesce((${end}), ${behindEveryId})
      ${tierId === undefined ? sql`` : sql`and tier_id = ${tierId}`}
      ${customerId === undefined ? sql`` : sql`and customer_id = ${customerId}`}`.execute(db)
  const { rows } = await sql<RegeneratedPage>`select changes() as count, (${end}) as last`.execute(db)
  return { count: Number(rows[0]?.count ?? 0), last: rows[0]?.last ?? null }
}

/** SQLite compares text by its bytes. */
const behindEveryId = '\u{10FFFF}'

/** The last id of the page, or no row if fewer licenses than a page are left. */
function endOfRange(db: Writer, { limit, after = '', ...filter }: RegenerationPage) {
  return matching(db, filter)
    .select('id')
    .where('id', '>', after)
    .orderBy('id')
    .limit(1)
    .offset(limit - 1)
}

/**
 * On PostgreSQL a statement locks the rows first. The next statement then sees every tier at least as new as the newest tier
 * that a license of the page has seen.
 */
async function regenerateRows(db: Writer, page: RegenerationPage): Promise<RegeneratedPage> {
  const locked = await remaining(db, page).orderBy('id').limit(page.limit).select('id').forUpdate().execute()
  const ids = JSON.stringify(locked.map(({ id }) => id))
  const { rows } = await sql<{ id: string }>`
    with page as materialized (
      select id, tier_id from heartwood_license
      where id in (select value from json_array_elements_text(${typed(ids, 'text')}::json))
    ), ${sourceOf(db, page)}
    update heartwood_license set ${newClaims(page)}
    from page join source on source.id = page.tier_id
    where heartwood_license.id = page.id
    returning heartwood_license.id as id`.execute(db)
  const last = rows.reduce((greatest, { id }) => (id > greatest ? id : greatest), '')
  const isLast = rows.length < page.limit || !(await hasMore(db, { ...page, after: last }))
  return { count: rows.length, last: isLast ? null : last }
}

/** The active licenses that have a tier, after `after`. */
function remaining(db: Writer, { appId, tierId, customerId, now, after }: RegenerationPage): Licenses {
  const query = matching(db, { appId, tierId, customerId, now, status: 'active' })
    .where('tier_id', 'is not', null)
    .where(isPresent('tier_id'))
    .where(isLicensePresent)
  return after === undefined ? query : query.where('id', '>', after)
}

async function hasMore(db: Writer, page: RegenerationPage): Promise<boolean> {
  const next = await remaining(db, page).select('id').orderBy('id').limit(1).executeTakeFirst()
  return next !== undefined
}
