import { isLoopback } from '../adapters/dashboard/cookie.ts'
import { linkMaker } from '../adapters/dashboard/link.ts'
import type { ApiKey, Licensing } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import { CliError } from './errors.ts'
import type { CliSettings, Environment, ListenAddress } from './settings.ts'
import type { Output } from './terminal/output.ts'

/** True if the server serves the dashboard: by default on this computer alone. @throws {CliError} */
export function readDashboard(environment: Environment, { host }: Pick<ListenAddress, 'host'>): boolean {
  const text = environment.HEARTWOOD_DASHBOARD || (isLoopback(urlHost(host)) ? 'on' : 'off')
  if (text === 'on' || text === 'off') return text === 'on'
  throw new CliError('HEARTWOOD_DASHBOARD must be "on" or "off"; by default it is on for this machine only')
}

/** A host as a URL has it. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** An address that a browser on this computer can open, if the server listens on all of them. */
export function localAddress({ host, port }: Pick<ListenAddress, 'host' | 'port'>): string {
  const isEvery = host === '0.0.0.0' || host === '::'
  return `http://${isEvery ? 'localhost' : urlHost(host)}:${port}`
}

/** The text for a person who may sign in. */
export async function signInText({ apiKeys }: Licensing, keyId: string, address: string): Promise<string> {
  const { url } = await apiKeys.invite(keyId)
  return `Open the dashboard with this link. It works once, for ten minutes:\n\n  ${linkMaker(address)(url)}\n`
}

/** Options of `heartwood dashboard`. */
export interface DashboardLinkOptions {
  readonly key?: string
  readonly mode?: 'live' | 'test'
  /** The address under which a browser reaches the server. */
  readonly address: string
}

function isUnbound({ type, app, scopes, revokedAt, expiresAt }: ApiKey): boolean {
  return type === 'sk' && app === null && scopes === null && revokedAt === null && expiresAt === null
}

/** The oldest key that may do everything in its mode. @throws {CliError} if there is none. */
async function oldestKey({ apiKeys }: Licensing, mode: 'live' | 'test'): Promise<string> {
  let oldest: ApiKey | undefined
  for await (const key of apiKeys.all({ mode })) if (isUnbound(key)) oldest = key
  if (oldest !== undefined) return oldest.id
  throw new CliError(
    `No ${mode} key may do everything: name one with --key, or make one by heartwood keys create --mode ${mode}`,
  )
}

/** Prints a link that signs one person in to the dashboard of the running server. */
export async function printDashboardLink(
  settings: CliSettings,
  { key, mode = 'live', address }: DashboardLinkOptions,
  output: Output,
): Promise<void> {
  const text = await withExistingDatabase(settings, async ({ licensing }) =>
    signInText(licensing, key ?? (await oldestKey(licensing, mode)), address),
  )
  output.line(text)
}
