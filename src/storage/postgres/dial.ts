import { connect, type Socket } from 'node:net'
import type { Place } from './address.ts'

const defaultPort = 5432

/** The driver gives up with a code of its own, which `storage/errors.ts` knows. */
function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}

/** The file system answers for a Unix socket without a server, or one that is not for this user. */
function asRefusal(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'EACCES' ? failure(error.message, 'ECONNREFUSED') : error
}

/** Rejects if the host refuses, or is silent for so many seconds. */
function dial({ host, port = defaultPort }: Place, seconds: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(asRefusal(error))
    }
    const timer = setTimeout(() => fail(failure('No answer in time', 'CONNECT_TIMEOUT')), seconds * 1000)
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      // The driver takes the name for TLS from here.
      resolve(Object.assign(socket, { host, port }))
    })
  })
}

/** The driver's options, as it hands them to a maker of sockets. It asks for the next socket while they list several hosts. */
interface DriverOptions {
  host: readonly string[]
  readonly port: readonly number[]
}

function placesOf({ host: hosts, port: ports }: DriverOptions): readonly Place[] {
  return hosts.map((host, at) => ({ host, port: ports[at] }))
}

const [one, several] = [['host'], ['host', 'next host']]

/**
 * Makes sockets for one connection of the driver, which would try the hosts of an address in turn without end. Here each host
 * is tried once. Without places they are those that the driver has from its variables, such as PGHOST. With `hasTarget` the
 * driver asks for the next socket if a server is not of the kind that the address asks for.
 */
export function dialler(
  places: readonly Place[],
  seconds: number,
  hasTarget: boolean,
): (options: DriverOptions) => Promise<Socket> {
  let known: Place[] | undefined
  return async (options) => {
    const left = (known ??= [...(places.length > 0 ? places : placesOf(options))])
    let last: unknown = failure('No server is of the wanted kind', 'NO_SUCH_SERVER')
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      try {
        const socket = await dial(next, seconds)
        options.host = hasTarget || left.length > 0 ? several : one
        return socket
      } catch (error) {
        last = error
      }
    }
    options.host = one
    throw last
  }
}
