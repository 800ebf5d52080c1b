import { LicensingError } from '../../core/errors.ts'

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const reasons: Readonly<Record<number, string>> = {
  5: 'The database file is locked by another process',
  6: 'The database file is locked by another process',
  8: 'The database file is read-only',
  10: 'The database file cannot be read or written (input/output error)',
  11: 'The database file is damaged',
  13: 'The disk is full',
  14: 'The database file cannot be opened: its folder is missing, or access is refused',
  23: 'The database file cannot be opened: access is refused',
  26: 'The file is not an SQLite database',
}

/** Why SQLite could not open a database, in one sentence that names no path; any other error as it is. */
export function openFailure(error: unknown): unknown {
  const code = resultCode(error)
  if (code === undefined) return error
  const reason = reasons[code & 0xff]
  return new LicensingError('unavailable', reason ?? 'The database file cannot be opened', { cause: error })
}

/** `errno` on Bun, `errcode` on Deno and Node; Deno gives none when it cannot open a file. */
function resultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { errno, errcode } = error as { readonly errno?: unknown; readonly errcode?: unknown }
  if (typeof errcode === 'number') return errcode
  if (typeof errno === 'number') return errno
  return error instanceof Error && error.message.startsWith('unable to open database file') ? 14 : undefined
}
