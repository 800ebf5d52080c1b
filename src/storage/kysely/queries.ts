import { sql, type InsertObject, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { Page } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import type { Writer } from './executor.ts'
import { isRowPresent } from './presence.ts'

/** One page of `query`, newest first. */
export function newestFirst<Table extends keyof Database, Entry>(
  query: SelectQueryBuilder<Database, Table, Entry>,
  page: Page,
): SelectQueryBuilder<Database, Table, Entry> {
  const begun = page.after === undefined ? query : query.where(sql<SqlBool>`id < ${page.after.id}`)
  return limited(begun.orderBy(sql`id`, 'desc'), page)
}

/** The records of an ordered query that the page has room for. */
export function limited<Table extends keyof Database, Entry>(
  query: SelectQueryBuilder<Database, Table, Entry>,
  page: Page,
): SelectQueryBuilder<Database, Table, Entry> {
  const taken = query.limit(page.limit)
  return page.offset === undefined ? taken : taken.offset(page.offset)
}

/** The number of rows of `query`. */
export async function countOf<Table extends keyof Database>(
  query: SelectQueryBuilder<Database, Table, unknown>,
): Promise<number> {
  const row = await query.select(sql<number | string>`count(*)`.as('count')).executeTakeFirstOrThrow()
  return Number((row as { readonly count: number | string }).count)
}

/** True if a write with `returning` wrote a row. */
export async function wroteRow(query: { executeTakeFirst(): Promise<unknown> }): Promise<boolean> {
  return (await query.executeTakeFirst()) !== undefined
}

/** Resolves to `false` and writes nothing if the id or another unique value of the row is taken. */
export function insertUnlessTaken<Table extends keyof Database>(
  db: Writer,
  table: Table,
  row: InsertObject<Database, Table>,
): Promise<boolean> {
  const insert = db.insertInto(table).values(row)
  return wroteRow(insert.onConflict((conflict) => conflict.doNothing()).returning(sql`1`.as('one')))
}

/** Resolves to `false` if there is no row with this id, or if its deletion has begun. */
export function deletePresent(
  db: Writer,
  table: 'heartwood_app' | 'heartwood_tier' | 'heartwood_customer',
  id: string,
): Promise<boolean> {
  return wroteRow(db.deleteFrom(table).where('id', '=', id).where(isRowPresent(table)).returning('id'))
}

/** Resolves to `false` if there is no row with this id. */
export function deleteById(
  db: Writer,
  table:
    | 'heartwood_app'
    | 'heartwood_tier'
    | 'heartwood_feature'
    | 'heartwood_customer'
    | 'heartwood_license'
    | 'heartwood_license_key',
  id: string,
): Promise<boolean> {
  return wroteRow(db.deleteFrom(table).where('id', '=', id).returning('id'))
}
