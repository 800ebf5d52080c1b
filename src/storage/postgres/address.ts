import { AddressError } from './address-error.ts'
import { readParameters, type ConnectionParameters } from './connection-parameters.ts'

/** One place where a server may listen: a port of a host, or a Unix socket in the folder `host`. */
export interface Place {
  readonly host: string
  readonly port: number | undefined
}

/** The parts of a PostgreSQL address. The driver's defaults, such as the variable PGHOST, fill in what is undefined. */
export interface Address extends ConnectionParameters {
  readonly places: readonly Place[]
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
}

const form = 'must have the form postgres://user:password@host:5432/database'

/** The user part reaches to the last @ before the path. */
const parts =
  /^postgres(?:ql)?:\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/i

const place = /^(?:\[(?<literal>[\da-f:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{0,5}))?$/i

function decoded(text: string | undefined, name: string): string | undefined {
  if (!text) return undefined
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new AddressError(`must write a % in its ${name} as %25`, { cause })
  }
}

function readPlace(text: string): Place {
  const { literal, name, port } = place.exec(text)?.groups ?? {}
  const host = literal ?? decoded(name, 'host')
  if (host === undefined || Number(port ?? 0) > 65_535) throw new AddressError(form)
  return { host, port: port ? Number(port) : undefined }
}

/** Without its escape, a / or ? in a password ends the host part too early. The rest of the password then stands behind it. */
function checkEscapes({ database = '', query = '' }: Readonly<Record<string, string | undefined>>): void {
  const names = query.split('&').map((pair) => pair.split('=', 1)[0])
  if (`${database}${names.join('')}`.includes('@'))
    throw new AddressError('must write / as %2F, ? as %3F and @ as %40 in its user and password')
}

/**
 * Reads an address of libpq's form, https://www.postgresql.org/docs/current/libpq-connect.html. The empty text leaves
 * everything to the driver's defaults.
 *
 * @throws {AddressError} that names the part at fault, never its value.
 */
export function readAddress(text: unknown): Address {
  const found = text === '' ? {} : typeof text === 'string' ? parts.exec(text)?.groups : undefined
  if (found === undefined) throw new AddressError(form)
  checkEscapes(found)
  const { login = '', hosts = '', database, query = '' } = found
  const [user, ...password] = login.split(':')
  const places = hosts === '' ? [] : hosts.split(',').map(readPlace)
  const parameters = readParameters(new URLSearchParams(query))
  return {
    ...parameters,
    places:
      parameters.socketFolder === undefined ? places : [{ host: parameters.socketFolder, port: undefined }],
    user: decoded(user, 'user'),
    password: decoded(password.join(':'), 'password'),
    database: decoded(database, 'database'),
  }
}

/** The address for messages: without user, password and parameters. */
export function shownAddress(text: string): string {
  const { hosts = '', database = '' } = parts.exec(text)?.groups ?? {}
  return `postgres://${hosts}/${database}`
}
