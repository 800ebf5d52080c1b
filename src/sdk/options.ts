import {
  checkOptions,
  isFlag,
  isFunction,
  isInteger,
  type OptionRule,
  type OptionRules,
} from '../core/input/options.ts'
import { pacing, type Pacing } from './retry-pause.ts'

/** Options that both kinds of clients have. */
interface ConnectionOptions {
  /**
   * The address of the server; `/api/v1` at its end counts as absent. It must be `https`, except for the computer's own
   * addresses.
   */
  readonly baseUrl: string
  /** Sends requests; default the platform's `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** The most milliseconds of a call with all its attempts and pauses, 1 to 2,147,483,647. Default 30,000. */
  readonly timeoutMs?: number
  /** The attempts after the first, 0 to 10. Default 2. */
  readonly retries?: number
  /** Accepts a `baseUrl` in clear text too, for a network of your own. Everybody in it can then read the API key. */
  readonly allowHttp?: boolean
}

/** Options of a client that shows an API key. */
export interface KeyClientOptions extends ConnectionOptions {
  /** The secret of an API key: `sk_live_…`. Keep it out of pages and programs that others get. */
  readonly apiKey: string
  readonly session?: never
}

/** Options of a client in a page that the server itself serves. */
export interface SessionClientOptions extends ConnectionOptions {
  /** Shows the cookies of the page's own origin, and never an API key. `baseUrl` may be a path there. */
  readonly session: true
  readonly apiKey?: never
}

/**
 * The options of `createLicensingClient`.
 *
 * @example
 * ```ts
 * import type { LicensingClientOptions } from 'heartwood/sdk'
 *
 * const options: LicensingClientOptions = {
 *   baseUrl: 'https://licenses.example.com',
 *   apiKey: 'sk_live_…',
 *   timeoutMs: 10_000,
 * }
 * ```
 */
export type LicensingClientOptions = KeyClientOptions | SessionClientOptions

/**
 * Options of single calls, for `licensing.withOptions`.
 *
 * @example
 * ```ts
 * import type { CallOptions } from 'heartwood/sdk'
 *
 * const options: CallOptions = { idempotencyKey: 'order-2026-0001', signal: AbortSignal.timeout(5_000) }
 * ```
 */
export interface CallOptions {
  /** Ends the call. It then rejects with the reason of the signal. The server may have done the work. */
  readonly signal?: AbortSignal
  /** The most milliseconds of a call with all its attempts and pauses. */
  readonly timeoutMs?: number
  /** The attempts after the first. */
  readonly retries?: number
  /**
   * The `Idempotency-Key` of a call that writes by POST: 1 to 255 printable ASCII characters. Within 24 hours a repetition
   * gets the first result. Use it for one call alone. Default: a fresh key for each call, which its attempts share.
   */
  readonly idempotencyKey?: string
}

/** The options with every default in place. */
export interface Settings {
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** The header that shows the API key; `null` for a session. */
  readonly authorization: string | null
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly timeoutMs: number
  readonly retries: number
  readonly pacing: Pacing
}

const isAddress: OptionRule = {
  rule: 'an address such as https://licenses.example.com',
  holds: (value) => typeof value === 'string',
  isRequired: true,
}

/** A header takes no other characters, and an error about one would show the key. */
const isApiKey: OptionRule = {
  rule: 'the secret of an API key, without blanks',
  holds: (value) => typeof value === 'string' && /^[!-~]{1,255}$/.test(value),
}

const isTrue: OptionRule = { rule: 'true', holds: (value) => value === true }

/** The longest delay of a timer. */
const timeoutMs = isInteger(1, 2_147_483_647)
const retries = isInteger(0, 10)

const clientRules: OptionRules<LicensingClientOptions> = {
  baseUrl: isAddress,
  apiKey: isApiKey,
  session: isTrue,
  fetch: isFunction,
  timeoutMs,
  retries,
  allowHttp: isFlag,
}

const callRules: OptionRules<CallOptions> = {
  signal: {
    rule: 'an AbortSignal',
    holds: (value) => typeof (Object(value) as Partial<AbortSignal>).addEventListener === 'function',
  },
  timeoutMs,
  retries,
  idempotencyKey: {
    rule: '1 to 255 printable ASCII characters without blanks at its ends',
    holds: (value) => typeof value === 'string' && /^[!-~](?:[ -~]{0,253}[!-~])?$/.test(value),
  },
}

const ownHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** The page that runs this program; `undefined` outside a browser. */
function pageAddress(): string | undefined {
  return (globalThis as { readonly location?: { readonly href: string } }).location?.href
}

function parseAddress(address: string, page: string | undefined): URL {
  try {
    return new URL(address, page)
  } catch {
    throw new TypeError(`baseUrl must be ${isAddress.rule}`)
  }
}

/** A session may be in clear text, because the page is too. */
function checkProtocol({ protocol, hostname }: URL, { allowHttp, session }: LicensingClientOptions): void {
  const mayBeClear = allowHttp === true || session === true || ownHost.test(hostname)
  if (protocol !== 'https:' && !(protocol === 'http:' && mayBeClear))
    throw new TypeError('baseUrl must begin with https:, or allowHttp must be true')
}

function readBaseUrl(options: LicensingClientOptions): string {
  const page = options.session === true ? pageAddress() : undefined
  const url = parseAddress(options.baseUrl, page)
  checkProtocol(url, options)
  const { username, password, search, hash, origin, pathname } = url
  if ([username, password, search, hash].some((part) => part !== ''))
    throw new TypeError('baseUrl must be a plain address')
  if (page !== undefined && origin !== new URL(page).origin)
    throw new TypeError('baseUrl must be of the origin of the page')
  return `${origin}${pathname}`.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
}

/** Checks the options. @throws {TypeError} that names an unusable option, never its value. */
export function readOptions(options: LicensingClientOptions): Settings {
  checkOptions(options, clientRules)
  const { apiKey, session } = options
  if ((apiKey === undefined) === (session === undefined))
    throw new TypeError('Exactly one of apiKey and session must be given')
  return {
    baseUrl: readBaseUrl(options),
    authorization: apiKey === undefined ? null : `Bearer ${apiKey}`,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    timeoutMs: options.timeoutMs ?? 30_000,
    retries: options.retries ?? 2,
    pacing,
  }
}

/** Checks the options of calls. @throws {TypeError} that names an unusable option, never its value. */
export function readCallOptions(options: CallOptions): CallOptions {
  checkOptions(options, callRules)
  return options
}
