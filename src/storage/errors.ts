import { LicensingError } from '../core/errors.ts'

/** The kinds of database error that the storages treat differently. */
export type ErrorKind =
  /** A unique index refused the write. */
  | 'unique'
  /** The record belongs to one that does not exist. */
  | 'foreign key'
  /** Another process holds the lock of an SQLite file. */
  | 'busy'
  /** The database rolled the work back in favour of other work: a deadlock or a serialization failure. */
  | 'undone'

interface KnownError {
  readonly kind?: ErrorKind
  /** The reason for people, if neither we nor the caller are at fault. It names no path and no value. */
  readonly sentence?: string
}

const locked = 'The database is locked by another process'
const noFile = 'The database file cannot be opened: its folder is missing, or access is refused'
const unreachable: KnownError = { sentence: 'The database does not answer' }
const undone = 'The database gave the work up in favour of other work, again and again'
const damaged: KnownError = { sentence: 'The database is damaged' }

/**
 * Every error that the storages know, by code: SQLite's result codes, PostgreSQL's SQLSTATEs (whole, or by their class of two
 * characters), and the codes that drivers have for a connection.
 */
const knownErrors: Readonly<Record<string, KnownError>> = {
  // https://sqlite.org/rescode.html
  SQLITE_BUSY: { kind: 'busy', sentence: locked },
  SQLITE_LOCKED: { sentence: locked },
  SQLITE_READONLY: { sentence: 'The database file is read-only' },
  SQLITE_IOERR: { sentence: 'The database file cannot be read or written (input/output error)' },
  SQLITE_CORRUPT: {
    sentence: 'The database file is damaged, or the log (-wal) of another file lies beside it',
  },
  SQLITE_FULL: { sentence: 'The disk is full' },
  SQLITE_CANTOPEN: { sentence: noFile },
  SQLITE_AUTH: { sentence: 'The database file cannot be opened: access is refused' },
  SQLITE_NOTADB: { sentence: 'The file is not an SQLite database' },
  SQLITE_CONSTRAINT_FOREIGNKEY: { kind: 'foreign key' },
  SQLITE_CONSTRAINT_PRIMARYKEY: { kind: 'unique' },
  SQLITE_CONSTRAINT_UNIQUE: { kind: 'unique' },

  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  '08': unreachable,
  23503: { kind: 'foreign key' },
  23505: { kind: 'unique' },
  25006: { sentence: 'The database takes no writes: it is a standby, or set read-only' },
  '25P03': { sentence: 'The database ended a transaction that stood still for too long' },
  '25P04': { sentence: 'The database ended a transaction that took too long' },
  28: { sentence: 'The database refuses the user or the password' },
  '3D': { sentence: 'The database does not exist' },
  40: { sentence: undone },
  40001: { kind: 'undone', sentence: undone },
  '40P01': { kind: 'undone', sentence: undone },
  42501: { sentence: 'The database user lacks a right that is needed' },
  53: { sentence: 'The database server is at its limit' },
  53100: { sentence: 'The disk of the database server is full' },
  53300: { sentence: 'The database server takes no more connections' },
  '55P03': { sentence: 'The database could not get a lock in time' },
  57014: { sentence: 'The database took too long' },
  '57P01': unreachable,
  '57P02': unreachable,
  '57P03': unreachable,
  '57P05': unreachable,
  58: { sentence: 'The database server cannot read or write its files' },
  XX001: damaged,
  XX002: damaged,

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
  NO_SUCH_SERVER: { sentence: 'No host of the address is a server of the kind in target_session_attrs' },
}

/** SQLite's result codes by number: some drivers have the number alone. */
const sqliteNames: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  23: 'SQLITE_AUTH',
  26: 'SQLITE_NOTADB',
  787: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
}

/** The keys of the table for one property of an error, the most specific first. */
function keysOf(value: unknown): readonly (string | undefined)[] {
  if (typeof value === 'string') {
    // Some drivers have only the extended name, such as `SQLITE_IOERR_WRITE`.
    if (value.startsWith('SQLITE_')) return [value, /^SQLITE_[A-Z]+/.exec(value)?.[0]]
    return /^[0-9A-Z]{5}$/.test(value) ? [value, value.slice(0, 2)] : [value]
  }
  // The last byte of an extended result code is the primary code. Codes of the operating system may be negative.
  return typeof value === 'number' && value > 0 ? [sqliteNames[value], sqliteNames[value & 0xff]] : []
}

/** Reads `code`, `errcode` and `errno`: each driver has its codes in other properties. */
function lookUp<Property extends keyof KnownError>(
  error: unknown,
  property: Property,
): KnownError[Property] | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, errcode, errno } = error as Readonly<Record<string, unknown>>
  // A number in `code` may not be SQLite's: that of a `TimeoutError` of the runtime is the number of SQLITE_AUTH.
  const values =
    property === 'sentence' && typeof code !== 'string' ? [errcode, errno] : [code, errcode, errno]
  for (const key of values.flatMap(keysOf)) {
    const found =
      key !== undefined && Object.hasOwn(knownErrors, key) ? knownErrors[key]?.[property] : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** The kind of a driver's error, or `undefined` for every other error. */
export function kindOf(error: unknown): ErrorKind | undefined {
  return lookUp(error, 'kind')
}

/** The messages that name a parameter at the start of a connection: PostgreSQL's, then PgBouncer's. */
const parameterName =
  /(?:configuration parameter|for parameter|^parameter) "([\w.]+)"|unsupported startup parameter(?: in options)?: ([\w.]+)/

/** The reason if a server refuses a parameter of a connection. Its message may hold the value, so only the name comes out. */
function describeParameter({ severity, severity_local: shown, message }: Refusal): string | undefined {
  // PgBouncer has the severity for people alone.
  if ((severity ?? shown) !== 'FATAL' || typeof message !== 'string') return undefined
  const [, inPostgres, inPooler] = parameterName.exec(message) ?? []
  if (inPooler !== undefined)
    return `The pooler refuses the startup parameter ${inPooler}: see "Poolers" in docs/storage.md`
  if (inPostgres !== undefined) return `The database refuses the parameter ${inPostgres} of its address`
  return message.startsWith('invalid command-line argument')
    ? 'The database refuses the parameter options of its address'
    : undefined
}

interface Refusal {
  readonly severity?: unknown
  readonly severity_local?: unknown
  readonly message?: unknown
}

/** One sentence for the message of an error without a code. */
function describeMessage(message: string): string | undefined {
  // SQLite rolls back by itself on a full disk; a host's dialect then fails to roll back.
  if (message.includes('no transaction is active')) return 'The database gave the transaction up'
  if (message.startsWith(cannotOpen)) return noFile
  if (/certificate/i.test(message)) return 'The certificate of the database server is not trusted'
  const lost = /^Connection terminated|^timeout exceeded when trying to connect|is not queryable$/
  return lost.test(message) ? unreachable.sentence : undefined
}

/** Deno gives this message, and no code, if it cannot open a file. The driver `pg` has no code for a lost connection. */
const cannotOpen = 'unable to open database file'

/**
 * The reason why a database does not do its work, if neither we nor the caller are at fault. The sentence names no path
 * and no value. `undefined` for every other error.
 */
export function describeOutage(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  // A pooler gives its refusals the class of lost connections.
  const sentence = describeParameter(error) ?? lookUp(error, 'sentence')
  if (sentence !== undefined) return sentence
  const { message } = error as { readonly message?: unknown }
  return typeof message === 'string' ? describeMessage(message) : undefined
}

/** True if the database rolled the work back in favour of other work, so that the work may run again. */
export function isUndone(error: unknown): boolean {
  return kindOf(error instanceof LicensingError ? error.cause : error) === 'undone'
}

export function goneError(cause?: unknown): LicensingError {
  return new LicensingError('not_found', 'What the record belongs to no longer exists', { cause })
}

export function takenError(cause?: unknown): LicensingError {
  return new LicensingError('conflict', 'The id or another unique value of the record is taken', { cause })
}

/** The `LicensingError` for a driver's error. Any other error comes back unchanged. */
export function toLicensingError(error: unknown): unknown {
  if (error instanceof LicensingError) return error
  const kind = kindOf(error)
  if (kind === 'foreign key') return goneError(error)
  if (kind === 'unique') return takenError(error)
  const outage = describeOutage(error)
  return outage === undefined ? error : new LicensingError('unavailable', outage, { cause: error })
}

/** True for an error of SQLite on any runtime: `errno` on Bun, `errcode` on Deno and Node. */
function isFromSqlite(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { errno, errcode } = error as { readonly errno?: unknown; readonly errcode?: unknown }
  return typeof errcode === 'number' || typeof errno === 'number' || error.message.startsWith(cannotOpen)
}

/** The reason why SQLite could not open a database, in one sentence that names no path. Any other error unchanged. */
export function toOpenError(error: unknown): unknown {
  if (error instanceof LicensingError || !isFromSqlite(error)) return error
  const reason = describeOutage(error) ?? 'The database file cannot be opened'
  return new LicensingError('unavailable', reason, { cause: error })
}
