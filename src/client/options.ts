import { readPastedToken } from '../core/token/pasted.ts'
import type { ClientState } from './assessment.ts'
import {
  checkFunction,
  checkStore,
  readApp,
  readBaseUrl,
  readDate,
  readFlag,
  readIssuer,
  readLicenseId,
  readText,
  readUuid,
  readVersion,
} from './option-checks.ts'
import { operatingSystem } from './platform.ts'
import { memoryStore, type LicenseStore } from './store.ts'
import { later } from './timer.ts'

/**
 * A JWK Set (RFC 7517), in the form in which the server serves `jwks.json`.
 *
 * @example
 * ```ts
 * import type { PublicKeySet } from 'heartwood/client'
 *
 * export const keySet: PublicKeySet = { keys: [{ kty: 'RSA', n: '…', e: 'AQAB' }] }
 * ```
 */
export interface PublicKeySet {
  /** JSON Web Keys of type RSA. */
  readonly keys: readonly object[]
}

/**
 * A trust file, in the form in which the server serves `trust.json`: the statements by which each signing key names the next.
 *
 * @example
 * ```ts
 * import type { PublicTrustFile } from 'heartwood/client'
 *
 * export const trustFile: PublicTrustFile = { v: 1, statements: [{ payload: '…', signatures: [] }] }
 * ```
 */
export interface PublicTrustFile {
  /** The version of the format: 1. */
  readonly v: number
  /** The statements, oldest first. */
  readonly statements: readonly object[]
}

/**
 * The public keys that a program carries: PEM (SubjectPublicKeyInfo), one or several in a text or a list, or a JWK Set. Or a
 * trust file, as an object or as its text: the program then follows every later rotation.
 *
 * @example
 * ```ts
 * import type { PublicKeys } from 'heartwood/client'
 *
 * const present = '-----BEGIN PUBLIC KEY-----…'
 * const next = '-----BEGIN PUBLIC KEY-----…'
 * export const publicKeys: PublicKeys = [present, next]
 * ```
 */
export type PublicKeys = PlainKeys | PublicTrustFile

/** Public keys without a trust file. */
export type PlainKeys = string | readonly string[] | PublicKeySet

/**
 * The verdict of a program's policy on a state. `block` takes the features away. `warn` asks the program to inform its user,
 * which is up to the program.
 *
 * @example
 * ```ts
 * import type { Verdict } from 'heartwood/client'
 *
 * const showsBanner = (verdict: Verdict): boolean => verdict !== 'allow'
 * console.log(showsBanner('warn')) // true
 * ```
 */
export type Verdict = 'allow' | 'warn' | 'block'

/**
 * The source of newer keys, and the rule that says which of them are trusted.
 *
 * @example
 * ```ts
 * import type { KeySource } from 'heartwood/client'
 *
 * export const refreshKeys: KeySource = { from: 'jwks.json', pin: ['inBb-o2Kd_MU-vnxPXE2OgrwCWYXSKgZEMN3pCvkuz0'] }
 * ```
 */
export interface KeySource {
  /** The route of the app that serves them: a JWK Set, or PEM. */
  readonly from: 'jwks.json' | 'public-key'
  /**
   * `origin` trusts any key that `baseUrl` serves, which is as safe as TLS on the customer's computer. A list trusts only
   * the keys with these RFC 7638 SHA-256 thumbprints (the `kid`s).
   */
  readonly pin: 'origin' | readonly string[]
}

/**
 * Follows the server's `trust.json`: trusts each key that an earlier trusted key, or the recovery keys, have named.
 *
 * @example
 * ```ts
 * import type { TrustSource } from 'heartwood/client'
 *
 * export const refreshKeys: TrustSource = { from: 'trust.json' }
 * ```
 */
export interface TrustSource {
  /** The route of the app that serves the statements. */
  readonly from: 'trust.json'
}

/**
 * Runs `work` after a delay in milliseconds. Returns a function that cancels it.
 *
 * @example
 * ```ts
 * import type { Schedule } from 'heartwood/client'
 *
 * export const schedule: Schedule = (work, milliseconds) => {
 *   const timer = setTimeout(() => void work(), milliseconds)
 *   return () => clearTimeout(timer)
 * }
 * ```
 */
export type Schedule = (work: () => Promise<void>, milliseconds: number) => () => void

/**
 * The options of `createLicenseClient`.
 *
 * @example
 * ```ts
 * import { memoryStore, type LicenseClientOptions } from 'heartwood/client'
 *
 * export const options: LicenseClientOptions = {
 *   baseUrl: 'https://licenses.example.com',
 *   app: 'desktop-app',
 *   publicKeys: '-----BEGIN PUBLIC KEY-----…',
 *   store: memoryStore(),
 *   maxOfflineDays: 30,
 *   policy: { grace: 'allow' },
 * }
 * ```
 */
export interface LicenseClientOptions {
  /** The license server's address; `/api/v1` at its end counts as absent. It must be `https`, except for the computer's own addresses. */
  readonly baseUrl: string
  /** The slug of the app that tokens must be for. */
  readonly app: string
  /** The keys that must have signed a token. Build them into the program: never read them from anything its user can change. */
  readonly publicKeys: PublicKeys
  /** The issuer of the app's tokens; default `license-server`. */
  readonly issuer?: string
  /** Trusts keys beyond `publicKeys`; default none or, if `publicKeys` is a trust file, `{ from: 'trust.json' }`. */
  readonly refreshKeys?: KeySource | TrustSource
  /** Accepts tokens of this license only: its id or UUID. */
  readonly licenseId?: string
  /** Accepts tokens of this installation only, a UUID with hyphens. */
  readonly installationId?: string
  /** A token to begin with, for example from a setting. A newer one in the store wins. */
  readonly token?: string
  /** The license key of a server, for example from its environment. The client activates with it by itself. */
  readonly licenseKey?: string
  /** The name of this installation for people, such as the computer's, up to 64 characters. `activate` sends it. */
  readonly installationName?: string
  /** Keeps the token between starts; default {@link memoryStore}. */
  readonly store?: LicenseStore
  /** The hours between refreshes, from 0.1; default 24. Each client comes up to a fifth earlier, so that they spread. */
  readonly refreshHours?: number
  /** Refreshes by itself; default true. If false, the program calls `refresh`. */
  readonly background?: boolean
  /** The days without a renewed token after which the license lapses, from 1; default never. Counted by the token's `iat`. */
  readonly maxOfflineDays?: number
  /** The days of `grace` after that or after the token's end, before the state is `expired`; default 7. */
  readonly graceDays?: number
  /** Gives states a meaning; by default `grace` and `clock_suspect` warn, `expired`, `revoked`, `invalid` and `uncovered` block. */
  readonly policy?: Partial<Readonly<Record<ClientState, Verdict>>>
  /**
   * The version of the program. With `app` and the platform it goes to the server with each renewal (`desktop-app/2.3.1
   * (linux)`), so that the vendor sees who runs which version. Pages in a browser send nothing.
   */
  readonly programVersion?: string
  /**
   * The day on which this version of the program was released, `2027-03-01`, or a time of RFC 3339. Write it as a constant of
   * the build, never from a clock. Without it the license covers every version, whatever its `updates_until` says.
   */
  readonly releasedAt?: string
  /** Accepts a `baseUrl` in clear text too, for a network of your own. Everybody in it can then read tokens. */
  readonly allowHttp?: boolean
  /** Sends requests; default the platform's `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** The time in milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number
  /** Wakes the client up; default `setTimeout`, which does not keep a program alive. */
  readonly schedule?: Schedule
}

/** The options with every default in place. Times and spans are whole seconds. */
export interface ClientSettings {
  /** Ends in `/api/v1/apps/SLUG`. */
  readonly appUrl: string
  readonly app: string
  readonly issuer: string
  readonly publicKeys: PublicKeys
  /** Not checked yet: see `openFollower`. */
  readonly refreshKeys: KeySource | TrustSource | undefined
  readonly licenseId: string | null
  readonly installationId: string | null
  readonly token: string | null
  readonly licenseKey: string | null
  readonly installationName: string | null
  readonly store: LicenseStore
  readonly refreshEvery: number
  readonly background: boolean
  readonly maxOffline: number | null
  readonly grace: number
  readonly policy: Readonly<Record<ClientState, Verdict>>
  readonly releasedAt: number | undefined
  /** The request header `Heartwood-Client`; `null` in a browser. */
  readonly program: string | null
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly now: () => number
  readonly schedule: Schedule
}

const day = 86_400
const hour = 3_600

const defaultPolicy: ClientSettings['policy'] = {
  active: 'allow',
  refresh_due: 'allow',
  grace: 'warn',
  expired: 'block',
  revoked: 'block',
  invalid: 'block',
  clock_suspect: 'warn',
  uncovered: 'block',
}

const verdicts: readonly unknown[] = ['allow', 'warn', 'block']

function readPolicy(given: LicenseClientOptions['policy'] = {}): ClientSettings['policy'] {
  if (typeof given !== 'object' || given === null) throw new TypeError('policy must be an object')
  for (const [state, verdict] of Object.entries(given))
    if (!Object.hasOwn(defaultPolicy, state) || !verdicts.includes(verdict))
      throw new TypeError('policy must give known states allow, warn or block')
  return { ...defaultPolicy, ...given }
}

const ownHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

function readAppUrl({ baseUrl, app, ...options }: LicenseClientOptions): string {
  const slug = readApp(app)
  const { protocol, hostname, username, search, hash, href } = readBaseUrl(baseUrl)
  const allowHttp = readFlag('allowHttp', options.allowHttp, false)
  if (protocol !== 'https:' && !(protocol === 'http:' && (allowHttp || ownHost.test(hostname))))
    throw new TypeError('baseUrl must begin with https:')
  if (username !== '' || search !== '' || hash !== '') throw new TypeError('baseUrl must be a plain address')
  return `${href.replace(/\/+$/, '')}/api/v1/apps/${slug}`
}

function span(name: string, value: number, unit: number, least: number): number {
  if (!Number.isFinite(value) || value < least) throw new TypeError(`${name} must be a number from ${least}`)
  return Math.round(value * unit)
}

/** True for a trust file, or for the text of one: keys as PEM begin with no brace. */
export function isTrustFile(given: unknown): boolean {
  return typeof given === 'string' ? /^\s*\{/.test(given) : 'statements' in Object(given)
}

function readSource({ publicKeys, refreshKeys }: LicenseClientOptions): ClientSettings['refreshKeys'] {
  return refreshKeys === undefined && isTrustFile(publicKeys) ? { from: 'trust.json' } : refreshKeys
}

/** `name/version (platform)` of at most 64 characters, because the server ignores a longer header. */
function describeProgram(app: string, version: string | null): string | null {
  const platform = operatingSystem()
  if (platform === null) return null
  const rest = `${version === null ? '' : `/${version}`} (${platform})`
  return `${app.slice(0, 64 - rest.length)}${rest}`
}

/** Checks the options. @throws {TypeError} that names an unusable option, never its value. */
export function readOptions(options: LicenseClientOptions): ClientSettings {
  const { refreshHours = 24, maxOfflineDays, graceDays = 7, now = Date.now } = options
  for (const name of ['fetch', 'now', 'schedule'] as const) checkFunction(name, options[name])
  checkStore(options.store)
  return {
    appUrl: readAppUrl(options),
    app: options.app,
    issuer: readIssuer(options.issuer),
    publicKeys: options.publicKeys,
    refreshKeys: readSource(options),
    licenseId: readLicenseId(options.licenseId),
    installationId: readUuid('installationId', options.installationId),
    token: readPastedToken(readText('token', options.token) ?? '') || null,
    licenseKey: readText('licenseKey', options.licenseKey) || null,
    installationName: readText('installationName', options.installationName),
    store: options.store ?? memoryStore(),
    refreshEvery: span('refreshHours', refreshHours, hour, 0.1),
    background: readFlag('background', options.background, true),
    maxOffline: maxOfflineDays === undefined ? null : span('maxOfflineDays', maxOfflineDays, day, 1),
    grace: span('graceDays', graceDays, day, 0),
    policy: readPolicy(options.policy),
    releasedAt: readDate('releasedAt', options.releasedAt),
    program: describeProgram(options.app, readVersion(options.programVersion)),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    now: () => Math.max(0, Math.floor(now() / 1000)),
    schedule: options.schedule ?? later,
  }
}
