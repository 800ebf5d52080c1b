import { AddressError } from './address-error.ts'
import { readTls, tlsParameters, type Tls } from './tls.ts'

/** The parameters behind the `?` of a PostgreSQL address. */
export interface ConnectionParameters {
  /** `undefined` leaves it to the driver. */
  readonly tls: Tls | undefined
  /** True if the server is a pooler that passes each transaction to another connection. */
  readonly isPooled: boolean
  /** False if statements must not be prepared. */
  readonly prepare: boolean
  /** Seconds until a host counts as silent. */
  readonly connectSeconds: number
  /** The folder of a Unix socket, if `host` names one. Cloud providers write it so. */
  readonly socketFolder: string | undefined
  /** The kind of server to look for. */
  readonly target: string | undefined
  /** The parameters that the server gets when a connection starts, by name. */
  readonly startup: Readonly<Record<string, string>>
}

type Given = Readonly<Record<string, string | undefined>>

/** Parameters of this file, and of no server. */
const own = [
  'host',
  'pgbouncer',
  'prepare',
  'statement_cache_size',
  'connect_timeout',
  'target_session_attrs',
  'schema',
  'client_encoding',
]

/** Parameters of other programs and drivers. They say nothing that this driver could do, so it does without them. */
const passedOver = new Set([
  // libpq. The driver has no channel binding: `sslmode=verify-full` makes sure who answers.
  ...[
    'channel_binding',
    'fallback_application_name',
    'gssencmode',
    'krbsrvname',
    'gsslib',
    'load_balance_hosts',
  ],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout'],
  ...['sslcompression', 'sslsni'],
  // Prisma, Supabase, Vercel, pgx and postgres.js.
  ...[
    'connection_limit',
    'pool_timeout',
    'socket_timeout',
    'max_idle_connection_lifetime',
    'supa',
    'workaround',
  ],
  ...['single_use_connections', 'uselibpqcompat', 'pool_mode', 'pool_size', 'pool_max_conns'],
  ...['max', 'idle_timeout', 'max_lifetime', 'max_pipeline', 'backoff', 'keep_alive', 'debug', 'fetch_types'],
])

/** Parameters that name who connects, or to what. libpq takes them from here too, but one place is enough. */
const elsewhere = ['hostaddr', 'port', 'user', 'password', 'dbname', 'passfile', 'service']

const targets = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby']

const defaultConnectSeconds = 5

/** A timer takes no more milliseconds than 31 bits hold. */
const mostConnectSeconds = 2_000_000

function oneOf(given: Given, name: string, values: readonly string[]): string | undefined {
  const value = given[name]
  if (value === undefined || values.includes(value)) return value
  throw new AddressError(`must have one of ${values.join(', ')} as its ${name}`)
}

function flag(given: Given, name: string): boolean | undefined {
  const value = oneOf(given, name, ['true', 'false'])
  return value === undefined ? undefined : value === 'true'
}

/** As in libpq, 0 and less set no limit of their own. Then the default holds, because no call may wait forever. */
function connectSeconds({ connect_timeout: text = '0' }: Given): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new AddressError('must have whole seconds as its connect_timeout')
  const seconds = Number(text)
  return seconds > 0 ? Math.min(seconds, mostConnectSeconds) : defaultConnectSeconds
}

/** Text is UTF-8 on the whole way. PostgreSQL also calls it Unicode. */
function checkEncoding({ client_encoding: name = 'UTF8' }: Given): void {
  if (!/^'?(utf[-_]?8|unicode)'?$/i.test(name))
    throw new AddressError('must have UTF8 as its client_encoding')
}

/** A text of another form may be a piece of a password, so no message repeats it. */
function checkNames(names: readonly string[]): void {
  if (!names.every((name) => /^[a-z_][\w.]{0,62}$/i.test(name)))
    throw new AddressError('must name its parameters by letters, digits, dots and underscores')
  const misplaced = names.find((name) => elsewhere.includes(name))
  if (misplaced !== undefined)
    throw new AddressError(`must not have the parameter ${misplaced}: its place is before the ?`)
}

function socketFolder({ host }: Given): string | undefined {
  if (host === undefined || host.startsWith('/')) return host
  throw new AddressError('must have its host before the ?, unless it is the folder of a Unix socket')
}

function startupParameters(given: Given): Readonly<Record<string, string>> {
  const isStartup = ([name]: readonly [string, unknown]): boolean =>
    !passedOver.has(name) && !own.includes(name) && !tlsParameters.includes(name)
  const passed = Object.entries(given).filter(isStartup) as [string, string][]
  const { schema = 'public' } = given
  // `public` is where the tables are anyway, and a pooler may refuse the parameter.
  const path = schema === 'public' ? [] : [['search_path', `"${schema.replaceAll('"', '""')}"`] as const]
  return Object.fromEntries([...path, ...passed])
}

/**
 * A parameter without a value counts as absent: a template writes it if its variable is empty.
 *
 * @throws {AddressError} that names the parameter at fault, never its value.
 */
export function readParameters(query: URLSearchParams): ConnectionParameters {
  const given: Given = Object.fromEntries(
    [...query].filter(([name, value]) => value !== '' || !/^\w+$/.test(name)),
  )
  checkNames(Object.keys(given))
  checkEncoding(given)
  const isPooled = flag(given, 'pgbouncer') === true
  const target = oneOf(given, 'target_session_attrs', targets)
  return {
    tls: readTls(given),
    isPooled,
    prepare: !isPooled && flag(given, 'prepare') !== false && given['statement_cache_size'] !== '0',
    connectSeconds: connectSeconds(given),
    socketFolder: socketFolder(given),
    target: target === 'any' ? undefined : target,
    startup: startupParameters(given),
  }
}
