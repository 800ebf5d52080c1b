import { PostgresAdapter, sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'

// Where the SQL of the databases differs, and nowhere else. It knows no tables, since the schema imports it.

export function isPostgres(db: Kysely<any>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** The slugs of a tier's features as JSON, in the order in which they were added; `tierId` is a column's name. */
export function featureSlugs(db: Kysely<any>, tierId: string): RawBuilder<string> {
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

/** Whether a column contains `part`. LIKE would fold ASCII case and read `%` and `_` as wildcards. */
export function contains(db: Kysely<any>, column: string, part: string): RawBuilder<SqlBool> {
  const found = sql.raw(isPostgres(db) ? 'strpos' : 'instr')
  return sql<SqlBool>`${found}(${sql.ref(column)}, ${part}) > 0`
}

/** A value that is inserted by a select, of which PostgreSQL would else take every parameter for text. */
export function typed(value: unknown, type: 'text' | 'bigint'): RawBuilder<unknown> {
  return sql`cast(${value} as ${sql.raw(type)})`
}

// SQLite has one writer at a time, and needs none of the locks below.

/** Until the transaction is over, nothing is added to a row or changed in it by others. */
export async function lockRow(db: Kysely<any>, table: string, id: string): Promise<void> {
  if (isPostgres(db)) await db.selectFrom(table).select('id').where('id', '=', id).forUpdate().execute()
}

/** Until the transaction is over, others add no row to the table. */
export async function lockTable(db: Kysely<any>, table: string): Promise<void> {
  if (isPostgres(db)) await sql`lock table ${sql.table(table)} in share row exclusive mode`.execute(db)
}

/** Passes over the rows that another transaction is writing. */
export function skipLocked(db: Kysely<any>): RawBuilder<unknown> {
  return sql.raw(isPostgres(db) ? 'for update skip locked' : '')
}
