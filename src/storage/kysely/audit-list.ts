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

/** The same columns of both tables. */
interface Columns {
  readonly sealed: RawBuilder<unknown>
  readonly unsealed: RawBuilder<unknown>
}

const id: Columns = { sealed: sql`id`, unsealed: sql`id` }

const common = unsealedEntryRows.columns.map(({ name }) => sql.ref(name))

const whole: Columns = {
  sealed: sql.join([...common, sql`seq`, sql`mac`]),
  // PostgreSQL merges the two in the order of an index only if the types are the same.
  unsealed: sql.join([...common, sql`cast(null as bigint)`, sql`cast(null as text)`]),
}

function allOf(conditions: Conditions): RawBuilder<SqlBool> {
  return conditions.length === 0
    ? sql<SqlBool>`1 = 1`
    : sql<SqlBool>`${sql.join([...conditions], sql` and `)}`
}

function within({ before, last }: Span): Conditions {
  return [
    ...(before === undefined ? [] : [sql<SqlBool>`id < ${before}`]),
    ...(last === null ? [] : [sql<SqlBool>`id >= ${last}`]),
  ]
}

/** The entries of both tables that pass the conditions. An `order by` and a `limit` may follow. */
function both(
  columns: Columns,
  sealed: Conditions,
  unsealed: Conditions,
  span: Span = { before: undefined, last: null },
): RawBuilder<unknown> {
  const bounds = within(span)
  return sql`select ${columns.sealed} from heartwood_audit_entry where ${allOf([...sealed, ...bounds])}
    union all
    select ${columns.unsealed} from heartwood_unsealed_audit_entry where ${allOf([...unsealed, ...bounds])}`
}

async function read(
  db: Reader,
  { indexed, tested, unsealed }: AuditList,
  span: Span,
  { limit, offset = 0 }: Pick<Page, 'limit' | 'offset'>,
): Promise<Rows> {
  const entries = both(whole, [...indexed, ...tested], unsealed, span)
  const query = sql<Row<AuditEntryRecord>>`${entries} order by id desc limit ${limit} offset ${offset}`
  return (await query.execute(db)).rows
}

async function endOf(
  db: Reader,
  { indexed }: AuditList,
  before: string | undefined,
  size: number,
): Promise<string | null> {
  const ids = both(id, indexed, [], { before, last: null })
  const end = sql<{ readonly id: string }>`${ids} order by id desc limit 1 offset ${size - 1}`
  return (await end.execute(db)).rows[0]?.id ?? null
}

interface Counted {
  readonly last: string | null
  readonly size: number
  readonly count: number
}

/** Passes a range once, by one statement. Only SQLite takes a condition for a number. */
async function countNext(
  db: Reader,
  { indexed, tested, unsealed }: AuditList,
  before: string | undefined,
): Promise<Range> {
  const passes = (conditions: Conditions) => sql`id, (${allOf(conditions)}) as passes`
  const columns = { sealed: passes(tested), unsealed: passes(unsealed) }
  const range = both(columns, indexed, [], { before, last: null })
  const { rows } = await sql<Counted>`
    select min(id) as last, count(*) as size, coalesce(sum(passes), 0) as count
    from (${range} order by id desc limit ${longestRange}) as entry`.execute(db)
  const { last, size, count } = rows[0]!
  return { last: size < longestRange ? null : last, count }
}

function isWhole({ tested, unsealed }: AuditList): boolean {
  return tested.length === 0 && unsealed.length === 0
}

function walkOf(list: AuditList): Walk<Row<AuditEntryRecord>> {
  return {
    isWhole: isWhole(list),
    endOf: (db, before, size) => endOf(db, list, before, size),
    count: async (db, before) => {
      const last = isWhole(list) ? await endOf(db, list, before, longestRange) : null
      return last === null ? countNext(db, list, before) : { last, count: longestRange }
    },
    read: (db, span, part) => read(db, list, span, part),
  }
}

/** One page of the list. */
export async function readAuditList(
  executor: Executor,
  list: AuditList,
  page: Page,
): Promise<readonly AuditEntryRecord[]> {
  const span = { before: page.after?.id, last: null }
  const rows = executor.blocksLoop
    ? await readWalk(executor, walkOf(list), page)
    : await executor.read((db) => read(db, list, span, page))
  return auditEntryRows.toRecords(rows)
}

/** The number of entries in the list. */
export function countAuditList(executor: Executor, list: AuditList): Promise<number> {
  return executor.blocksLoop
    ? countWalk(executor, walkOf(list))
    : executor.read((db) => countAtOnce(db, list))
}

async function countAtOnce(db: Reader, { indexed, tested, unsealed }: AuditList): Promise<number> {
  const { rows } = await sql<{ readonly count: number | string }>`select
    (select count(*) from heartwood_audit_entry where ${allOf([...indexed, ...tested])})
    + (select count(*) from heartwood_unsealed_audit_entry where ${allOf(unsealed)}) as count`.execute(db)
  return Number(rows[0]!.count)
}
