import { sql, type RawBuilder, type SqlBool } from 'kysely'
import type {
  ActorFilter,
  AuditEntryFilter,
  AuditEntryRecord,
  AuditEntryStorage,
  AuditPruning,
  NumericDate,
  Page,
} from '../../core/storage/index.ts'
import { takenError } from '../errors.ts'
import { type AuditList, type Conditions, countAuditList, readAuditList } from './audit-list.ts'
import { KyselyDeletions } from './deletions.ts'
import type { Executor, Reader, Writer } from './executor.ts'
import { auditEntryRows, unsealedEntryRows } from './rows.ts'
import { isInBoth, partsOf } from './unsealed-entries.ts'
import { tested } from './walk.ts'

const table = 'heartwood_audit_entry'

export abstract class KyselyAuditEntries extends KyselyDeletions implements AuditEntryStorage {
  async insertAuditEntries(entries: readonly AuditEntryRecord[]): Promise<void> {
    const { executor } = this
    const [first, ...others] = entries
    if (first === undefined) return
    if (others.length > 0 || first.seq !== null) return executor.together((db) => insertAll(db, entries))
    const values = [...unsealedEntryRows.toValues(first), first.id]
    if ((await executor.writeFirst(executor.hot.insertUnlessSealed, values)) === undefined) throw takenError()
  }

  async listAuditEntries(filter: AuditEntryFilter, page: Page): Promise<readonly AuditEntryRecord[]> {
    return readAuditList(this.executor, await listOf(this.executor, filter), page)
  }

  async countAuditEntries(filter: AuditEntryFilter): Promise<number> {
    return countAuditList(this.executor, await listOf(this.executor, filter))
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

/** The most entries of one statement: SQLite takes 32,766 values. */
const insertedAtOnce = 500

async function insertAll(db: Writer, entries: readonly AuditEntryRecord[]): Promise<void> {
  for (let at = 0; at < entries.length; at += insertedAtOnce) {
    const page = entries.slice(at, at + insertedAtOnce)
    const { sealed, unsealed } = partsOf(page)
    if (sealed.length > 0)
      await db
        .insertInto(table)
        .values(sealed.map((entry) => auditEntryRows.toRow(entry)))
        .execute()
    if (unsealed.length > 0)
      await db
        .insertInto('heartwood_unsealed_audit_entry')
        .values(unsealed.map((entry) => unsealedEntryRows.toRow(entry)))
        .execute()
    if (await isInBoth(db, page)) throw takenError()
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

function isEmpty(filter: AuditEntryFilter): boolean {
  return Object.values(filter).every((value) => value === undefined)
}

/** The entries that pass the filter, as a list to walk. For the sealed ones a span of times becomes one of ids. */
async function listOf(executor: Executor, filter: AuditEntryFilter): Promise<AuditList> {
  if (isEmpty(filter)) return { indexed: [], tested: [], unsealed: [] }
  const column = columnsOf(executor)
  const times = within(column, filter)
  const bounds = await boundsOf(executor, filter)
  const [indexed, others] = await chosen(executor, filter)
  return {
    indexed: [isSealed, ...indexed.map((key) => isKey(sql.ref, key)), ...bounds],
    tested: [...others.map((key) => isKey(column, key)), ...times],
    unsealed: [...allKeysOf(filter).map((key) => isKey(column, key)), ...times],
  }
}

async function boundsOf(executor: Executor, { from, to }: AuditEntryFilter): Promise<Conditions> {
  const before = from === undefined ? null : await lastIdBefore(executor, from - leap)
  const end = to === undefined ? null : await firstIdFrom(executor, to + leap)
  return [
    ...(before === null ? [] : [sql<SqlBool>`id > ${before}`]),
    ...(end === null ? [] : [sql<SqlBool>`id < ${end}`]),
  ]
}

/** The indexes of lists have the entries for which this holds. */
const isSealed = sql<SqlBool>`seq is not null`

function sealedWith(db: Reader, keys: readonly Key[]) {
  const sealed = db.selectFrom(table).select('id').where(isSealed)
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
    sealedWith(db, indexed).orderBy('id', 'desc').limit(1).offset(than).executeTakeFirst(),
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
