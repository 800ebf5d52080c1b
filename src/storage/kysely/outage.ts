/**
 * Why a database does not do what it was asked, where the fault is neither ours nor the caller's: a sentence that names
 * no path and no value. `undefined` for every other error.
 */
export function outageOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, errno, errcode, message } = error as Readonly<Record<string, unknown>>
  const named = typeof code === 'string' ? (postgres(code) ?? sqliteByName(code)) : undefined
  if (named !== undefined) return named
  for (const value of [errcode, errno]) {
    // Extended result codes hold the primary one in their last byte; the system's own numbers may be negative.
    const known = typeof value === 'number' && value > 0 ? sqlite[value & 0xff] : undefined
    if (known !== undefined) return known
  }
  return typeof message === 'string' ? uncoded(message) : undefined
}

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const sqlite: Readonly<Record<number, string>> = {
  5: 'The database is locked by another process',
  6: 'The database is locked by another process',
  8: 'The database file is read-only',
  10: 'The database file cannot be read or written (input/output error)',
  11: 'The database file is damaged',
  13: 'The disk is full',
  14: 'The database file cannot be opened: its folder is missing, or access is refused',
  23: 'The database file cannot be opened: access is refused',
  26: 'The file is not an SQLite database',
}

const names: Readonly<Record<string, number>> = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
}

/** Some drivers have the name alone: `SQLITE_IOERR_WRITE`. */
function sqliteByName(code: string): string | undefined {
  const name = /^SQLITE_([A-Z]+)/.exec(code)?.[1]
  const number = name === undefined ? undefined : names[name]
  return number === undefined ? undefined : sqlite[number]
}

const unreachable = 'The database does not answer'

// PostgreSQL's SQLSTATEs, by their first five or two characters, and what drivers say of the connection.
const states: Readonly<Record<string, string>> = {
  '08': unreachable,
  28: 'The database refuses the user or the password',
  '3D': 'The database does not exist',
  40: 'The database gave the work up in favour of other work, again and again',
  53: 'The database server is at its limit',
  58: 'The database server cannot read or write its files',
  25006: 'The database takes no writes: it is a standby, or set read-only',
  '25P03': 'The database ended a transaction that stood still for too long',
  '25P04': 'The database ended a transaction that took too long',
  42501: 'The database user lacks a right that is needed',
  53100: 'The disk of the database server is full',
  53300: 'The database server takes no more connections',
  '55P03': 'The database could not get a lock in time',
  57014: 'The database took too long',
  '57P01': unreachable,
  '57P02': unreachable,
  '57P03': unreachable,
  '57P05': unreachable,
  XX001: 'The database is damaged',
  XX002: 'The database is damaged',
  CONNECTION_CLOSED: unreachable,
  CONNECTION_ENDED: unreachable,
  CONNECTION_DESTROYED: unreachable,
  CONNECT_TIMEOUT: unreachable,
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  ECONNABORTED: unreachable,
  EPIPE: unreachable,
  ETIMEDOUT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
}

function postgres(code: string): string | undefined {
  return states[code] ?? (/^[0-9A-Z]{5}$/.test(code) ? states[code.slice(0, 2)] : undefined)
}

/** Deno's SQLite gives no code when it cannot open a file, nor the driver `pg` when a connection is lost. */
function uncoded(message: string): string | undefined {
  // What a host's dialect makes of a full disk, on which SQLite rolls back by itself.
  if (message.includes('no transaction is active')) return 'The database gave the transaction up'
  if (message.startsWith('unable to open database file')) return sqlite[14]
  const lost = /^Connection terminated|^timeout exceeded when trying to connect|is not queryable$/
  return lost.test(message) ? unreachable : undefined
}
