import { LicensingError } from '../../core/errors.ts'
import { outageOf } from '../kysely/outage.ts'

/** Why SQLite could not open a database, in one sentence that names no path; any other error as it is. */
export function openFailure(error: unknown): unknown {
  if (error instanceof LicensingError || !isOfSqlite(error)) return error
  const reason = outageOf(error) ?? 'The database file cannot be opened'
  return new LicensingError('unavailable', reason, { cause: error })
}

const withoutCode = 'unable to open database file'

/** SQLite's errors have `errno` on Bun, `errcode` on Deno and Node; Deno gives none when it cannot open a file. */
function isOfSqlite(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { errno, errcode } = error as { readonly errno?: unknown; readonly errcode?: unknown }
  return typeof errcode === 'number' || typeof errno === 'number' || error.message.startsWith(withoutCode)
}
