import {
  PostgresAdapter,
  sql,
  type Kysely,
  type QueryExecutorProvider,
  type RawBuilder,
  type SqlBool,
  type TransactionBuilder,
} from 'kysely'

// All differences in the SQL of the databases are here. The schema imports this file, so it knows no tables.

export function isPostgres(db: QueryExecutorProvider): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** A transaction in which each statement sees what was committed before it, whatever the server is set to. */
export function beginOn<Tables>(db: Kysely<Tables>): TransactionBuilder<Tables> {
  return isPostgres(db) ? db.transaction().setIsolationLevel('read committed') : db.transaction()
}

/** The slugs of a tier's features as JSON, in the order of adding. `tierId` is the name of a column. */
export function featureSlugs(db: QueryExecutorProvider, tierId: string): RawBuilder<string> {
  const array = isPostgres(db)
    ? sql`coalesce(json_agg(slug order by place), '[]')::text`
    : sql`json_group_array(slug)`
  return sql<string>`(
    select ${array} from (
      select feature.slug, link.place from heartwood_tier_feature as link
      join heartwood_feature as feature on feature.id = link.feature_id
      where link.tier_id = ${sql.ref(tierId)} order by link.place
    ) as ordered
  )`
}

/** True if a column contains `part`. LIKE would fold ASCII case and read `%` and `_` as wildcards. */
export function contains(db: QueryExecutorProvider, column: string, part: string): RawBuilder<SqlBool> {
  const found = sql.raw(isPostgres(db) ? 'strpos' : 'instr')
  return sql<SqlBool>`${found}(${sql.ref(column)}, ${part}) > 0`
}

/** True if a column has the value, which may be `null`. The `is` of SQLite takes any value. */
export function isSame(db: QueryExecutorProvider, column: string, value: unknown): RawBuilder<SqlBool> {
  const same = sql.raw(isPostgres(db) ? 'is not distinct from' : 'is')
  return sql<SqlBool>`${sql.ref(column)} ${same} ${value}`
}

/** A value with its type: PostgreSQL would take each parameter of an `insert … select` for text. */
export function typed(value: unknown, type: 'text' | 'bigint' | 'integer'): RawBuilder<unknown> {
  return sql`cast(${value} as ${sql.raw(type)})`
}

// SQLite has one writer at a time, so it needs none of these locks.

/** Keeps others from changing a row, and from referring to it, until the transaction is over. */
export async function lockRow(db: Kysely<any>, table: string, id: string): Promise<void> {
  if (isPostgres(db)) await db.selectFrom(table).select('id').where('id', '=', id).forUpdate().execute()
}

/**
 * Holds the license keys of an app, customer or tier before it is deleted. An activation holds its license key first and refers
 * to the others then, so another order would let the two wait for each other.
 */
export async function lockLicenseKeys(
  db: Kysely<any>,
  owner: 'app_id' | 'customer_id' | 'tier_id',
  id: string,
): Promise<void> {
  if (!isPostgres(db)) return
  const keys = db.selectFrom('heartwood_license_key').select('id').where(owner, '=', id)
  await keys.orderBy('id').forUpdate().execute()
}

/** Keeps others from adding rows to a table until the transaction is over. */
export async function lockTable(db: Kysely<any>, table: string): Promise<void> {
  if (isPostgres(db)) await sql`lock table ${sql.table(table)} in share row exclusive mode`.execute(db)
}

/** Locks the rows of a query until the transaction is over. */
export function rowLock(db: QueryExecutorProvider): RawBuilder<unknown> {
  return sql.raw(isPostgres(db) ? 'for update' : '')
}

/** Skips the rows that another transaction is writing. */
export function skipLocked(db: QueryExecutorProvider): RawBuilder<unknown> {
  return sql.raw(isPostgres(db) ? 'for update skip locked' : '')
}
