import { sql, type CompiledQuery, type Kysely, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { Page } from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import type { HotQueries } from './hot-queries.ts'

/** How the verbs of one session reach the database. */
export interface Access {
  readonly read: Kysely<Database>
  readonly write: Kysely<Database>
  readonly hot: HotQueries
  /** The first row of a query that was compiled before. */
  first<Entry>(
    query: CompiledQuery<Entry>,
    parameters: readonly unknown[],
  ): Promise<Entry | undefined> | Entry | undefined
  /** Runs several statements in one step. The first must be a write. */
  atomically<T>(work: (db: Kysely<Database>) => Promise<T>): Promise<T>
}

/** One page of `query`, newest first. */
export function newestFirst<Table extends keyof Database, Entry>(
  query: SelectQueryBuilder<Database, Table, Entry>,
  page: Page,
): SelectQueryBuilder<Database, Table, Entry> {
  const begun = page.after === undefined ? query : query.where(sql<SqlBool>`id < ${page.after.id}`)
  return limited(begun.orderBy(sql`id`, 'desc'), page)
}

/** As much of an ordered query as the page takes. */
export function limited<Table extends keyof Database, Entry>(
  query: SelectQueryBuilder<Database, Table, Entry>,
  page: Page,
): SelectQueryBuilder<Database, Table, Entry> {
  const taken = query.limit(page.limit)
  return page.offset === undefined ? taken : taken.offset(page.offset)
}

/** How many rows `query` has. */
export async function countOf<Table extends keyof Database>(
  query: SelectQueryBuilder<Database, Table, unknown>,
): Promise<number> {
  const row = await query.select(sql<number | string>`count(*)`.as('count')).executeTakeFirstOrThrow()
  return Number((row as { readonly count: number | string }).count)
}

/** Whether a write with `returning` wrote a row. */
export async function wrote(query: { executeTakeFirst(): Promise<unknown> }): Promise<boolean> {
  return (await query.executeTakeFirst()) !== undefined
}
