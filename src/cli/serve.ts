import { getLogger } from '@logtape/logtape'
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { serve as listen, type BunFetchHandler, type Server } from 'srvx'
import type { ServerOptions } from '../adapters/elysia.ts'
import { apiServer, metricsServer } from '../adapters/elysia-server.ts'
import { createHttpService } from '../adapters/http/service.ts'
import { version } from '../adapters/version.ts'
import type { Licensing, WebhookOptions } from '../core/licensing.ts'
import type { SigningOptions } from '../core/keys/signing-queue.ts'
import { startDelivery } from '../webhooks/index.ts'
import { withDatabase, type OpenDatabase } from './database.ts'
import { printSecret } from './keys.ts'
import type { Output } from './terminal/output.ts'
import { CliError } from './errors.ts'
import { bunRoutes, showSentPath } from './sent-path.ts'
import type { CliSettings, ListenAddress } from './settings.ts'

/** The time that open requests have to finish after a signal to stop. */
const stopTimeoutMs = 10_000

/** Longer than Bun's default of 10 s, which would cut a rotation that waits for its primes. */
const idleSeconds = 60

/** Two apps in a row are created without a wait. The pairs exist in memory only. */
const keyPool = 2

export interface ServeOptions {
  readonly address: ListenAddress
  readonly options: ServerOptions
  /** The port of the metrics, if it is not the one of the API. */
  readonly metricsPort: number | undefined
  readonly signing: SigningOptions
  readonly webhooks: WebhookOptions
}

type Listeners = Pick<ServeOptions, 'address' | 'options' | 'metricsPort'>

const logger = getLogger(['heartwood', 'cli'])

/** An app of Elysia. */
interface App {
  fetch(request: Request): Response | Promise<Response>
}

function createServer(app: App, { port, host }: ListenAddress): Server {
  const server: Server = listen({
    fetch: (request) => {
      showSentPath(request)
      return app.fetch(request)
    },
    port,
    hostname: host,
    manual: true,
    silent: true,
    gracefulShutdown: false,
    // Heartwood limits bodies itself, because Bun's own response to a larger body is empty.
    bun: {
      idleTimeout: idleSeconds,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      routes: bunRoutes((request, bun) => (server.fetch as BunFetchHandler)(request, bun)),
    },
  })
  return server
}

function listenFailure(
  error: unknown,
  { port, host, variables = [] }: ListenAddress,
  setting: string,
): CliError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  const isTaken = code === 'EADDRINUSE' || (error as Error).name === 'AddrInUse'
  const advice = variables.length === 0 ? '' : `; unset ${variables.join(' and ')}, or pass --host and --port`
  const reason = isTaken
    ? `another program listens there; choose another with ${setting}`
    : `${code}${advice}`
  return new CliError(`Cannot listen on ${host} port ${port}: ${reason}`, { cause: error })
}

/** Resolves as soon as the server listens. @throws {CliError} if it cannot listen. */
async function startServer(app: App, address: ListenAddress, setting: string): Promise<Server> {
  try {
    const server = createServer(app, address)
    await server.serve()
    return server
  } catch (error) {
    throw listenFailure(error, address, setting)
  }
}

/** Starts the server of the API and, if the metrics have a port of their own, theirs. @throws {CliError} */
async function startServers(
  licensing: Licensing,
  { address, options, metricsPort }: Listeners,
): Promise<readonly [api: Server, metrics: Server | null]> {
  const service = createHttpService(licensing, options)
  const { metrics } = service
  if (metrics === null || metricsPort === undefined)
    return [await startServer(apiServer(service, options), address, '--port'), null]
  const api = await startServer(apiServer(service, { ...options, metrics: false }), address, '--port')
  const metricsAddress = { ...address, port: metricsPort }
  return [api, await startServer(metricsServer(service, metrics), metricsAddress, 'HEARTWOOD_METRICS_PORT')]
}

/** Makes the first API key and prints it, only this once. */
async function printFirstKey({ licensing }: OpenDatabase, output: Output): Promise<void> {
  const first = await licensing.apiKeys.createFirst()
  if (first === null) return
  const text = `Your secret API key, shown only this once:\n\n  ${first.secret}\n`
  await printSecret(licensing, first, text, output)
}

async function signalToStop(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
}

/** Refuses new requests and lets the open ones finish, but cuts those that take too long. */
async function stopServer(server: Server): Promise<void> {
  const timer = new AbortController()
  const isDone = await Promise.race([
    server.close().then(() => true),
    setTimeout(stopTimeoutMs, false, { signal: timer.signal }),
  ])
  timer.abort()
  if (isDone) return
  logger.warn('Some requests did not finish in time and were cut')
  await Promise.race([server.close(true), setTimeout(1000)])
}

function urlOf({ url = '' }: Server): string {
  return url.replace(/\/$/, '')
}

/** Serves requests and delivers webhooks until SIGTERM or SIGINT. */
async function run(database: OpenDatabase, listeners: Listeners, output: Output): Promise<void> {
  const stop = signalToStop()
  const [api, metrics] = await startServers(database.licensing, listeners)
  await printFirstKey(database, output)
  if (metrics !== null) output.line(`Metrics are at ${urlOf(metrics)}/metrics`)
  output.line(`Heartwood ${version} listens on ${urlOf(api)}`)
  const delivery = startDelivery(database.licensing)
  await stop
  await Promise.all([
    stopServer(api),
    metrics === null ? null : stopServer(metrics),
    Promise.race([delivery.stop(), setTimeout(stopTimeoutMs, undefined, { ref: false })]),
  ])
}

/**
 * Runs the server until SIGTERM or SIGINT stops it.
 *
 * @throws {CliError} @throws {LicensingError} if it cannot start.
 */
export async function serve(settings: CliSettings, options: ServeOptions, output: Output): Promise<void> {
  const { signing, webhooks } = options
  const announce = output.line
  const commandOptions = { keyPool, signing, webhooks, announce }
  await withDatabase(settings, (database) => run(database, options, output), commandOptions)
}
