import { sql, type Kysely } from 'kysely'
import { kindOf, type ErrorKind } from '../errors.ts'
import type { Database } from '../schema.ts'
import { isPostgres } from './dialect.ts'

/** Runs `work` as a part of an open transaction that can be rolled back alone. */
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

/** Resolves to `null` if the write would break a unique index. */
export function nullIfTaken<T>(
  db: Kysely<Database>,
  write: (db: Kysely<Database>) => Promise<T>,
): Promise<T | null> {
  return nullIfRefused(db, ['unique'], write)
}

/**
 * Resolves to `null` if the database refuses the write for one of these reasons. The write is one statement. An error ends a
 * transaction of PostgreSQL, so the write has a savepoint there.
 */
export async function nullIfRefused<T>(
  db: Kysely<Database>,
  kinds: readonly ErrorKind[],
  write: (db: Kysely<Database>) => Promise<T>,
): Promise<T | null> {
  try {
    return await (db.isTransaction && isPostgres(db) ? inSavepoint(db, 'heartwood_step', write) : write(db))
  } catch (error) {
    const kind = kindOf(error)
    if (kind !== undefined && kinds.includes(kind)) return null
    throw error
  }
}
