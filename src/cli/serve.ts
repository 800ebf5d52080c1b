import { getLogger } from '@logtape/logtape'
import { setTimeout } from 'node:timers/promises'
import type { ServerOptions } from '../adapters/elysia.ts'
import { directPath, type DirectPath } from '../adapters/direct-path.ts'
import { apiServer, metricsServer } from '../adapters/elysia-server.ts'
import { createHttpService } from '../adapters/http/service.ts'
import { version } from '../adapters/version.ts'
import type { Licensing } from '../core/licensing.ts'
import type { WebhookOptions } from '../core/options.ts'
import type { SigningOptions } from '../core/keys/signing-queue.ts'
import { startDelivery } from '../webhooks/index.ts'
import { localAddress, signInText } from './dashboard.ts'
import { withDatabase, type OpenDatabase } from './database.ts'
import { makeDemo } from './demo/demo.ts'
import { printSecret } from './keys.ts'
import type { Output } from './terminal/output.ts'
import { startListener, type Listener } from './listener.ts'
import { startPage } from './start-page.ts'
import type { CliSettings, ListenAddress } from './settings.ts'
import { takeStopSignals, type StopSignal } from './stop-signal.ts'
import { uncaughtException } from './uncaught-errors.ts'

/** The time that open requests have to finish after a signal to stop. */
const stopTimeoutMs = 10_000

/** Two apps in a row are created without a wait. The pairs exist in memory only. */
const keyPool = 2

export interface ServeOptions {
  readonly address: ListenAddress
  readonly options: ServerOptions
  /** The port of the metrics, if it is not the one of the API. */
  readonly metricsPort: number | undefined
  readonly signing: SigningOptions
  readonly webhooks: WebhookOptions
  readonly auditDays: number | null
}

type Listeners = Pick<ServeOptions, 'address' | 'options' | 'metricsPort'>

const logger = getLogger(['heartwood', 'cli'])

/** An app of Elysia. */
interface App {
  fetch(request: Request): Response | Promise<Response>
}

/** An app with the start page at `/`, which the API leaves to its host. */
function withStartPage(app: App, { dashboard }: ServerOptions): App {
  const page = startPage(dashboard === true)
  return { fetch: (request) => page(request) ?? app.fetch(request) }
}

function listen(app: App, address: ListenAddress, direct?: DirectPath): Promise<Listener> {
  return startListener(
    { fetch: (request) => app.fetch(request), ...(direct !== undefined && { direct }) },
    address,
  )
}

/**
 * Listens for the API and, if the metrics have a port of their own, for them.
 *
 * @throws {CliError} @throws {LicensingError} `unavailable` if the package for metrics is missing.
 */
async function startListeners(
  licensing: Licensing,
  { address, options, metricsPort }: Listeners,
): Promise<readonly [api: Listener, metrics: Listener | null]> {
  const service = createHttpService(licensing, options)
  const direct = directPath(service)
  const { metrics } = service
  await metrics?.loaded()
  const hasOwnPort = metrics !== null && metricsPort !== undefined
  const app = apiServer(service, hasOwnPort ? { ...options, metrics: false } : options)
  const api = await listen(withStartPage(app, options), address, direct)
  if (!hasOwnPort) return [api, null]
  const metricsAddress = { ...address, port: metricsPort, setting: 'HEARTWOOD_METRICS_PORT' }
  return [api, await listen(metricsServer(service, metrics), metricsAddress)]
}

/** Makes the first API key and prints it, only this once. Resolves to its id, or to `null` if there are keys already. */
async function printFirstKey({ licensing }: OpenDatabase, output: Output): Promise<string | null> {
  const first = await licensing.as({ type: 'system' }).apiKeys.createFirst()
  if (first === null) return null
  const text = `Your secret API key, shown only this once:\n\n  ${first.secret}\n`
  await printSecret(licensing, first, text, output)
  return first.id
}

/** A browser may sign in at `localhost`, and not at the address that stands for all of them. */
function signInAddress({ url }: Listener, { host }: ListenAddress): string {
  return localAddress({ host, port: Number(new URL(url).port || 80) })
}

/** Tells where the dashboard is. The owner of a new key gets a link that signs in. */
async function printDashboard(
  licensing: Licensing,
  newKey: string | null,
  address: string,
  output: Output,
): Promise<void> {
  if (newKey !== null) output.line(await signInText(licensing.as({ type: 'system' }), newKey, address))
  output.line(`The dashboard is at ${address}/dashboard`)
}

/** Refuses new requests and lets the open ones finish, but cuts those that take too long. */
async function stopListener(listener: Listener): Promise<void> {
  const timer = new AbortController()
  const isDone = await Promise.race([
    listener.close().then(() => true),
    setTimeout(stopTimeoutMs, false, { signal: timer.signal }),
  ])
  timer.abort()
  if (isDone) return
  logger.warn('Some requests did not finish in time and were cut')
  await Promise.race([listener.close({ cut: true }), setTimeout(1000)])
}

/** Serves requests and delivers webhooks until SIGTERM, SIGINT or an exception that nobody caught. */
async function run(
  database: OpenDatabase,
  listeners: Listeners,
  output: Output,
  signal: StopSignal,
  newKey: () => Promise<string | null> = () => printFirstKey(database, output),
): Promise<void> {
  const stop = Promise.race([signal.received(), uncaughtException()])
  const [api, metrics] = await startListeners(database.licensing, listeners)
  const keyId = await newKey()
  const { dashboard, publicUrl = signInAddress(api, listeners.address) } = listeners.options
  if (dashboard === true) await printDashboard(database.licensing, keyId, publicUrl, output)
  if (metrics !== null) output.line(`Metrics are at ${metrics.url}/metrics`)
  output.line(`Heartwood ${version} listens on ${api.url}`)
  const delivery = startDelivery(database.licensing)
  try {
    await stop
  } finally {
    await Promise.all([
      stopListener(api),
      metrics === null ? null : stopListener(metrics),
      Promise.race([delivery.stop(), setTimeout(stopTimeoutMs, undefined, { ref: false })]),
    ])
  }
}

/**
 * Runs the server until SIGTERM or SIGINT stops it. An exception that nobody caught stops it too, and is thrown.
 *
 * @throws {CliError} @throws {LicensingError} if it cannot start.
 */
export async function serve(settings: CliSettings, options: ServeOptions, output: Output): Promise<void> {
  const { signing, webhooks, auditDays } = options
  const signal = takeStopSignals()
  const announce = output.line
  const commandOptions = { keyPool, signing, webhooks, auditDays, announce, isServer: true }
  await withDatabase(settings, (database) => run(database, options, output, signal), commandOptions)
}

/** Runs a server with invented data in memory until a signal stops it. @throws {CliError} if it cannot listen. */
export async function serveDemo(options: ServeOptions, output: Output): Promise<void> {
  output.line('Making invented data in memory. It is gone when the server stops.')
  const { signing, webhooks } = options
  const signal = takeStopSignals()
  const { database, founder } = await makeDemo({ keyPool, signing, webhooks })
  try {
    await run(database, options, output, signal, async () => {
      output.line(`The secret API key of the demo:\n\n  ${founder.secret}\n`)
      return founder.id
    })
  } finally {
    await database.close()
  }
}
