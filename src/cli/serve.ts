import { getLogger } from '@logtape/logtape'
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { licensingServer, type ServerOptions } from '../adapters/elysia.ts'
import { version } from '../adapters/version.ts'
import type { WebhookOptions } from '../core/licensing.ts'
import type { SigningOptions } from '../core/keys/signing-queue.ts'
import { startDelivery } from '../webhooks/index.ts'
import { withDatabase, type OpenDatabase } from './database.ts'
import type { Output } from './terminal/output.ts'
import { startListener, type Listener } from './listener.ts'
import type { CliSettings, ListenAddress } from './settings.ts'
import { uncaughtException } from './uncaught-errors.ts'

/** The time that open requests have to finish after a signal to stop. */
const stopTimeoutMs = 10_000

/** Two apps in a row are created without a wait. The pairs exist in memory only. */
const keyPool = 2

export interface ServeOptions {
  readonly address: ListenAddress
  readonly options: ServerOptions
  readonly signing: SigningOptions
  readonly webhooks: WebhookOptions
}

const logger = getLogger(['heartwood', 'cli'])

/** Prints the files that the first start created, and the first API key, which it never prints again. */
async function printFirstStart({ licensing, created }: OpenDatabase, output: Output): Promise<void> {
  if (created.length > 0) {
    output.line(`Created ${created.join(' and its master key ')}.`)
    output.line('Keep a copy of the master key in another place: without the key, the database is useless.')
  }
  const first = await licensing.apiKeys.createFirst()
  if (first !== null) output.line(`Your secret API key, shown only this once:\n\n  ${first.secret}\n`)
}

async function signalToStop(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
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
  { address, options }: Pick<ServeOptions, 'address' | 'options'>,
  output: Output,
): Promise<void> {
  const stop = Promise.race([signalToStop(), uncaughtException()])
  const app = licensingServer(database.licensing, options)
  const listener = await startListener((request) => app.fetch(request), address)
  await printFirstStart(database, output)
  output.line(`Heartwood ${version} listens on ${listener.url}`)
  const delivery = startDelivery(database.licensing)
  try {
    await stop
  } finally {
    await Promise.all([
      stopListener(listener),
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
  const { signing, webhooks } = options
  await withDatabase(settings, (database) => run(database, options, output), { keyPool, signing, webhooks })
}
