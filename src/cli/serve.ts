import { getLogger } from '@logtape/logtape'
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { serve as listen, type Server } from 'srvx'
import { licensingServer, type ServerOptions } from '../adapters/elysia.ts'
import { version } from '../adapters/version.ts'
import type { Licensing, WebhookOptions } from '../core/licensing.ts'
import type { SigningOptions } from '../core/keys/signing-queue.ts'
import { startDelivery } from '../webhooks/index.ts'
import { withDatabase, type OpenDatabase } from './database.ts'
import type { Output } from './terminal/output.ts'
import { Refusal } from './refusal.ts'
import type { Address, Settings } from './settings.ts'

/** How long requests in flight may take to finish after a signal to stop. */
const patienceMs = 10_000

/** Bun's own default of 10 s would cut a rotation that waits for its primes. */
const idleSeconds = 60

/** Two apps in a row are created without a wait; the pairs live in memory only. */
const keyPool = 2

/** Where and how it is served. */
export interface ServeOptions {
  readonly address: Address
  readonly options: ServerOptions
  readonly signing: SigningOptions
  readonly webhooks: WebhookOptions
}

const logger = getLogger(['heartwood', 'cli'])

function createServer(licensing: Licensing, { port, host }: Address, options: ServerOptions): Server {
  const app = licensingServer(licensing, options)
  return listen({
    fetch: (request) => app.fetch(request),
    ...{ port, hostname: host, manual: true, silent: true, gracefulShutdown: false },
    // Our own reader counts bodies; Bun's answer to a larger one would have no body.
    bun: { idleTimeout: idleSeconds, maxRequestBodySize: Number.MAX_SAFE_INTEGER },
  })
}

function listenFailure(error: unknown, { port, host }: Address): Refusal {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  const isTaken = code === 'EADDRINUSE' || (error as Error).name === 'AddrInUse'
  const reason = isTaken ? 'another program listens there; choose another with --port' : code
  return new Refusal(`Cannot listen on ${host} port ${port}: ${reason}`, { cause: error })
}

/** Answers once it listens. @throws {Refusal} when it cannot. */
async function startServer(licensing: Licensing, address: Address, options: ServerOptions): Promise<Server> {
  try {
    const server = createServer(licensing, address, options)
    await server.serve()
    return server
  } catch (error) {
    throw listenFailure(error, address)
  }
}

/** Prints the first key of a fresh database, this once. */
async function welcome({ licensing, made }: OpenDatabase, output: Output): Promise<void> {
  if (made.length > 0) {
    output.line(`Made ${made.join(' and its master key ')}.`)
    output.line('Keep a copy of the master key apart from the database, which is of no use without it.')
  }
  const first = await licensing.apiKeys.createFirst()
  if (first !== null) output.line(`Your secret API key, shown only this once:\n\n  ${first.secret}\n`)
}

async function signalToStop(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
}

/** Takes no new requests and lets those in flight finish, but does not wait for ever. */
async function stopServer(server: Server): Promise<void> {
  const timer = new AbortController()
  const isDone = await Promise.race([
    server.close().then(() => true),
    setTimeout(patienceMs, false, { signal: timer.signal }),
  ])
  timer.abort()
  if (isDone) return
  logger.warn('Some requests did not finish in time and were cut')
  await Promise.race([server.close(true), setTimeout(1000)])
}

/**
 * Runs the server until it is told to stop by SIGTERM or SIGINT.
 *
 * @throws {Refusal} @throws {LicensingError} when it cannot start.
 */
export async function serve(
  settings: Settings,
  { address, options, signing, webhooks }: ServeOptions,
  output: Output,
): Promise<void> {
  const work = async (database: OpenDatabase): Promise<void> => {
    const stop = signalToStop()
    const server = await startServer(database.licensing, address, options)
    await welcome(database, output)
    output.line(`Heartwood ${version} listens on ${server.url?.replace(/\/$/, '')}`)
    const delivery = startDelivery(database.licensing)
    await stop
    await Promise.all([
      stopServer(server),
      Promise.race([delivery.stop(), setTimeout(patienceMs, undefined, { ref: false })]),
    ])
  }
  await withDatabase(settings, work, { keyPool, signing, webhooks })
}
