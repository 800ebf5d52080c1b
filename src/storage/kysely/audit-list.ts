import { sql, type RawBuilder, type SqlBool } from 'kysely'
import type { AuditEntryRecord, Page } from '../../core/storage/index.ts'
import type { Row } from '../schema.ts'
import type { Executor, Reader } from './executor.ts'
import { auditEntryRows, unsealedEntryRows } from './rows.ts'
import { countWalk, longestRange, type Range, readWalk, type Span, type Walk } from './walk.ts'

// Each statement reads the sealed and the unsealed entries of a span of ids together. It sees one moment, so an entry that is
// sealed meanwhile is in the list once.

export type Conditions = readonly RawBuilder<SqlBool>[]

/** Audit entries, newest first. */
export interface AuditList {
  /** The sealed entries that an index has in the order of their ids. */
  readonly indexed: Conditions
  /** The sealed entries must pass these as well. They must not tempt the planner to another index. */
  readonly tested: Conditions
  /** The unsealed entries must pass these. They have the index of their ids alone. */
  readonly unsealed: Conditions
}

type Rows = readonly Row<AuditEntryRecord>[]

/** A part of a statement for each of the two tables. */
interface ForEach {
  readonly sealed: RawBuilder<unknown>
  readonly unsealed: RawBuilder<unknown>
}

const id: ForEach = { sealed: sql`id`, unsealed: sql`id` }

const common = unsealedEntryRows.columns.map(({ name }) => sql.ref(name))

const whole: ForEach = {
  sealed: sql.join([...common, sql`seq`, sql`mac`]),
  // PostgreSQL merges the two in the order of an index only if the types are the same.
  unsealed: sql.join([...common, sql`cast(null as bigint)`, sql`cast(null as text)`]),
}

function allOf(conditions: Conditions): RawBuilder<SqlBool> {
  return conditions.length === 0
    ? sql<SqlBool>`1 = 1`
    : sql<SqlBool>`${sql.join([...conditions], sql` and `)}`
}

function inSpan({ before, last }: Span): Conditions {
  return [
    ...(before === undefined ? [] : [sql<SqlBool>`id < ${before}`]),
    ...(last === null ? [] : [sql<SqlBool>`id >= ${last}`]),
  ]
}

type Part = Pick<Page, 'limit' | 'offset'>

const from: ForEach = {
  sealed: sql`from heartwood_audit_entry`,
  unsealed: sql`from heartwood_unsealed_audit_entry`,
}

/** The entries of both tables in a span of ids. An `order by` and a `limit` may follow. */
function both(columns: ForEach, sealed: Conditions, unsealed: Conditions, span: Span): RawBuilder<unknown> {
  const bounds = inSpan(span)
  return sql`select ${columns.sealed} ${from.sealed} where ${allOf([...sealed, ...bounds])}
    union all select ${columns.unsealed} ${from.unsealed} where ${allOf([...unsealed, ...bounds])}`
}

/** SQLite merges the two tables in the order of their indexes. */
async function read(
  db: Reader,
  { indexed, tested, unsealed }: AuditList,
  span: Span,
  { limit, offset = 0 }: Part,
): Promise<Rows> {
  const entries = both(whole, [...indexed, ...tested], unsealed, span)
  const query = sql<Row<AuditEntryRecord>>`${entries} order by id desc limit ${limit} offset ${offset}`
  return (await query.execute(db)).rows
}

/** PostgreSQL would sort both tables as a whole, so each has the limit as well. */
async function readAtOnce(
  db: Reader,
  { indexed, tested, unsealed }: AuditList,
  { limit, offset = 0, after }: Page,
): Promise<Rows> {
  const bounds = inSpan({ before: after?.id, last: null })
  const first = sql`order by id desc limit ${limit + offset}`
  const { rows } = await sql<Row<AuditEntryRecord>>`
    (select ${whole.sealed} ${from.sealed} where ${allOf([...indexed, ...tested, ...bounds])} ${first})
    union all (select ${whole.unsealed} ${from.unsealed} where ${allOf([...unsealed, ...bounds])} ${first})
    order by id desc limit ${limit} offset ${offset}`.execute(db)
  return rows
}

async function countAtOnce(
  db: Reader,
  { indexed, tested, unsealed }: AuditList,
  span: Span,
): Promise<number> {
  const bounds = inSpan(span)
  const { rows } = await sql<{ readonly count: number | string }>`select
    (select count(*) ${from.sealed} where ${allOf([...indexed, ...tested, ...bounds])})
    + (select count(*) ${from.unsealed} where ${allOf([...unsealed, ...bounds])}) as count`.execute(db)
  return Number(rows[0]!.count)
}

interface Ended {
  readonly last: string | null
  readonly count: number
}

/** Ends a range by the sealed entries alone. All of them count, and the few unsealed ones between them that pass. */
async function countIndexed(db: Reader, list: AuditList, before: string | undefined): Promise<Range> {
  const bounds = inSpan({ before, last: null })
  const { rows } = await sql<Ended>`select entry.id as last,
    (select count(*) ${from.unsealed} where ${allOf([...list.unsealed, ...bounds])} and id >= entry.id) as count
    from (
      select id ${from.sealed} where ${allOf([...list.indexed, ...bounds])}
      order by id desc limit 1 offset ${longestRange - 1}
    ) as entry`.execute(db)
  const [range] = rows
  if (range === undefined) return { last: null, count: await countAtOnce(db, list, { before, last: null }) }
  return { last: range.last, count: longestRange + range.count }
}

/** Ends a range and counts in it by one statement. SQLite alone adds up conditions as numbers. */
async function countTested(
  db: Reader,
  { indexed, tested, unsealed }: AuditList,
  before: string | undefined,
): Promise<Range> {
  const passes = (conditions: Conditions) => sql`id, (${allOf(conditions)}) as passes`
  const columns = { sealed: passes(tested), unsealed: passes(unsealed) }
  const range = both(columns, indexed, [], { before, last: null })
  const { rows } = await sql<Ended & { readonly size: number }>`
    select min(id) as last, count(*) as size, coalesce(sum(passes), 0) as count
    from (${range} order by id desc limit ${longestRange}) as entry`.execute(db)
  const { last, size, count } = rows[0]!
  return { last: size < longestRange ? null : last, count }
}

async function endOf(
  db: Reader,
  { indexed }: AuditList,
  hasFew: boolean,
  before: string | undefined,
  size: number,
): Promise<string | null> {
  const span = { before, last: null }
  const sealed = sql`select id ${from.sealed} where ${allOf([...indexed, ...inSpan(span)])}`
  const ids = hasFew ? sealed : both(id, indexed, [], span)
  const end = sql<{ readonly id: string }>`${ids} order by id desc limit 1 offset ${size - 1}`
  return (await end.execute(db)).rows[0]?.id ?? null
}

/** True if one statement may read all unsealed entries. It is false if a program does not seal, or seals too slowly. */
async function hasFewUnsealed(db: Reader): Promise<boolean> {
  const { rows } = await sql`select 1 ${from.unsealed} limit 1 offset ${longestRange}`.execute(db)
  return rows.length === 0
}

async function walkOf(executor: Executor, list: AuditList): Promise<Walk<Row<AuditEntryRecord>>> {
  const hasFew = await executor.read(hasFewUnsealed)
  const isIndexed = hasFew && list.tested.length === 0
  const countNext = isIndexed ? countIndexed : countTested
  return {
    isWhole: isIndexed || isEverything(list),
    endOf: (db, before, size) => endOf(db, list, hasFew, before, size),
    count: (db, before) => countNext(db, list, before),
    read: (db, span, part) => read(db, list, span, part),
  }
}

/** True if every entry that a statement passes is in the list. */
function isEverything({ tested, unsealed }: AuditList): boolean {
  return tested.length === 0 && unsealed.length === 0
}

async function readRows(executor: Executor, list: AuditList, page: Page): Promise<Rows> {
  if (!executor.blocksLoop) return executor.read((db) => readAtOnce(db, list, page))
  // Exports and walks by cursor read the whole log like this.
  if (isEverything(list) && (page.offset ?? 0) === 0)
    return executor.read((db) => read(db, list, { before: page.after?.id, last: null }, page))
  return readWalk(executor, await walkOf(executor, list), page)
}

/** One page of the list. */
export async function readAuditList(
  executor: Executor,
  list: AuditList,
  page: Page,
): Promise<readonly AuditEntryRecord[]> {
  return auditEntryRows.toRecords(await readRows(executor, list, page))
}

/** The number of entries in the list. */
export async function countAuditList(executor: Executor, list: AuditList): Promise<number> {
  return executor.blocksLoop
    ? countWalk(executor, await walkOf(executor, list))
    : executor.read((db) => countAtOnce(db, list, { before: undefined, last: null }))
}
