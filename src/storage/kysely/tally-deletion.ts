import { sql, type RawBuilder } from 'kysely'
import { skipLocked } from './dialect.ts'
import type { Writer } from './executor.ts'

/** Deletes at most `limit` tallies. Resolves to a row for each. */
export async function deleteTallies(
  db: Writer,
  where: RawBuilder<unknown>,
  limit: number,
): Promise<readonly unknown[]> {
  const { rows } = await sql`
    with page as materialized (
      select app_id, span, starts_at, name from heartwood_tally where ${where}
      order by app_id, span, starts_at, name limit ${limit} ${skipLocked(db)}
    )
    delete from heartwood_tally where (app_id, span, starts_at, name) in (select * from page)
    returning 1 as one`.execute(db)
  return rows
}
