import { sql, type RawBuilder, type SqlBool } from 'kysely'
import type { LicenseFilter, LicenseOrder, LicenseRecord, Page, Position } from '../../core/storage/index.ts'
import type { Row } from '../schema.ts'
import type { Executor, Reader } from './executor.ts'
import { type Licenses, selectPresent } from './license-filter.ts'
import { isKey, keysOf } from './license-list.ts'
import {
  between,
  comesAfter,
  compareRows,
  conditionsOf,
  partsOf,
  placeOf,
  sorted,
  sortedAnew,
  type Place,
  type Stretch,
} from './license-order.ts'
import { findLeavingCustomers } from './presence.ts'
import { countOf, limited } from './queries.ts'
import { isNoneOf, longestRange, shortestRange, tested } from './walk.ts'

// A statement of SQLite keeps the event loop until it ends, so each passes a range of an index: see `walk.ts`.

type LicenseRow = Row<LicenseRecord>
type Part = readonly Stretch[]

/** A list of licenses in the order of a time. */
interface Walk {
  readonly executor: Executor
  readonly filter: LicenseFilter
  readonly order: LicenseOrder
  readonly parts: readonly Part[]
  /** Tested row by row. */
  readonly conditions: readonly RawBuilder<SqlBool>[]
}

/** With no more licenses than this behind an index, to read and sort them all is faster than to look for them in the order. */
const few = 1_000

async function walkOf(executor: Executor, filter: LicenseFilter, order: LicenseOrder): Promise<Walk> {
  const parts = partsOf(filter, order)
  if (!executor.blocksLoop)
    return { executor, filter, order, parts, conditions: conditionsOf(filter, order, sql.ref) }
  const leaving = await executor.read((db) => findLeavingCustomers(db, filter.appId))
  const hidden = leaving.length === 0 ? [] : [isNoneOf('customer_id', leaving)]
  return { executor, filter, order, parts, conditions: [...conditionsOf(filter, order, tested), ...hidden] }
}

function passing({ conditions }: Walk, licenses: Licenses): Licenses {
  return conditions.reduce((query, condition) => query.where(condition), licenses)
}

function ofApp(db: Reader, { appId }: LicenseFilter): Licenses {
  return db.selectFrom('heartwood_license').where('app_id', '=', appId)
}

/** The ways to the licenses of a filter that are not the order's own, each by one index. */
function otherWays({ filter, order }: Walk): readonly ((db: Reader) => Licenses)[] {
  const byKey = keysOf(filter).map((key) => (db: Reader) => ofApp(db, filter).where(isKey(key[0], key)))
  const { createdAfter, seenBefore, expiresBefore, expiresAfter, status } = filter
  const times: LicenseOrder['by'][] = []
  if (createdAfter !== undefined) times.push('createdAt')
  if (seenBefore !== undefined) times.push('seenAt')
  if ((expiresBefore ?? expiresAfter) !== undefined || status === 'expired') times.push('expiresAt')
  const byTime = times
    .filter((by) => by !== order.by)
    .map((by) => partsOf(filter, { by, descending: false }).flat())
    // The end has two indexes without a status, and none of them alone has every license.
    .filter((stretches) => stretches.length === 1)
    .map(
      ([only]) =>
        (db: Reader) =>
          between(db, only!, null, null),
    )
  return [...byKey, ...byTime]
}

/** A way that leads to few licenses, passing or not; `null` if there is none. */
async function narrowWay(walk: Walk): Promise<((db: Reader) => Licenses) | null> {
  for (const way of otherWays(walk)) {
    const some = await walk.executor.read((db) =>
      way(db)
        .select('id')
        .limit(few + 1)
        .execute(),
    )
    if (some.length <= few) return way
  }
  return null
}

/** The last place of the next `size` licenses of a stretch; `null` if fewer are left. */
async function endOfRange(
  db: Reader,
  stretch: Stretch,
  after: Place | null,
  size: number,
): Promise<Place | null> {
  const places = sorted(between(db, stretch, after, null), stretch.order)
    .select(['id', 'created_at', 'expires_at', 'seen_at'])
    .limit(1)
    .offset(size - 1)
  const row = await places.executeTakeFirst()
  return row === undefined ? null : placeOf(stretch.order, row)
}

async function takeRanges(
  walk: Walk,
  stretch: Stretch,
  after: Place | null,
  limit: number,
): Promise<readonly LicenseRow[]> {
  const found: LicenseRow[] = []
  let [place, size] = [after, shortestRange]
  for (;;) {
    const range = await walk.executor.read(async (db) => {
      const last = await endOfRange(db, stretch, place, size)
      const licenses = selectPresent(passing(walk, between(db, stretch, place, last)))
      const rows = await sorted(licenses, stretch.order)
        .limit(limit - found.length)
        .execute()
      return { last, rows }
    })
    found.push(...range.rows)
    if (range.last === null || found.length >= limit) return found
    ;[place, size] = [range.last, Math.min(size * 4, longestRange)]
  }
}

async function takeAtOnce(
  walk: Walk,
  stretch: Stretch,
  after: Place | null,
  limit: number,
): Promise<readonly LicenseRow[]> {
  return walk.executor.read((db) => {
    const licenses = selectPresent(passing(walk, between(db, stretch, after, null)))
    return sorted(licenses, stretch.order).limit(limit).execute()
  })
}

/** The next licenses of a part. Its stretches lie side by side, so each may have all of them. */
async function takePart(
  walk: Walk,
  part: Part,
  after: Place | null,
  limit: number,
): Promise<readonly LicenseRow[]> {
  const take = walk.executor.blocksLoop ? takeRanges : takeAtOnce
  const rows: LicenseRow[] = []
  for (const stretch of part) rows.push(...(await take(walk, stretch, after, limit)))
  return part.length === 1 ? rows : rows.toSorted((a, b) => compareRows(walk.order, a, b)).slice(0, limit)
}

/** A place in the list: in a part, after a license, and then some licenses further. */
interface Start {
  readonly part: number
  readonly after: Place | null
  readonly offset: number
}

async function takeFrom(walk: Walk, { part, after, offset }: Start, limit: number): Promise<LicenseRow[]> {
  const wanted = offset + limit
  const found: LicenseRow[] = []
  for (let at = part; at < walk.parts.length && found.length < wanted; at++)
    found.push(...(await takePart(walk, walk.parts[at]!, at === part ? after : null, wanted - found.length)))
  return found.slice(offset)
}

/** A range that all stretches of a part have in common, and the number of its licenses that pass. */
async function countRange(walk: Walk, part: Part, after: Place | null, size: number) {
  return walk.executor.read(async (db) => {
    let last: Place | null = null
    for (const stretch of part) {
      const end = await endOfRange(db, stretch, after, size)
      if (end !== null && (last === null || isBefore(walk.order, end, last))) last = end
    }
    let count = 0
    for (const stretch of part) count += await countOf(passing(walk, between(db, stretch, after, last)))
    return { last, count }
  })
}

function isBefore({ descending }: LicenseOrder, a: Place, b: Place): boolean {
  const isLess = a.time === b.time ? a.id < b.id : a.time < b.time
  return isLess !== descending
}

/** The ranges that end before the `offset`th license are passed over. Resolves to `null` if there is no such license. */
async function passOver(walk: Walk, offset: number): Promise<Start | null> {
  let left = offset
  for (const [at, part] of walk.parts.entries()) {
    let after: Place | null = null
    let size = longestRange
    for (;;) {
      const range = await countRange(walk, part, after, size)
      if (range.count > left && size === shortestRange) return { part: at, after, offset: left }
      if (range.count > left) size = shortestRange
      else {
        left -= range.count
        after = range.last
        if (after === null) break
      }
    }
  }
  return null
}

/** The start that a position names. Licenses without end are the last part. */
function startAfter({ id, position }: Position): Start {
  return typeof position === 'number'
    ? { part: 0, after: { id, time: position }, offset: 0 }
    : { part: 1, after: { id, time: 0 }, offset: 0 }
}

function readSorted(
  walk: Walk,
  licenses: Licenses,
  { after, ...page }: Page,
): Promise<readonly LicenseRow[]> {
  const column = walk.executor.blocksLoop ? tested : sql.ref
  const begun = after === undefined ? licenses : licenses.where(comesAfter(after, walk.order, column))
  return limited(sortedAnew(selectPresent(begun), walk.order, column), page).execute()
}

/** One page of a list in the order of a time. */
export async function readInOrder(
  executor: Executor,
  filter: LicenseFilter,
  order: LicenseOrder,
  page: Page,
): Promise<readonly LicenseRow[]> {
  const { after, offset = 0, limit } = page
  const walk = await walkOf(executor, filter, order)
  if (!executor.blocksLoop && offset > 0)
    return executor.read((db) => readSorted(walk, passing(walk, ofApp(db, filter)), page))
  const narrow = executor.blocksLoop ? await narrowWay(walk) : null
  if (narrow !== null) return executor.read((db) => readSorted(walk, passing(walk, narrow(db)), page))
  if (after !== undefined) return takeFrom(walk, startAfter(after), limit)
  const start = offset === 0 ? { part: 0, after: null, offset } : await passOver(walk, offset)
  return start === null ? [] : takeFrom(walk, start, limit)
}

/** The order in which a filter by time is counted; `null` for a filter without one. */
export function countingOrder(filter: LicenseFilter): LicenseOrder | null {
  const order = (by: LicenseOrder['by']): LicenseOrder => ({ by, descending: false })
  if ((filter.expiresBefore ?? filter.expiresAfter) !== undefined) return order('expiresAt')
  if (filter.seenBefore !== undefined) return order('seenAt')
  return filter.createdAfter === undefined ? null : order('createdAt')
}

/** The number of licenses that pass, counted in ranges of the index of a time. */
export async function countInOrder(
  executor: Executor,
  filter: LicenseFilter,
  order: LicenseOrder,
): Promise<number> {
  const walk = await walkOf(executor, filter, order)
  const narrow = await narrowWay(walk)
  if (narrow !== null) return executor.read((db) => countOf(passing(walk, narrow(db))))
  let count = 0
  for (const part of walk.parts)
    for (let after: Place | null = null; ;) {
      const range: Awaited<ReturnType<typeof countRange>> = await countRange(walk, part, after, longestRange)
      count += range.count
      if (range.last === null) break
      after = range.last
    }
  return count
}
