import { getLogger } from '@logtape/logtape'
import {
  checkOptions,
  isAnything,
  isFlag,
  isFunction,
  isInteger,
  isLicensing,
  type OptionRules,
} from '../../core/input/options.ts'
import type { Licensing } from '../../core/licensing.ts'
import { linkMaker } from '../dashboard/link.ts'
import { isDashboard, readDashboard, type DashboardOptions } from '../dashboard/options.ts'
import { peopleOf, type People } from '../dashboard/people.ts'
import { startMetrics, type Metrics } from '../metrics/metrics.ts'
import { BodyMemory } from './body-memory.ts'
import { bodyTimeoutMs } from './body.ts'
import { clientAddressOf, rateLimitKey, trustedProxies, unknownAddress } from './client-address.ts'
import { readOrigins, type Origins } from './cors.ts'
import { HttpError } from './errors.ts'
import { readPublicUrl } from './public-url.ts'
import { rateLimiter, type Limit, type RateLimiter, type RateLimits } from './rate-limit.ts'

/**
 * Options of the HTTP API.
 *
 * @example
 * ```ts
 * import type { ServerOptions } from 'heartwood/elysia'
 *
 * const options: ServerOptions = {
 *   standalone: true,
 *   publicUrl: 'https://licenses.example.com',
 *   rateLimits: {},
 *   clientAddress: (request) => (request as Request & { ip?: string }).ip,
 *   trustedProxies: ['10.0.0.0/8'],
 *   corsOrigins: ['https://shop.example'],
 * }
 * ```
 */
export interface ServerOptions {
  /**
   * Also answers every path outside the API, with 404 in the documented error envelope. Set it for a server of its own.
   * Default false: the host's app handles those paths.
   */
  readonly standalone?: boolean
  /**
   * The address under which people and programs reach this API, such as `https://licenses.example.com`. Include the prefix
   * of your app or proxy; `/api/v1` at the end counts as absent. Links begin with it, and never with the `Host` of a
   * request. Today that is the server in the OpenAPI document. Default: that document names its server by a relative URL.
   */
  readonly publicUrl?: string
  /** Serves `/swagger` and `/swagger/json`. Default true. */
  readonly documents?: boolean
  /**
   * Serves `/metrics` for Prometheus, without authentication: do not let your proxy forward that path, or mount the
   * plugin under a prefix. Default false; then nothing is counted.
   */
  readonly metrics?: boolean
  /** Limits requests per minute and address, counted on this server. `{}` means the documented limits. Default: no limits. */
  readonly rateLimits?: RateLimits
  /**
   * The address of the socket a request arrived on. Limits need it, because they count by address. Only an app that
   * listens by Elysia's `listen` on Bun knows it without this option. Limits without it are a `TypeError` at creation. On
   * Bun an app cannot foresee how requests come, so each that comes through `fetch` or `handle` gets 500 `internal_error`.
   * A handler of `heartwood/http` may get the address with each request instead.
   */
  readonly clientAddress?: (request: Request) => string | null | undefined
  /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is trusted. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Origins whose pages may call every route from a browser. Any origin may call the public routes. Default: none. */
  readonly corsOrigins?: readonly string[]
  /**
   * Serves the dashboard at `/dashboard`, where people look up licenses and change them. They sign in with an API key, or as
   * `authenticate` says. Default false.
   */
  readonly dashboard?: boolean | DashboardOptions
  /**
   * The longest that the body of a request may take to arrive, in milliseconds. After that the response is 408
   * `request_timeout`. Default 30,000.
   */
  readonly bodyTimeoutMs?: number
}

/** Reads the address of a socket. `null` if the socket has none, and `undefined` if the runtime does not tell. */
export type SocketAddress = () => string | null | undefined

/** Counts one request under a key. Returns the rate-limit headers. @throws {HttpError} `rate_limited`. */
export type ConsumeLimit = (limit: Limit, key: string) => Readonly<Record<string, string>>

type RateLimitKeys = (request: Request, socketAddress: SocketAddress) => string

/** Licensing as one HTTP API serves it: with its limits, metrics and origins. */
export interface HttpService {
  readonly licensing: Licensing
  /** Without a slash at its end. `null` if the option is not set. */
  readonly publicUrl: string | null
  readonly origins: Origins
  readonly bodyTimeoutMs: number
  readonly bodies: BodyMemory
  /** `null` if metrics are off. */
  readonly metrics: Metrics | null
  /** `null` if limits are off. */
  readonly consumeLimit: ConsumeLimit | null
  /** The people who are signed in to the dashboard; `null` if it is off. */
  readonly people: People | null
  /** Makes the URL of a link that signs in; `null` if none can: the dashboard is off, or its host signs people in. */
  readonly linkTo: ((path: string) => string) | null
  /** The rate-limit key of the client that sent a request. */
  readonly rateLimitKeyOf: RateLimitKeys
}

const log = getLogger(['heartwood', 'http'])
const isBun = 'Bun' in globalThis

function warnOnce(text: string): () => void {
  let hasWarned = false
  return () => {
    if (!hasWarned) log.warn(text)
    hasWarned = true
  }
}

/** Requests without an address would share one count and use up each other's, so they are not limited. */
function skipUnknown(limiter: RateLimiter): ConsumeLimit {
  const warn = warnOnce('A request had no client address, so no limit counted it: see clientAddress')
  return (limit, key) => {
    if (key !== unknownAddress) return limiter.consume(limit, key)
    warn()
    return {}
  }
}

function countRejected(consumeLimit: ConsumeLimit, metrics: Metrics): ConsumeLimit {
  return (limit, key) => {
    try {
      return consumeLimit(limit, key)
    } catch (error) {
      if (error instanceof HttpError) metrics.limited(limit)
      throw error
    }
  }
}

function limitsOf(rateLimits: RateLimits | undefined, metrics: Metrics | null): ConsumeLimit | null {
  if (rateLimits === undefined) return null
  const consumeLimit = skipUnknown(rateLimiter(rateLimits))
  return metrics === null ? consumeLimit : countRejected(consumeLimit, metrics)
}

/** The rules of the options that every adapter has. */
export const optionRules: OptionRules<ServerOptions> = {
  standalone: isFlag,
  publicUrl: isAnything,
  documents: isFlag,
  metrics: isFlag,
  rateLimits: isAnything,
  clientAddress: isFunction,
  trustedProxies: isAnything,
  corsOrigins: isAnything,
  dashboard: isDashboard,
  // A timer with a longer time would run at once.
  bodyTimeoutMs: isInteger(1, 2 ** 31 - 1),
}

const needsAddress =
  'rateLimits count by address, so they need clientAddress: a function that returns the address of the socket'

/** @throws {TypeError} for limits that could not be counted. */
function requireAddress({ clientAddress, rateLimits }: ServerOptions): void {
  if (rateLimits !== undefined && clientAddress === undefined) throw new TypeError(needsAddress)
}

function rateLimitKeys({ clientAddress, trustedProxies: proxies = [] }: ServerOptions): RateLimitKeys {
  const isTrusted = trustedProxies(proxies)
  const warn = warnOnce(
    'X-Forwarded-For from a trusted proxy has a hop that is no address, so requests count for the hop before it',
  )
  return (request, socketAddress) => {
    const address =
      clientAddress === undefined ? socketAddress() : (clientAddress(request) ?? socketAddress() ?? null)
    if (address === undefined) throw new TypeError(needsAddress)
    return address === null
      ? unknownAddress
      : rateLimitKey(clientAddressOf(request, address, isTrusted, warn))
  }
}

/**
 * Makes the service of one plugin or handler.
 *
 * @param mayKnowAddress True if requests may come with the address of their socket. A plugin of Elysia has it on Bun only.
 * @throws {TypeError} that names an option which is unknown, or cannot be honoured.
 */
export function createHttpService(
  licensing: Licensing,
  options: ServerOptions,
  mayKnowAddress: boolean = isBun,
): HttpService {
  checkOptions({ licensing }, { licensing: isLicensing })
  checkOptions(options, optionRules)
  if (!mayKnowAddress) requireAddress(options)
  const rateLimitKeyOf = rateLimitKeys(options)
  const metrics = options.metrics === true ? startMetrics(licensing) : null
  const dashboard = readDashboard(options.dashboard)
  const people = dashboard === null ? null : peopleOf(licensing, dashboard)
  const publicUrl = options.publicUrl === undefined ? null : readPublicUrl(options.publicUrl)
  return {
    licensing,
    publicUrl,
    origins: readOrigins(options.corsOrigins),
    bodyTimeoutMs: options.bodyTimeoutMs ?? bodyTimeoutMs,
    bodies: new BodyMemory(),
    metrics,
    people,
    linkTo: people === null || people.areOfHost ? null : linkMaker(publicUrl),
    consumeLimit: limitsOf(options.rateLimits, metrics),
    rateLimitKeyOf,
  }
}
