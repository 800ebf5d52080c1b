import { CompiledQuery } from 'kysely'
import type { AuditEntryRecord } from '../../core/storage/index.ts'
import { kindOf } from '../errors.ts'
import type { DirectConnection } from './connections.ts'
import { type Executor, firstRow, type Writer } from './executor.ts'
import type { HotInsert } from './hot-queries.ts'
import { unsealedEntryRows } from './rows.ts'
import { nullIfTaken } from './savepoint.ts'

/** A write that was compiled before. It returns a row if it wrote one. */
interface HotWrite<Row> {
  readonly query: CompiledQuery<Row>
  readonly parameters: readonly unknown[]
  /** True if it may meet a taken value of a unique index. Then it writes nothing. */
  readonly mayBeTaken?: boolean | undefined
}

/** PostgreSQL writes both by one statement, because each statement is a round trip. */
const joined = new WeakMap<CompiledQuery, CompiledQuery<unknown>>()

/** The same write, which also inserts the entry if it returns a row. Its parameters come before those of the entry. */
function withEntry<Row>(query: CompiledQuery<Row>): CompiledQuery<Row> {
  const known = joined.get(query) ?? joinEntry(query)
  joined.set(query, known)
  return known as CompiledQuery<Row>
}

function joinEntry(query: CompiledQuery): CompiledQuery<unknown> {
  const { columns } = unsealedEntryRows
  const first = query.parameters.length + 1
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  const values = columns.map(({ type }, at) => `cast($${first + at} as ${type})`).join(', ')
  return CompiledQuery.raw(`with written as (${query.sql}), noted as (
    insert into "heartwood_unsealed_audit_entry" (${names}) select ${values} where exists (select 1 from written)
  ) select * from written`)
}

function run<Row>(
  { mayBeTaken = false }: HotWrite<Row>,
  db: Writer,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[],
): Promise<Row | null | undefined> {
  const write = (each: Writer) => firstRow(each, query, parameters)
  return mayBeTaken ? nullIfTaken(db, write) : write(db)
}

function firstDirectly<Row>(
  direct: DirectConnection,
  { query, parameters, mayBeTaken = false }: HotWrite<Row>,
): Row | null | undefined {
  try {
    return direct.first(query, parameters)
  } catch (error) {
    if (mayBeTaken && kindOf(error) === 'unique') return null
    throw error
  }
}

/** As {@link writeWithEntry}, on the connection of a transaction. One statement does it on PostgreSQL, which then needs none. */
export async function writeOn<Row>(
  { hot, blocksLoop }: Executor,
  db: Writer,
  write: HotWrite<Row>,
  entry: AuditEntryRecord | undefined,
): Promise<Row | null | undefined> {
  const { query, parameters } = write
  if (entry === undefined) return run(write, db, query, parameters)
  const values = unsealedEntryRows.toValues(entry)
  if (!blocksLoop) return run(write, db, withEntry(query), [...parameters, ...values])
  const row = await run(write, db, query, parameters)
  if (row !== null && row !== undefined)
    await db.executeQuery({ ...hot.insertAuditEntry, parameters: values })
  return row
}

/**
 * Runs the write, and inserts the entry in the same step if it wrote a row. Resolves to the row, or to no value if it wrote
 * none.
 */
export function writeWithEntry<Row>(
  executor: Executor,
  write: HotWrite<Row>,
  entry: AuditEntryRecord | undefined,
): Promise<Row | null | undefined> {
  const { hot, direct, blocksLoop } = executor
  if (direct !== undefined)
    return executor.directly(() => {
      const row = firstDirectly(direct, write)
      if (entry !== undefined && row !== null && row !== undefined)
        direct.run(hot.insertAuditEntry, unsealedEntryRows.toValues(entry))
      return row
    })
  const work = (db: Writer) => writeOn(executor, db, write, entry)
  return entry !== undefined && blocksLoop ? executor.together(work) : executor.write(work)
}

/** An insert with its values. */
interface InsertedRow {
  readonly query: HotInsert
  readonly parameters: readonly unknown[]
}

/** As {@link writeWithEntry}, for an insert: resolves to `true` if it wrote a row. */
export async function insertWithEntry(
  executor: Executor,
  { query, parameters }: InsertedRow,
  entry: AuditEntryRecord | undefined,
): Promise<boolean> {
  const { direct, hot } = executor
  if (direct === undefined)
    return (await writeWithEntry(executor, { query: query.returning, parameters }, entry)) !== undefined
  const values = entry === undefined ? null : unsealedEntryRows.toValues(entry)
  return executor.directly(() => {
    const isWritten = direct.run(query.silent, parameters) > 0
    if (isWritten && values !== null) direct.run(hot.insertAuditEntry, values)
    return isWritten
  })
}
