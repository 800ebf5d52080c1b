import { PostgresAdapter, sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'

/** Where the SQL of the databases differs, and nowhere else. */

export function isPostgres(db: Kysely<any>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** The slugs of a tier's features as JSON, in the order in which they were added; `tierId` is a column's name. */
export function featureSlugs(tierId: string): RawBuilder<string> {
  return sql<string>`(
    select json_group_array(slug) from (
      select feature.slug from heartwood_tier_feature as link
      join heartwood_feature as feature on feature.id = link.feature_id
      where link.tier_id = ${sql.ref(tierId)} order by link.place
    ) as ordered
  )`
}

/** Whether a column contains `part`. LIKE would fold ASCII case and read `%` and `_` as wildcards. */
export function contains(column: string, part: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`instr(${sql.ref(column)}, ${part}) > 0`
}
