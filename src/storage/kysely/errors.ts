import type { Kysely } from 'kysely'
import { LicensingError } from '../../core/errors.ts'
import type { Database } from '../schema.ts'
import { isPostgres } from './dialect.ts'
import { outageOf } from './outage.ts'
import { inSavepoint } from './savepoint.ts'

type Violation = 'unique' | 'foreign key' | 'busy' | 'conflict'

// Drivers say the same in `code`, `errno` or `errcode`: SQLite's extended result codes, and PostgreSQL's SQLSTATE.
const violations: Readonly<Record<string, Violation>> = {
  2067: 'unique',
  1555: 'unique',
  SQLITE_CONSTRAINT_UNIQUE: 'unique',
  SQLITE_CONSTRAINT_PRIMARYKEY: 'unique',
  23505: 'unique',
  787: 'foreign key',
  SQLITE_CONSTRAINT_FOREIGNKEY: 'foreign key',
  23503: 'foreign key',
  5: 'busy',
  517: 'busy',
  261: 'busy',
  SQLITE_BUSY: 'busy',
  SQLITE_BUSY_SNAPSHOT: 'busy',
  SQLITE_BUSY_RECOVERY: 'busy',
  40001: 'conflict',
  '40P01': 'conflict',
}

/** What a driver's error means, if it is one that we know. */
export function violationOf(error: unknown): Violation | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, errno, errcode } = error as Readonly<Record<string, unknown>>
  for (const value of [code, errno, errcode]) {
    const known = typeof value === 'string' || typeof value === 'number' ? violations[value] : undefined
    if (known !== undefined) return known
  }
  return undefined
}

/** `null` when the write would have broken a unique index; the transaction it is in, if any, stays whole. */
export async function unlessTaken<T>(
  db: Kysely<Database>,
  write: (db: Kysely<Database>) => Promise<T>,
): Promise<T | null> {
  try {
    return await (db.isTransaction && isPostgres(db) ? inSavepoint(db, 'heartwood_step', write) : write(db))
  } catch (error) {
    if (violationOf(error) === 'unique') return null
    throw error
  }
}

/** Whether the database undid work in favour of other work (a deadlock, say), so that it may be tried again. */
export function isConflict(error: unknown): boolean {
  const cause = error instanceof LicensingError ? error.cause : error
  return violationOf(cause) === 'conflict'
}

/** The driver's error as one of ours, where there is a word for it. */
export function translated(error: unknown): unknown {
  if (error instanceof LicensingError) return error
  if (violationOf(error) === 'foreign key') {
    return new LicensingError('not_found', 'What the record belongs to no longer exists', { cause: error })
  }
  const outage = outageOf(error)
  return outage === undefined ? error : new LicensingError('unavailable', outage, { cause: error })
}
