import type { WebhookOptions } from '../core/licensing.ts'
import type { SigningOptions } from '../core/keys/signing-queue.ts'
import { Refusal } from './refusal.ts'

/** The environment of the process. */
export type Environment = Readonly<Record<string, string | undefined>>

const logFormats = ['json', 'pretty', 'off'] as const

/** How log lines are written. */
export type LogFormat = (typeof logFormats)[number]

/** Where the records are, and what opens them. */
export interface Settings {
  /** An SQLite file, or an address of PostgreSQL, which may hold a password: see {@link shownDatabase}. */
  readonly database: string
  /** The text of HEARTWOOD_MASTER_KEY. */
  readonly masterKey: string | undefined
  /** The path in HEARTWOOD_MASTER_KEY_FILE. */
  readonly masterKeyFile: string | undefined
  /** The `iss` of new apps' tokens; without it, core's default. */
  readonly issuer: string | undefined
  readonly log: LogFormat
}

/** Where the server listens. */
export interface Address {
  readonly port: number
  readonly host: string
}

/** A port's number; 0 lets the system choose one. @throws {Error} when it is none. */
export function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity
  if (port > 65_535) throw new Error('a port is a number from 0 to 65535')
  return port
}

/** Whether a database is PostgreSQL's; otherwise it is an SQLite file. */
export function isPostgres(database: string): boolean {
  return /^postgres(ql)?:/i.test(database)
}

/** A database as it may be shown: an address without user, password and options. */
export function shownDatabase(database: string): string {
  if (!isPostgres(database)) return database
  const { host, pathname } = new URL(database)
  return `postgres://${host}${pathname}`
}

/** @throws {Refusal} for what is neither. An address may hold a password, so it is not repeated. */
function checkDatabase(database: string): string {
  if (isPostgres(database)) {
    if (/^[^:]+:\/\//.test(database) && URL.canParse(database)) return database
    throw new Refusal(
      'The address of PostgreSQL is written as in postgres://user:password@host:5432/database',
    )
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(database) || database === ':memory:')
    throw new Refusal(
      'The database is an SQLite file, such as heartwood.db, or an address such as postgres://…',
    )
  return database
}

function readLogFormat(text: string): LogFormat {
  const format = logFormats.find((known) => known === text)
  if (format === undefined) throw new Refusal(`HEARTWOOD_LOG is one of ${logFormats.join(', ')}`)
  return format
}

/** @throws {Refusal} An empty key is a mistake upstream, and must not pass for none. */
function readSecret(environment: Environment, name: string): string | undefined {
  const text = environment[name]
  if (text === '') throw new Refusal(`${name} is set, but empty`)
  return text
}

/** Reads what every command needs. A flag beats the environment. @throws {Refusal} saying which setting is wrong. */
export function readSettings(
  environment: Environment,
  flags: { readonly database?: string | undefined } = {},
): Settings {
  const masterKey = readSecret(environment, 'HEARTWOOD_MASTER_KEY')
  const masterKeyFile = readSecret(environment, 'HEARTWOOD_MASTER_KEY_FILE')
  if (masterKey !== undefined && masterKeyFile !== undefined)
    throw new Refusal('Set HEARTWOOD_MASTER_KEY or HEARTWOOD_MASTER_KEY_FILE, not both')
  return {
    database: checkDatabase(flags.database || environment.HEARTWOOD_DATABASE || 'heartwood.db'),
    masterKey,
    masterKeyFile,
    issuer: environment.HEARTWOOD_ISSUER || undefined,
    log: readLogFormat(environment.HEARTWOOD_LOG || 'pretty'),
  }
}

function environmentPort(environment: Environment): number {
  try {
    return readPort(environment.PORT || '4000')
  } catch (cause) {
    throw new Refusal('PORT must be a number from 0 to 65535', { cause })
  }
}

/** Reads where to listen. A flag beats the environment. @throws {Refusal} saying which setting is wrong. */
export function readAddress(
  environment: Environment,
  flags: { readonly port?: number | undefined; readonly host?: string | undefined } = {},
): Address {
  return {
    port: flags.port ?? environmentPort(environment),
    host: flags.host || environment.HOST || '127.0.0.1',
  }
}

/** Reads how many tokens are signed at once. @throws {Refusal} */
export function readSigning(environment: Environment): SigningOptions {
  const text = environment.HEARTWOOD_SIGNING || 'spare'
  if (text === 'spare') return {}
  if (text === 'all') return { concurrency: 'all' }
  if (/^[1-9]\d{0,2}$/.test(text)) return { concurrency: Number(text) }
  throw new Refusal('HEARTWOOD_SIGNING is "all", for every core, or how many tokens are signed at once')
}

/** Reads where webhooks may go. @throws {Refusal} */
export function readWebhooks(environment: Environment): WebhookOptions {
  const text = environment.HEARTWOOD_PRIVATE_WEBHOOKS || 'refuse'
  if (text === 'refuse' || text === 'allow') return { allowPrivateTargets: text === 'allow' }
  throw new Refusal(
    'HEARTWOOD_PRIVATE_WEBHOOKS is "allow", for http and private addresses in development, or "refuse"',
  )
}
