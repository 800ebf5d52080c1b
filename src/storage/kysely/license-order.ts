import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { LicenseFilter, LicenseOrder, NumericDate, Position } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import type { Reader } from './executor.ts'
import { type Licenses, statusIs, timeConditions } from './license-filter.ts'
import { isKey, keysOf } from './license-list.ts'

const columns = { createdAt: 'created_at', expiresAt: 'expires_at', seenAt: 'seen_at' } as const

/** The left side of a condition that no index serves: see `tested`. PostgreSQL needs no such help. */
export type Column = (name: string) => RawBuilder<unknown>

/** A place in the order of a time. It lies between two licenses. */
export interface Place {
  readonly id: string
  readonly time: NumericDate
}

/** The times of a span: from `first` on, and before `end`. */
interface Span {
  readonly first: NumericDate
  readonly end: NumericDate | undefined
}

/**
 * A stretch of an order: the licenses of one index. Every license of a list is in exactly one stretch. Stretches of one part
 * lie side by side in the order, and the licenses without end are a part of their own behind the others.
 */
export interface Stretch {
  readonly order: LicenseOrder
  /** The times of its licenses; `null` for licenses without end. */
  readonly span: Span | null
  /** Makes the query of the licenses that its index has, in any order. */
  indexed(db: Reader): Licenses
}

function latest(...times: readonly (NumericDate | undefined)[]): NumericDate {
  return Math.max(0, ...times.filter((time) => time !== undefined))
}

function earliest(...times: readonly (NumericDate | undefined)[]): NumericDate | undefined {
  const given = times.filter((time) => time !== undefined)
  return given.length === 0 ? undefined : Math.min(...given)
}

/** The times that the filter allows. A license ends at `expiresAt`, so one that is active ends later than now. */
function spanOf(filter: LicenseFilter, by: LicenseOrder['by']): Span {
  const { status, now, expiresAfter, expiresBefore } = filter
  if (by === 'createdAt') return { first: latest(filter.createdAfter), end: undefined }
  if (by === 'seenAt') return { first: 0, end: filter.seenBefore }
  return {
    first: latest(expiresAfter, status === 'active' ? now + 1 : undefined),
    end: earliest(expiresBefore, status === 'expired' ? now + 1 : undefined),
  }
}

function mayLackEnd({ status, expiresBefore, expiresAfter }: LicenseFilter): boolean {
  return status !== 'expired' && expiresBefore === undefined && expiresAfter === undefined
}

/** Licenses that are revoked have indexes of their own. So have the others in the order of their end. */
function statesOf({ status }: LicenseFilter, by: LicenseOrder['by']): readonly (boolean | null)[] {
  if (status === 'revoked') return [true]
  if (by !== 'expiresAt') return [null]
  return status === undefined ? [false, true] : [false]
}

/** The stretches of a list, part after part. */
export function partsOf(filter: LicenseFilter, order: LicenseOrder): readonly (readonly Stretch[])[] {
  const stretches = (span: Span | null): readonly Stretch[] =>
    statesOf(filter, order.by).map((isRevoked) => ({
      order,
      span,
      indexed: (db) => {
        const licenses = db.selectFrom('heartwood_license').where('app_id', '=', filter.appId)
        return isRevoked === null ? licenses : licenses.where('revoked_at', isRevoked ? 'is not' : 'is', null)
      },
    }))
  const timed = stretches(spanOf(filter, order.by))
  return order.by === 'expiresAt' && mayLackEnd(filter) ? [timed, stretches(null)] : [timed]
}

/** Each condition of the filter, also those that an index serves: whatever a cursor says, no other license is in the list. */
export function conditionsOf(
  filter: LicenseFilter,
  { by }: LicenseOrder,
  column: Column,
): readonly RawBuilder<SqlBool>[] {
  const { status, now } = filter
  return [
    ...(by === 'seenAt' ? [sql<SqlBool>`${column('seen_at')} is not null`] : []),
    ...keysOf(filter).map((key) => isKey(column(key[0]), key)),
    ...(status === undefined ? [] : [statusIs(status, now, column('revoked_at'), column('expires_at'))]),
    ...timeConditions(filter, column),
  ]
}

function keysFrom({ time, id }: Place): RawBuilder<unknown> {
  return sql`(${time}, ${id})`
}

/** The place, unless the whole stretch comes after it: a cursor may be of another filter, or made up. */
function within({ order: { descending }, span }: Stretch, after: Place | null): Place | null {
  if (span === null || after === null) return after
  const isInside = descending ? span.end === undefined || after.time < span.end : after.time >= span.first
  return isInside ? after : null
}

/** The licenses of a stretch that come after a place and not after another. One bound a side, so that the index serves both. */
export function between(db: Reader, stretch: Stretch, place: Place | null, last: Place | null): Licenses {
  const { order, span, indexed } = stretch
  const after = within(stretch, place)
  const name = columns[order.by]
  const key = sql`(${sql.ref(name)}, id)`
  const [above, below] = order.descending ? [sql.raw('<'), sql.raw('>=')] : [sql.raw('>'), sql.raw('<=')]
  const bounds: RawBuilder<SqlBool>[] = []
  if (span === null) {
    bounds.push(sql<SqlBool>`${sql.ref(name)} is null`)
    if (after !== null) bounds.push(sql<SqlBool>`id ${above} ${after.id}`)
    if (last !== null) bounds.push(sql<SqlBool>`id ${below} ${last.id}`)
  } else {
    const [first, end] = order.descending ? [last, after] : [after, last]
    if (after !== null) bounds.push(sql<SqlBool>`${key} ${above} ${keysFrom(after)}`)
    if (last !== null) bounds.push(sql<SqlBool>`${key} ${below} ${keysFrom(last)}`)
    if (first === null) bounds.push(sql<SqlBool>`${sql.ref(name)} >= ${span.first}`)
    if (end === null && span.end !== undefined) bounds.push(sql<SqlBool>`${sql.ref(name)} < ${span.end}`)
  }
  return bounds.reduce((licenses, bound) => licenses.where(bound), indexed(db))
}

/** Sorts the licenses of one stretch. Its index has this order, also where all lack the time. */
export function sorted<Entry>(
  licenses: SelectQueryBuilder<Database, 'heartwood_license', Entry>,
  { by, descending }: LicenseOrder,
): SelectQueryBuilder<Database, 'heartwood_license', Entry> {
  const direction = descending ? 'desc' : 'asc'
  return licenses.orderBy(sql.ref(columns[by]), direction).orderBy(sql`id`, direction)
}

/** Sorts licenses that no index has in this order. */
export function sortedAnew<Entry>(
  licenses: SelectQueryBuilder<Database, 'heartwood_license', Entry>,
  { by, descending }: LicenseOrder,
  column: Column,
): SelectQueryBuilder<Database, 'heartwood_license', Entry> {
  const direction = descending ? 'desc' : 'asc'
  const time = column(columns[by])
  return licenses
    .orderBy(sql`${time} is null`)
    .orderBy(time, direction)
    .orderBy(column('id'), direction)
}

/** True for licenses that come after a position in the order, tested row by row. */
export function comesAfter(
  { id, position }: Position,
  { by, descending }: LicenseOrder,
  column: Column,
): RawBuilder<SqlBool> {
  const above = sql.raw(descending ? '<' : '>')
  const time = column(columns[by])
  if (typeof position !== 'number') return sql<SqlBool>`(${time} is null and ${column('id')} ${above} ${id})`
  const place = { id, time: position }
  return sql<SqlBool>`(${time} is null or (${time}, ${column('id')}) ${above} ${keysFrom(place)})`
}

/** The place of a license that was read as a row. */
export function placeOf(order: LicenseOrder, row: Readonly<Record<string, unknown>>): Place {
  const { id, [columns[order.by]]: time } = row
  return { id: id as string, time: Number(time) }
}

/** Compares two rows of one part. */
export function compareRows(
  order: LicenseOrder,
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): number {
  const [first, second] = [placeOf(order, a), placeOf(order, b)]
  const ascending = first.time - second.time || (first.id < second.id ? -1 : 1)
  return order.descending ? -ascending : ascending
}
