import { LicensingError } from '../../core/errors.ts'

type Violation = 'unique' | 'foreign key' | 'busy'

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

/** `null` when the write would have broken a unique index. */
export async function unlessTaken<T>(write: Promise<T>): Promise<T | null> {
  try {
    return await write
  } catch (error) {
    if (violationOf(error) === 'unique') return null
    throw error
  }
}

/** The driver's error as one of ours, where there is a word for it. */
export function translated(error: unknown): unknown {
  const violation = violationOf(error)
  if (violation === 'foreign key') {
    return new LicensingError('not_found', 'What the record belongs to no longer exists', { cause: error })
  }
  if (violation === 'busy') {
    return new LicensingError('unavailable', 'The database is locked by another process', { cause: error })
  }
  return error
}
