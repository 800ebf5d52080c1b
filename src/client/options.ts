import type { ClientState } from './standing.ts'
import { memoryStore, type LicenseStore } from './store.ts'
import { later } from './timer.ts'

/** A JWK Set (RFC 7517), as `jwks.json` serves it. */
export interface PublicKeySet {
  readonly keys: readonly object[]
}

/** Public keys a program carries: PEM (SubjectPublicKeyInfo), one or several in a text or list, or a JWK Set. */
export type PublicKeys = string | readonly string[] | PublicKeySet

/** What a program does in a state. `block` takes the features away, `warn` says only that it should tell its user. */
export type Verdict = 'allow' | 'warn' | 'block'

/** Where newer keys may come from, and which of them are trusted. */
export interface KeySource {
  readonly from: 'jwks.json' | 'public-key'
  /**
   * `origin`: any key that `baseUrl` serves, which is as good as TLS on the customer's computer. Or the RFC 7638 SHA-256
   * thumbprints (the `kid`s) of the keys to trust, and no others.
   */
  readonly pin: 'origin' | readonly string[]
}

/** Runs `work` after a delay in milliseconds; answers how to call that off. */
export type Schedule = (work: () => Promise<void>, milliseconds: number) => () => void

export interface LicenseClientOptions {
  /** Where the license server is, without `/api/v1`: `https`, but for the computer's own addresses. */
  readonly baseUrl: string
  /** The app's slug, which tokens must be for. */
  readonly app: string
  /** The keys that tokens must be signed with. Part of the program: never read from what its user can change. */
  readonly publicKeys: PublicKeys
  /** The issuer of the app's tokens; default `license-server`. */
  readonly issuer?: string
  /** Trusts keys beyond `publicKeys`; default none. */
  readonly refreshKeys?: KeySource
  /** Takes tokens of this license alone: its id or UUID. */
  readonly licenseId?: string
  /** Takes tokens of this installation alone, a UUID. */
  readonly installationId?: string
  /** A token to begin with, for example from a setting. A newer one in the store wins. */
  readonly token?: string
  /** Where the token is kept; default {@link memoryStore}. */
  readonly store?: LicenseStore
  /** How often a new token is asked for, in hours, from 0.1; default 24. Each client comes up to a fifth earlier, so that they spread. */
  readonly refreshHours?: number
  /** Whether it refreshes by itself; default true. Without, call `refresh`. */
  readonly background?: boolean
  /** After how many days without a renewed token the license counts as lapsed; default never. Counted by the token's `iat`. */
  readonly maxOfflineDays?: number
  /** For how many days after that, or after the token's end, the state is `grace` and not yet `expired`; default 7. */
  readonly graceDays?: number
  /** What a state means; default: `grace` and `clock_suspect` warn, `expired`, `revoked` and `invalid` block. */
  readonly policy?: Partial<Readonly<Record<ClientState, Verdict>>>
  /** Also takes a `baseUrl` in clear text, for a network of one's own. Everybody in it can then read tokens. */
  readonly allowHttp?: boolean
  /** Sends requests; default the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** The time in milliseconds; default `Date.now`. */
  readonly now?: () => number
  /** Wakes the client up; default `setTimeout`, which does not keep a program alive. */
  readonly schedule?: Schedule
}

/** The options with every default in place. Times are whole seconds. */
export interface Settings {
  /** Ends in `/api/v1/apps/SLUG`. */
  readonly appUrl: string
  readonly app: string
  readonly issuer: string
  readonly publicKeys: PublicKeys
  readonly refreshKeys: KeySource | null
  readonly licenseId: string | null
  readonly installationId: string | null
  readonly token: string | null
  readonly store: LicenseStore
  readonly refreshEvery: number
  readonly background: boolean
  readonly maxOffline: number | null
  readonly grace: number
  readonly policy: Readonly<Record<ClientState, Verdict>>
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly now: () => number
  readonly schedule: Schedule
}

const day = 86_400
const hour = 3_600

const defaultPolicy: Settings['policy'] = {
  active: 'allow',
  refresh_due: 'allow',
  grace: 'warn',
  expired: 'block',
  revoked: 'block',
  invalid: 'block',
  clock_suspect: 'warn',
}

const verdicts: readonly unknown[] = ['allow', 'warn', 'block']

function readPolicy(given: LicenseClientOptions['policy'] = {}): Settings['policy'] {
  for (const [state, verdict] of Object.entries(given))
    if (!Object.hasOwn(defaultPolicy, state) || !verdicts.includes(verdict))
      throw new TypeError('policy must give known states allow, warn or block')
  return { ...defaultPolicy, ...given }
}

const ownHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

function readAppUrl({ baseUrl, app, allowHttp = false }: LicenseClientOptions): string {
  if (!/^[a-z0-9-]{1,63}$/.test(app)) throw new TypeError('app must be the slug of an app')
  const { protocol, hostname, username, search, hash, href } = new URL(baseUrl)
  if (protocol !== 'https:' && !(protocol === 'http:' && (allowHttp || ownHost.test(hostname))))
    throw new TypeError('baseUrl must begin with https:')
  if (username !== '' || search !== '' || hash !== '') throw new TypeError('baseUrl must be a plain address')
  return `${href.replace(/\/+$/, '')}/api/v1/apps/${app}`
}

function span(name: string, value: number, unit: number, least: number): number {
  if (!Number.isFinite(value) || value < least) throw new TypeError(`${name} must be a number from ${least}`)
  return Math.round(value * unit)
}

const thumbprint = /^[A-Za-z0-9_-]{43}$/

function isPin(pin: unknown): boolean {
  if (!Array.isArray(pin)) return pin === 'origin'
  return pin.length > 0 && pin.every((kid) => thumbprint.test(`${kid}`))
}

function readKeySource(given: KeySource | undefined): KeySource | null {
  if (given === undefined) return null
  const { from, pin } = Object(given) as KeySource
  if (!['jwks.json', 'public-key'].includes(from) || !isPin(pin))
    throw new TypeError("refreshKeys must say from where, and pin thumbprints or 'origin'")
  return { from, pin }
}

/** A token as it was meant: mail programs break lines, and whoever copies takes a space along. */
export function tokenOf(text: string): string {
  return `${text}`.replace(/\s+/g, '')
}

/** Checks the options. @throws {TypeError} naming the option that cannot be used, never its value. */
export function readOptions(options: LicenseClientOptions): Settings {
  const { refreshHours = 24, maxOfflineDays, graceDays = 7, now = Date.now } = options
  return {
    appUrl: readAppUrl(options),
    app: options.app,
    issuer: options.issuer ?? 'license-server',
    publicKeys: options.publicKeys,
    refreshKeys: readKeySource(options.refreshKeys),
    licenseId: options.licenseId?.toLowerCase() ?? null,
    installationId: options.installationId?.toLowerCase() ?? null,
    token: tokenOf(options.token ?? '') || null,
    store: options.store ?? memoryStore(),
    refreshEvery: span('refreshHours', refreshHours, hour, 0.1),
    background: options.background ?? true,
    maxOffline: maxOfflineDays === undefined ? null : span('maxOfflineDays', maxOfflineDays, day, 1),
    grace: span('graceDays', graceDays, day, 0),
    policy: readPolicy(options.policy),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    now: () => Math.max(0, Math.floor(now() / 1000)),
    schedule: options.schedule ?? later,
  }
}
