import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type {
  ActorFilter,
  AuditEntryFilter,
  AuditEntryRecord,
  AuditEntryStorage,
  AuditPruning,
  NumericDate,
  Page,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { KyselyDeletions } from './deletions.ts'
import type { Executor, Reader, Writer } from './executor.ts'
import { countOf, newestFirst } from './queries.ts'
import { auditEntryRows } from './rows.ts'
import { countList, type List, readList, tested } from './walk.ts'

const table = 'heartwood_audit_entry'

export abstract class KyselyAuditEntries extends KyselyDeletions implements AuditEntryStorage {
  async insertAuditEntries(entries: readonly AuditEntryRecord[]): Promise<void> {
    const { executor } = this
    if (entries.length === 0) return
    if (entries.length > 1) return executor.together((db) => insertAll(db, entries))
    await executor.writeFirst(executor.hot.insertAuditEntry, auditEntryRows.toValues(entries[0]!))
  }

  async listAuditEntries(filter: AuditEntryFilter, page: Page): Promise<readonly AuditEntryRecord[]> {
    const { executor } = this
    if (isEmpty(filter)) return readAll(executor, { indexed: entries, conditions: [] }, page)
    const { limit, offset = 0 } = page
    // An entry that is sealed meanwhile is in both. In the other order it could be in neither.
    const fresh = await readAll(executor, unsealedList(executor, filter), {
      ...page,
      limit: offset + limit,
      offset: 0,
    })
    const skipped = Math.max(0, offset - fresh.length)
    const rest = { ...page, limit: offset + limit - skipped, offset: skipped }
    const sealed = await readAll(executor, await sealedList(executor, filter), rest)
    return newestOf(fresh, sealed).slice(offset - skipped, offset - skipped + limit)
  }

  async countAuditEntries(filter: AuditEntryFilter): Promise<number> {
    const { executor } = this
    if (isEmpty(filter)) return countAll(executor, { indexed: entries, conditions: [] })
    const fresh = await countAll(executor, unsealedList(executor, filter))
    return fresh + (await countAll(executor, await sealedList(executor, filter)))
  }

  async pruneAuditEntries({ before, belowSeq, limit }: AuditPruning): Promise<number> {
    const first = await this.executor.read((db) => firstSealed(db, limit))
    const stays = first.findIndex((entry) => entry.createdAt >= before || entry.seq >= belowSeq)
    const last = (stays === -1 ? first : first.slice(0, stays)).at(-1)
    if (last === undefined) return 0
    const deleted = await this.executor.write((db) =>
      db.deleteFrom(table).where('seq', '<=', last.seq).returning('id').execute(),
    )
    return deleted.length
  }
}

async function readAll(
  executor: Executor,
  list: List<typeof table>,
  page: Page,
): Promise<readonly AuditEntryRecord[]> {
  const rows = executor.blocksLoop
    ? await readList(executor, list, page, (query) => query.selectAll())
    : await executor.read((db) => newestFirst(allOf(db, list).selectAll(), page).execute())
  return auditEntryRows.toRecords(rows)
}

function countAll(executor: Executor, list: List<typeof table>): Promise<number> {
  return executor.blocksLoop ? countList(executor, list) : executor.read((db) => countOf(allOf(db, list)))
}

function isEmpty(filter: AuditEntryFilter): boolean {
  return Object.values(filter).every((value) => value === undefined)
}

/** Both lists as one, newest first, each entry once. */
function newestOf(
  fresh: readonly AuditEntryRecord[],
  sealed: readonly AuditEntryRecord[],
): readonly AuditEntryRecord[] {
  const known = new Set(sealed.map(({ id }) => id))
  const others = fresh.filter(({ id }) => !known.has(id))
  return [...others, ...sealed].sort((a, b) => (a.id < b.id ? 1 : -1))
}

type Entries = SelectQueryBuilder<Database, typeof table, unknown>

/** The most entries of one statement: SQLite takes 32,766 values. */
const insertedAtOnce = 500

async function insertAll(db: Writer, entries: readonly AuditEntryRecord[]): Promise<void> {
  for (let at = 0; at < entries.length; at += insertedAtOnce) {
    const rows = entries.slice(at, at + insertedAtOnce).map((entry) => auditEntryRows.toRow(entry))
    await db.insertInto(table).values(rows).execute()
  }
}

interface Sealed {
  readonly seq: number
  readonly createdAt: NumericDate
}

async function firstSealed(db: Reader, limit: number): Promise<readonly Sealed[]> {
  const places = db.selectFrom(table).select(['seq', 'created_at']).where('seq', 'is not', null)
  const rows = await places.orderBy('seq').limit(limit).execute()
  return rows.map((row) => ({ seq: Number(row.seq), createdAt: Number(row.created_at) }))
}

function allOf(db: Reader, { indexed, conditions }: List<typeof table>): Entries {
  return conditions.reduce((query, condition) => query.where(condition), indexed(db))
}

/** Ids and times are in one order, except around a clock that was set back: by at most so many seconds. */
const leap = 3_600

/** The last entry before this time. Each entry from an hour later on has a higher id. */
async function lastIdBefore(executor: Executor, time: NumericDate): Promise<string | null> {
  const row = await executor.read((db) =>
    ids(db)
      .where('created_at', '<', time)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .executeTakeFirst(),
  )
  return row?.id ?? null
}

/** The first entry from this time on. Each entry from an hour earlier or before has a lower id. */
async function firstIdFrom(executor: Executor, time: NumericDate): Promise<string | null> {
  const row = await executor.read((db) =>
    ids(db).where('created_at', '>=', time).orderBy('created_at').orderBy('id').executeTakeFirst(),
  )
  return row?.id ?? null
}

function ids(db: Reader) {
  return db.selectFrom(table).select('id').where('seq', 'is not', null).limit(1)
}

type ColumnOf = (name: string) => RawBuilder<unknown>

/** The conditions of a span of times. */
function within(column: ColumnOf, { from, to }: AuditEntryFilter): readonly RawBuilder<SqlBool>[] {
  return [
    ...(from === undefined ? [] : [sql<SqlBool>`${column('created_at')} >= ${from}`]),
    ...(to === undefined ? [] : [sql<SqlBool>`${column('created_at')} < ${to}`]),
  ]
}

function columnsOf({ blocksLoop }: Executor): ColumnOf {
  return blocksLoop ? tested : sql.ref
}

/** The entries that pass the filter and have no place yet. A server that seals leaves few of them. */
function unsealedList(executor: Executor, filter: AuditEntryFilter): List<typeof table> {
  const column = columnsOf(executor)
  return {
    indexed: (db) => entries(db).where('seq', 'is', null),
    conditions: [...allKeysOf(filter).map((key) => isKey(column, key)), ...within(column, filter)],
  }
}

/** The sealed entries that pass the filter, as a list to walk. A span of times becomes one of ids. */
async function sealedList(executor: Executor, filter: AuditEntryFilter): Promise<List<typeof table>> {
  const { from, to } = filter
  const before = from === undefined ? null : await lastIdBefore(executor, from - leap)
  const end = to === undefined ? null : await firstIdFrom(executor, to + leap)
  const [indexed, others] = await chosen(executor, filter)
  const column = columnsOf(executor)
  return {
    indexed: (db) => {
      const all = sealedWith(db, indexed)
      const begun = before === null ? all : all.where('id', '>', before)
      return end === null ? begun : begun.where('id', '<', end)
    },
    conditions: [...others.map((key) => isKey(column, key)), ...within(column, filter)],
  }
}

function entries(db: Reader): Entries {
  return db.selectFrom(table)
}

function sealedWith(db: Reader, keys: readonly Key[]): Entries {
  const sealed = entries(db).where('seq', 'is not', null)
  return keys.reduce((query, key) => query.where(isKey(sql.ref, key)), sealed)
}

type Key = readonly [column: string, value: string | null]

function actorKeys({ type, id }: ActorFilter): readonly Key[] {
  return [
    ['actor_type', type],
    ['actor_id', id],
  ]
}

/** The columns of one index, which has their entries in the order of the ids, and the columns that are tested then. */
type Choice = readonly [indexed: readonly Key[], others: readonly Key[]]

function givenKeys(name: string, value: string | undefined): readonly Key[] {
  return value === undefined ? [] : [[name, value]]
}

/** The indexes that may serve a filter, the one that is most often the best first. */
function choicesOf({ mode, appId, targetId, actor, action }: AuditEntryFilter): readonly Choice[] {
  const inMode = givenKeys('mode', mode)
  const byActor = actor === undefined ? [] : [...actorKeys(actor), ...inMode]
  const byAction = action === undefined ? [] : [...givenKeys('action', action), ...inMode]
  const inApp = givenKeys('app_id', appId)
  const indexes = [givenKeys('target_id', targetId), byActor, byAction, inApp].filter(
    (keys) => keys.length > 0,
  )
  const all = new Map([...indexes.flat(), ...inMode])
  const others = (indexed: readonly Key[]) =>
    [...all].filter(([name]) => indexed.every(([column]) => column !== name))
  return (indexes.length === 0 ? [inMode] : indexes).map((indexed) => [indexed, others(indexed)])
}

function allKeysOf(filter: AuditEntryFilter): readonly Key[] {
  return choicesOf(filter)[0]!.flat()
}

/** Entries of an index up to which it is taken at once, and up to which it is taken if none has fewer. */
const fewEntries = [1_000, 20_000] as const

async function hasMore(executor: Executor, [indexed]: Choice, than: number): Promise<boolean> {
  const row = await executor.read((db) =>
    sealedWith(db, indexed).select('id').orderBy('id', 'desc').limit(1).offset(than).executeTakeFirst(),
  )
  return row !== undefined
}

/**
 * SQLite walks one index, and knows not which is the shortest: of a small app with an action that all apps have, the whole log
 * would be walked. PostgreSQL chooses by its statistics.
 */
async function chosen(executor: Executor, filter: AuditEntryFilter): Promise<Choice> {
  const choices = choicesOf(filter)
  const [first] = choices
  if (!executor.blocksLoop || choices.length === 1) return first!
  for (const most of fewEntries)
    for (const choice of choices) if (!(await hasMore(executor, choice, most))) return choice
  return first!
}

function isKey(column: ColumnOf, [name, value]: Key): RawBuilder<SqlBool> {
  return value === null ? sql<SqlBool>`${column(name)} is null` : sql<SqlBool>`${column(name)} = ${value}`
}
