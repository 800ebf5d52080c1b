import { getLogger } from '@logtape/logtape'
import { readFileSync } from 'node:fs'
import type { Server as HttpServer } from 'node:http'
import type { Server as SocketServer } from 'node:net'
import type { ServerHandler, ServerRequest } from 'srvx'
import { serve as serveOnBun } from 'srvx/bun'
import { serve as serveOnNode } from 'srvx/node'
import type { DirectPath } from '../adapters/direct-path.ts'
import { takeUnreadBody } from '../adapters/node-body.ts'
import { CliError } from './errors.ts'
import { bunRoutes, showSentPath } from './sent-path.ts'
import type { ListenAddress } from './settings.ts'

/** The times after which a listener closes a connection, in milliseconds. */
export interface ConnectionTimeouts {
  /** For the head of a request. Bun's is fixed: 12 seconds before a first request, and `idleMs` before any other. */
  readonly headMs: number
  /** For the body of a request, if nobody reads it. */
  readonly bodyMs: number
  /** Between two requests. Bun's largest is 255 seconds. */
  readonly idleMs: number
}

/** A server that listens on a port. */
export interface Listener {
  /** Without a slash at its end. */
  readonly url: string
  /** Accepts no more connections. Resolves when the open requests are done, or cuts them. */
  close(options?: { readonly cut: boolean }): Promise<void>
}

/** The functions that respond to the requests of a listener. */
export interface Handlers {
  readonly fetch: ServerHandler
  /** A path whose requests need not pass through `fetch`. */
  readonly direct?: DirectPath
}

interface AddressReader {
  requestIP(request: Request): { readonly address: string } | null
}

/** Any server of Bun, because each reads the address from the request. To note it in every request would cost more than that. */
let anyBunServer: AddressReader | undefined

function noteBunServer(server: AddressReader | undefined): void {
  anyBunServer = server
}

/** Load balancers keep an idle connection for a minute. The server must not be the first to close it. */
export const connectionTimeouts: ConnectionTimeouts = { headMs: 15_000, bodyMs: 30_000, idleMs: 75_000 }

const log = getLogger(['heartwood', 'cli'])

/** The time between two looks for connections that are too slow. */
const checkMs = 1000

/** The connections that the system holds until the server accepts them. */
const waitingConnections = 128

/** The time between two warnings that no connection is left. */
const warningMs = 60_000

/** The largest that macOS allows by default. Windows has no limit. */
const openFilesElsewhere = 10_240

/** Each runtime has already raised its limit as far as the system lets it. */
function openFilesLimit(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return limit === undefined ? openFilesElsewhere : Number(limit)
  } catch {
    return openFilesElsewhere
  }
}

/**
 * Leaves files for the database, webhooks, and all that wait: Deno accepts those before it closes one. After its last file,
 * Deno stops accepting for good.
 */
function connectionLimit(): number {
  const files = openFilesLimit()
  return files - Math.min(4 * waitingConnections, Math.ceil(files * 0.75))
}

function limitConnections(server: SocketServer): void {
  const most = connectionLimit()
  let open = 0
  let warnedAt = -Infinity
  server.on('connection', (socket) => {
    open += 1
    socket.once('close', () => (open -= 1))
    if (open <= most) return
    socket.destroy()
    if (performance.now() - warnedAt < warningMs) return
    warnedAt = performance.now()
    log.warn('All {most} connections are taken: the server closes new ones at once', { most })
  })
}

/** Heartwood alone stops the server and limits bodies, because Bun's own response to a larger body is empty. */
const common = { manual: true, silent: true, gracefulShutdown: false } as const

function bunServer(
  { fetch, direct }: Handlers,
  { port, host }: ListenAddress,
  { idleMs }: ConnectionTimeouts,
) {
  const server: ReturnType<typeof serveOnBun> = serveOnBun({
    ...common,
    fetch,
    port,
    hostname: host,
    bun: {
      idleTimeout: Math.ceil(idleMs / 1000),
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // srvx would define three properties on each request, which cost as much as a look-up.
      routes: bunRoutes(fetch, direct ?? null, noteBunServer),
    },
  })
  return server
}

/** The address of the socket that a request of a listener arrived on. */
export function socketAddressOf(request: Request): string | undefined {
  return anyBunServer === undefined ? (request as ServerRequest).ip : anyBunServer.requestIP(request)?.address
}

/** For Deno too, because `Deno.serve` never closes a silent connection, and ends the process after its last open file. */
function nodeServer(
  { fetch, direct }: Handlers,
  { port, host }: ListenAddress,
  timeouts: ConnectionTimeouts,
) {
  const { headMs, bodyMs, idleMs } = timeouts
  const node = {
    headersTimeout: headMs,
    requestTimeout: headMs + bodyMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: checkMs,
    backlog: waitingConnections,
  }
  const withSentPath: ServerHandler = (request) => {
    const sent = showSentPath(request)
    return (sent === null ? null : direct?.respond(request, sent)) ?? fetch(request)
  }
  const server = serveOnNode({ ...common, fetch: withSentPath, port, hostname: host, node })
  const http = server.node?.server as HttpServer
  limitConnections(http)
  http.on('request', (request, response) => takeUnreadBody(request, response, bodyMs))
  // Without a handler, a connection that the system does not hand over would end the process.
  http.on('listening', () => http.on('error', (error) => log.warn('No connection: {error}', { error })))
  return server
}

function listenFailure(
  error: unknown,
  { port, host, setting = '--port', variables = [] }: ListenAddress,
): CliError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  const isTaken = code === 'EADDRINUSE' || (error as Error).name === 'AddrInUse'
  const advice = variables.length === 0 ? '' : `; unset ${variables.join(' and ')}, or pass --host and --port`
  const reason = isTaken
    ? `another program listens there; choose another with ${setting}`
    : `${code}${advice}`
  return new CliError(`Cannot listen on ${host} port ${port}: ${reason}`, { cause: error })
}

/** Resolves as soon as it listens. @throws {CliError} if it cannot listen. */
export async function startListener(
  handlers: Handlers,
  address: ListenAddress,
  timeouts: ConnectionTimeouts = connectionTimeouts,
): Promise<Listener> {
  const makeServer = 'Bun' in globalThis ? bunServer : nodeServer
  try {
    const server = makeServer(handlers, address, timeouts)
    await server.serve()
    const url = String(server.url).replace(/\/$/, '')
    return { url, close: async (options) => server.close(options?.cut) }
  } catch (error) {
    throw listenFailure(error, address)
  }
}
