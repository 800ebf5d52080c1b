import { sql, type Kysely } from 'kysely'
import type { Database } from '../schema.ts'

/** Does `work` as a part of an open transaction that can be given up alone. */
export async function inSavepoint<T>(
  db: Kysely<Database>,
  name: string,
  work: (db: Kysely<Database>) => Promise<T>,
): Promise<T> {
  const savepoint = sql.id(name)
  await sql`savepoint ${savepoint}`.execute(db)
  try {
    const result = await work(db)
    await sql`release savepoint ${savepoint}`.execute(db)
    return result
  } catch (error) {
    await sql`rollback to savepoint ${savepoint}`.execute(db)
    await sql`release savepoint ${savepoint}`.execute(db)
    throw error
  }
}
