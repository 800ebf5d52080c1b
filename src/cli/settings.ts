import { checkIssuer, type WebhookOptions } from '../core/options.ts'
import type { SigningOptions } from '../core/keys/signing-queue.ts'
import { maxQueueLimit } from '../core/runtime/delivery-queues.ts'
import { AddressError } from '../storage/postgres/address-error.ts'
import { readAddress, shownAddress } from '../storage/postgres/address.ts'
import { CliError } from './errors.ts'

/** The environment of the process. */
export type Environment = Readonly<Record<string, string | undefined>>

const ownNames = /^(HEARTWOOD_\w+|HOST|PORT)$/

/** Takes white space and byte order marks off both ends: a file with Windows line ends leaves a carriage return in each value. */
export function trimmed(environment: Environment): Environment {
  const entries = Object.entries(environment)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, ownNames.test(name) ? value?.trim() : value]),
  )
}

/**
 * A master key has stricter rules of its own.
 *
 * @throws {CliError} for a value that can only be a mistake. It shows no value, because one may be a secret.
 */
function requirePlain(environment: Environment): void {
  for (const [name, value = ''] of Object.entries(environment)) {
    if (!ownNames.test(name) || name === 'HEARTWOOD_MASTER_KEY') continue
    if (/\p{Cc}/u.test(value))
      throw new CliError(`${name} contains a control character, such as a line break`)
    if (/^(["'`]).*\1$/.test(value)) throw new CliError(`${name} is in quotation marks: remove them`)
  }
}

const logFormats = ['json', 'pretty', 'off'] as const

export type LogFormat = (typeof logFormats)[number]

/** The settings that every command needs to open the database. */
export interface CliSettings {
  /** An SQLite file or a PostgreSQL address. An address may hold a password: show it by {@link shownDatabase}. */
  readonly database: string
  /** The text of HEARTWOOD_MASTER_KEY. */
  readonly masterKey: string | undefined
  /** The path in HEARTWOOD_MASTER_KEY_FILE. */
  readonly masterKeyFile: string | undefined
  /** The `iss` of new apps' tokens. If it is undefined, core uses its default. */
  readonly issuer: string | undefined
  readonly log: LogFormat
  /** The most events that wait for the webhook of an app. If it is undefined, core uses its default. */
  readonly queueLimit: number | undefined
}

/** The address and port of the server. */
export interface ListenAddress {
  readonly port: number
  readonly host: string
  /** The variables that chose it. A shell may have set `HOST` for itself. */
  readonly variables?: readonly string[]
  /** The flag or variable with which another port is chosen; default `--port`. */
  readonly setting?: string
}

/** Reads a port number. With 0 the system chooses a free port. @throws {Error} if the text is not a port. */
export function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity
  if (port > 65_535) throw new Error('a port is a number from 0 to 65535')
  return port
}

/** True for a PostgreSQL address, false for an SQLite file. */
export function isPostgres(database: string): boolean {
  return /^postgres(ql)?:/i.test(database)
}

/** The database for messages: an address loses its user, password and options. */
export function shownDatabase(database: string): string {
  return isPostgres(database) ? shownAddress(database) : database
}

function parseAddress(database: string): string {
  try {
    readAddress(database)
    return database
  } catch (error) {
    if (error instanceof AddressError) throw new CliError(`The PostgreSQL address ${error.rule}`)
    throw error
  }
}

/** @throws {CliError} without the text, because an address may hold a password. */
function parseDatabase(database: string): string {
  if (isPostgres(database)) return parseAddress(database)
  if (database.includes('://') || database === ':memory:' || /\p{Cc}/u.test(database))
    throw new CliError(
      'The database must be an SQLite file, such as heartwood.db, or an address, such as postgres://…',
    )
  return database
}

function readLogFormat(text: string): LogFormat {
  const format = logFormats.find((known) => known === text)
  if (format === undefined) throw new CliError(`HEARTWOOD_LOG must be one of ${logFormats.join(', ')}`)
  return format
}

/** @throws {CliError} for an empty text: another program failed to fill it in, so it must not count as unset. */
function readSecret(environment: Environment, name: string): string | undefined {
  const text = environment[name]
  if (text === '') throw new CliError(`${name} is set, but empty`)
  return text
}

/** Returns `undefined` if the variable is not set. @throws {CliError} */
function parseIssuer(environment: Environment): string | undefined {
  const text = environment.HEARTWOOD_ISSUER || undefined
  try {
    return text === undefined ? undefined : checkIssuer(text)
  } catch (cause) {
    throw new CliError('HEARTWOOD_ISSUER must be 1 to 255 characters without control characters', { cause })
  }
}

/** Reads the most events that wait in the queue of one app. Returns `undefined` for the default. @throws {CliError} */
function readQueueLimit(environment: Environment): number | undefined {
  const text = environment.HEARTWOOD_WEBHOOK_QUEUE_LIMIT || undefined
  if (text === undefined) return undefined
  const limit = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : Infinity
  if (limit <= maxQueueLimit) return limit
  throw new CliError(
    `HEARTWOOD_WEBHOOK_QUEUE_LIMIT must be the most events of an app that wait, from 1 to ${maxQueueLimit}`,
  )
}

/**
 * Reads the settings that every command needs. A flag wins over the environment.
 *
 * @throws {CliError} that names the wrong setting.
 */
export function readSettings(
  environment: Environment,
  flags: { readonly database?: string | undefined } = {},
): CliSettings {
  requirePlain(environment)
  const masterKey = readSecret(environment, 'HEARTWOOD_MASTER_KEY')
  const masterKeyFile = readSecret(environment, 'HEARTWOOD_MASTER_KEY_FILE')
  if (masterKey !== undefined && masterKeyFile !== undefined)
    throw new CliError('Set HEARTWOOD_MASTER_KEY or HEARTWOOD_MASTER_KEY_FILE, not both')
  return {
    database: parseDatabase(flags.database || environment.HEARTWOOD_DATABASE || 'heartwood.db'),
    masterKey,
    masterKeyFile,
    issuer: parseIssuer(environment),
    log: readLogFormat(environment.HEARTWOOD_LOG || 'pretty'),
    queueLimit: readQueueLimit(environment),
  }
}

function environmentPort(environment: Environment): number {
  try {
    return readPort(environment.PORT || '4000')
  } catch (cause) {
    throw new CliError('PORT must be a number from 0 to 65535', { cause })
  }
}

/** Reads the address to listen on. A flag wins over the environment. @throws {CliError} that names the wrong setting. */
export function readListenAddress(
  environment: Environment,
  flags: { readonly port?: number | undefined; readonly host?: string | undefined } = {},
): ListenAddress {
  return {
    port: flags.port ?? environmentPort(environment),
    host: flags.host || environment.HOST || '127.0.0.1',
    variables: [
      ...(environment.HOST && !flags.host ? ['HOST'] : []),
      ...(environment.PORT && flags.port === undefined ? ['PORT'] : []),
    ],
  }
}

/** Reads the number of tokens to sign at the same time. @throws {CliError} */
export function readSigning(environment: Environment): SigningOptions {
  const text = environment.HEARTWOOD_SIGNING || 'spare'
  if (text === 'spare') return {}
  if (text === 'all') return { concurrency: 'all' }
  if (/^[1-9]\d{0,2}$/.test(text)) return { concurrency: Number(text) }
  throw new CliError(
    'HEARTWOOD_SIGNING must be "spare", "all" (every core), or the number of tokens to sign at the same time',
  )
}

/** Reads the days for which the audit log is kept; `null` for ever. @throws {CliError} */
export function readAuditDays(environment: Environment): number | null {
  const text = environment.HEARTWOOD_AUDIT_DAYS || undefined
  if (text === undefined) return null
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= 36_500) return days
  throw new CliError('HEARTWOOD_AUDIT_DAYS must be a number of days from 1 to 36500')
}

/** Reads the targets that webhooks may have. @throws {CliError} */
export function readWebhooks(environment: Environment): WebhookOptions {
  const text = environment.HEARTWOOD_PRIVATE_WEBHOOKS || 'refuse'
  if (text === 'refuse' || text === 'allow') return { allowPrivateTargets: text === 'allow' }
  throw new CliError(
    'HEARTWOOD_PRIVATE_WEBHOOKS must be "refuse", or "allow" for http and private addresses in development',
  )
}
