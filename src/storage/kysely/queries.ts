import { sql, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { Page } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'

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
