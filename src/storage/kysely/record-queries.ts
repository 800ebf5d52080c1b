import type { CompiledQuery, Kysely } from 'kysely'
import type { Database } from '../schema.ts'
import { featureSlugs, isSame } from './dialect.ts'
import { isPresent, isRowPresent } from './presence.ts'

/** The tables of records that have no version. */
export type UnversionedTable =
  'heartwood_app' | 'heartwood_tier' | 'heartwood_feature' | 'heartwood_customer' | 'heartwood_api_key'

/** The queries of an update of a record without a version. */
export interface RecordQueries {
  /**
   * Sets these columns of a record, if the compared ones have their values. Parameters: the values to set, the id, the values to
   * compare.
   */
  updateRecord(
    table: UnversionedTable,
    columns: readonly string[],
    compared: readonly string[],
  ): CompiledQuery<object>
  /** The record of an id, unless it is being deleted. Parameter: the id. */
  record(table: UnversionedTable): CompiledQuery<object>
  /** Sets these columns of a record that is there. Parameters: their values, the id. */
  setRecord(table: UnversionedTable, columns: readonly string[]): CompiledQuery
}

/** Compiles each query once. Every use case changes the same columns each time, so there are few. */
export function recordQueries(db: Kysely<Database>): RecordQueries {
  const made = new Map<string, CompiledQuery<object>>()
  const compiled = (name: string, compile: () => CompiledQuery<object>): CompiledQuery<object> => {
    const query = made.get(name) ?? compile()
    made.set(name, query)
    return query
  }
  return {
    updateRecord: (table, columns, compared) =>
      compiled(`${table} ${columns.join()} ${compared.join()}`, () =>
        recordUpdate(db, table, columns, compared),
      ),
    record: (table) => compiled(table, () => record(db, table)),
    setRecord: (table, columns) =>
      compiled(`set ${table} ${columns.join()}`, () => recordChange(db, table, columns).compile()),
  }
}

/** Deletions in pages hide these records. The others are gone at once. */
function hasDeletions(
  table: UnversionedTable,
): table is Parameters<typeof isRowPresent>[0] & UnversionedTable {
  return table !== 'heartwood_feature' && table !== 'heartwood_api_key'
}

function record(db: Kysely<Database>, table: UnversionedTable): CompiledQuery<object> {
  const found = db
    .selectFrom(table as 'heartwood_tier')
    .selectAll()
    .where('id', '=', '')
  const present = hasDeletions(table) ? found.where(isPresent('id')) : found
  const features = featureSlugs(db, 'heartwood_tier.id').as('features')
  return table === 'heartwood_tier' ? present.select(features).compile() : present.compile()
}

// The type is that of one table, because a union of tables has no columns.
function recordChange(db: Kysely<Database>, table: UnversionedTable, columns: readonly string[]) {
  const values = Object.fromEntries(columns.map((column) => [column, '']))
  return db
    .updateTable(table as 'heartwood_tier')
    .set(values as never)
    .where('id', '=', '')
}

function recordUpdate(
  db: Kysely<Database>,
  table: UnversionedTable,
  columns: readonly string[],
  compared: readonly string[],
): CompiledQuery<object> {
  const guarded = compared.reduce(
    (query, column) => query.where(isSame(db, column, '')),
    recordChange(db, table, columns),
  )
  const changed = (hasDeletions(table) ? guarded.where(isRowPresent(table)) : guarded).returningAll()
  const features = featureSlugs(db, 'heartwood_tier.id').as('features')
  return table === 'heartwood_tier' ? changed.returning(features).compile() : changed.compile()
}
