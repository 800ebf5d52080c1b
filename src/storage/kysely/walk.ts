import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { Page } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import type { Executor, Reader } from './executor.ts'
import { countOf, newestFirst } from './queries.ts'

// A statement of SQLite keeps the event loop until it ends. So a long list is read in ranges of ids, and the executor gives
// turns to others between them.

type Query<Table extends keyof Database, Entry = unknown> = SelectQueryBuilder<Database, Table, Entry>

/** A list, newest first. */
export interface List<Table extends keyof Database> {
  /** The rows that an index finds in the order of their ids. */
  indexed(db: Reader): Query<Table>
  /** Conditions that are tested row by row. They must not tempt the planner to another index: see {@link tested}. */
  readonly conditions: readonly RawBuilder<SqlBool>[]
}

/** A column in a condition that no index serves. */
export function tested(column: string): RawBuilder<unknown> {
  return sql`+${sql.ref(column)}`
}

/** True for the rows whose column has none of the values. */
export function isNoneOf(column: string, values: readonly string[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`${tested(column)} not in (${sql.join(values)})`
}

/** Rows of an index that one statement passes: one or two milliseconds of work. */
export const longestRange = 5_000
/** A page is often full after a few rows. */
export const shortestRange = 200

function rowsOf<Table extends keyof Database>(db: Reader, list: List<Table>): Query<Table> {
  return list.conditions.reduce((query, condition) => query.where(condition), list.indexed(db))
}

/** The rows with ids below `before`. */
function below<Table extends keyof Database, Entry>(
  query: Query<Table, Entry>,
  before: string | undefined,
): Query<Table, Entry> {
  return before === undefined ? query : query.where(sql<SqlBool>`id < ${before}`)
}

/** The rows with ids from `last` on. */
function downTo<Table extends keyof Database, Entry>(
  query: Query<Table, Entry>,
  last: string | null,
): Query<Table, Entry> {
  return last === null ? query : query.where(sql<SqlBool>`id >= ${last}`)
}

/** The last id of the next `size` rows, or `null` if fewer are left. */
async function endOfRange<Table extends keyof Database>(
  db: Reader,
  list: List<Table>,
  before: string | undefined,
  size: number,
): Promise<string | null> {
  const ids = below(list.indexed(db), before)
    .select(sql<string>`id`.as('id'))
    .orderBy(sql`id`, 'desc')
  const rows = (await ids
    .limit(1)
    .offset(size - 1)
    .execute()) as unknown as readonly { readonly id: string }[]
  return rows[0]?.id ?? null
}

/** A range of a list, and the number of its rows. */
export interface Range {
  /** The last id; `null` if the list ends in this range. */
  readonly last: string | null
  readonly count: number
}

/** The part of a list between two ids. Without a bound it reaches to that end of the list. */
export interface Span {
  /** The id behind the first. */
  readonly before: string | undefined
  readonly last: string | null
}

/** A list as ranges of ids. Each method reads by short statements. */
export interface Walk<Entry> {
  /** True if every row of a range is in the list. */
  readonly isWhole: boolean
  /** The last id of the next `size` rows, or `null` if fewer are left. */
  endOf(db: Reader, before: string | undefined, size: number): Promise<string | null>
  /** The next range of {@link longestRange} rows. */
  count(db: Reader, before: string | undefined): Promise<Range>
  /** Rows of a span, newest first. */
  read(db: Reader, span: Span, part: Pick<Page, 'limit' | 'offset'>): Promise<readonly Entry[]>
}

async function countRange<Table extends keyof Database>(
  db: Reader,
  list: List<Table>,
  before: string | undefined,
): Promise<Range> {
  const last = await endOfRange(db, list, before, longestRange)
  if (last !== null && list.conditions.length === 0) return { last, count: longestRange }
  return { last, count: await countOf(downTo(below(rowsOf(db, list), before), last)) }
}

/**
 * The number of rows. A row that is written meanwhile counts as it was when its range was read. Ids never change, so no row
 * counts twice.
 */
export async function countWalk(
  executor: Executor,
  { count: countNext }: Pick<Walk<unknown>, 'count'>,
): Promise<number> {
  let count = 0
  for (let before: string | undefined; ;) {
    const range = await executor.read((db) => countNext(db, before))
    count += range.count
    if (range.last === null) return count
    before = range.last
  }
}

/** The number of rows of a list: see {@link countWalk}. */
export function countList<Table extends keyof Database>(
  executor: Executor,
  list: List<Table>,
): Promise<number> {
  return countWalk(executor, { count: (db, before) => countRange(db, list, before) })
}

/** Calls `read` for each range of at most `size` rows. Resolves to all that it gave. */
export async function readRanges<Table extends keyof Database, Entry>(
  executor: Executor,
  list: List<Table>,
  size: number,
  read: (rows: Query<Table>) => Promise<readonly Entry[]>,
): Promise<readonly Entry[]> {
  const found: Entry[] = []
  for (let before: string | undefined; ;) {
    const range = await executor.read(async (db) => {
      const last = await endOfRange(db, list, before, size)
      return { last, parts: await read(downTo(below(rowsOf(db, list), before), last)) }
    })
    found.push(...range.parts)
    if (range.last === null) return found
    before = range.last
  }
}

/** Passes over the ranges that end before the `offset`th row. Resolves to `null` if there is no such row. */
async function passOver(
  executor: Executor,
  walk: Walk<unknown>,
  offset: number,
): Promise<Pick<Page, 'after' | 'offset'> | null> {
  let [before, left]: [string | undefined, number] = [undefined, offset]
  while (left > 0) {
    const range = await executor.read((db) => walk.count(db, before))
    if (range.count > left) break
    if (range.last === null) return null
    left -= range.count
    before = range.last
  }
  return { after: before === undefined ? undefined : { id: before }, offset: left }
}

/** One page of a list. `select` names its columns. */
export function readList<Table extends keyof Database, Entry>(
  executor: Executor,
  list: List<Table>,
  page: Page,
  select: (query: Query<Table>) => Query<Table, Entry>,
): Promise<readonly Entry[]> {
  const walk: Walk<Entry> = {
    isWhole: list.conditions.length === 0,
    endOf: (db, before, size) => endOfRange(db, list, before, size),
    count: (db, before) => countRange(db, list, before),
    read: (db, { before, last }, part) =>
      newestFirst(downTo(below(select(rowsOf(db, list)), before), last), part).execute() as Promise<Entry[]>,
  }
  return readWalk(executor, walk, page)
}

/** One page of a list. */
export async function readWalk<Entry>(
  executor: Executor,
  walk: Walk<Entry>,
  { limit, offset = 0, after }: Page,
): Promise<readonly Entry[]> {
  const start = await passOver(executor, walk, offset)
  if (start === null) return []
  const begin = { limit, offset: start.offset, after: start.after ?? after }
  if (!walk.isWhole) return takeRanges(executor, walk, begin)
  return executor.read((db) => walk.read(db, { before: begin.after?.id, last: null }, begin))
}

async function takeRanges<Entry>(
  executor: Executor,
  walk: Walk<Entry>,
  { limit, offset: skipped = 0, after }: Page,
): Promise<readonly Entry[]> {
  const found: Entry[] = []
  let [before, offset, size] = [after?.id, skipped, skipped > 0 ? longestRange : shortestRange]
  for (;;) {
    const range = await executor.read(async (db) => {
      const last = await walk.endOf(db, before, size)
      const part = { limit: limit - found.length, offset }
      return { last, rows: await walk.read(db, { before, last }, part) }
    })
    found.push(...range.rows)
    if (range.last === null || found.length >= limit) return found
    ;[before, offset, size] = [range.last, 0, Math.min(size * 4, longestRange)]
  }
}
