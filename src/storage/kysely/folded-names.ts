import { sql, type Kysely } from 'kysely'
import { foldName } from '../../core/storage/search.ts'
import { beginOn, isPostgres, typed } from './dialect.ts'

interface NamedRow {
  readonly id: string
  readonly name: string
}

/** Rows that one statement writes: a few milliseconds of work. */
const pageSize = 500

/** Writes the folded names that rows lack: those of an older version. Each page is a transaction, so nobody waits for long. */
export async function foldNames(db: Kysely<unknown>): Promise<void> {
  for (;;) {
    const { rows } = await sql<NamedRow>`select id, name from heartwood_customer
      where name is not null and folded_name is null limit ${pageSize}`.execute(db)
    if (rows.length === 0) return
    await (db.isTransaction ? writeNames(db, rows) : beginOn(db).execute((trx) => writeNames(trx, rows)))
  }
}

/** A name that changed meanwhile stays, and the next page has it if it is still needed. */
async function writeNames(db: Kysely<unknown>, rows: readonly NamedRow[]): Promise<void> {
  const names = JSON.stringify(rows.map(({ id, name }) => [id, name, foldName(name)]))
  const each = isPostgres(db)
    ? sql`json_array_elements(${typed(names, 'text')}::json)`
    : sql`json_each(${names})`
  await sql`update heartwood_customer set folded_name = page.value ->> 2 from ${each} as page
    where heartwood_customer.id = page.value ->> 0 and heartwood_customer.name = page.value ->> 1`.execute(db)
}
