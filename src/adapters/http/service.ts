import { getLogger } from '@logtape/logtape'
import type { Licensing } from '../../core/licensing.ts'
import { startMetrics, type Metrics } from '../metrics/metrics.ts'
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
   * The address of the socket a request arrived on. On Bun it is known without this option. On other runtimes limits
   * need it: without it nothing is limited.
   */
  readonly clientAddress?: (request: Request) => string | null | undefined
  /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is trusted. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Origins whose pages may call every route from a browser. Any origin may call the public routes. Default: none. */
  readonly corsOrigins?: readonly string[]
  /**
   * The longest that the body of a request may take to arrive, in milliseconds. After that the response is 408
   * `request_timeout`. Default 30,000.
   */
  readonly bodyTimeoutMs?: number
}

/** Counts one request under a key. Resolves to the rate-limit headers. @throws {HttpError} `rate_limited`. */
export type ConsumeLimit = (limit: Limit, key: string) => Promise<Readonly<Record<string, string>>>

/** Licensing as one HTTP API serves it: with its limits, metrics and origins. */
export interface HttpService {
  readonly licensing: Licensing
  /** Without a slash at its end. `null` if the option is not set. */
  readonly publicUrl: string | null
  readonly origins: Origins
  readonly bodyTimeoutMs: number
  /** `null` if metrics are off. */
  readonly metrics: Metrics | null
  /** `null` if limits are off. */
  readonly consumeLimit: ConsumeLimit | null
  /** The rate-limit key of the client that sent a request. */
  readonly rateLimitKeyOf: (request: Request, socketAddress: string | null) => string
}

const log = getLogger(['heartwood', 'http'])

/** Requests without a known address would share one count and use up each other's, so they are not limited. */
function skipUnknown(limiter: RateLimiter): ConsumeLimit {
  let hasWarned = false
  return (limit, key) => {
    if (key !== unknownAddress) return limiter.consume(limit, key)
    if (!hasWarned) log.warn('Rate limits are off, because client addresses are unknown: set clientAddress')
    hasWarned = true
    return Promise.resolve({})
  }
}

function countRejected(consumeLimit: ConsumeLimit, metrics: Metrics): ConsumeLimit {
  return (limit, key) =>
    consumeLimit(limit, key).catch((error: unknown) => {
      if (error instanceof HttpError) metrics.limited(limit)
      throw error
    })
}

function limitsOf(rateLimits: RateLimits | undefined, metrics: Metrics | null): ConsumeLimit | null {
  if (rateLimits === undefined) return null
  const consumeLimit = skipUnknown(rateLimiter(rateLimits))
  return metrics === null ? consumeLimit : countRejected(consumeLimit, metrics)
}

/** A timer with a longer time would run at once. */
const longestTimerMs = 2 ** 31 - 1

/** @throws {TypeError} */
function readBodyTimeout(given: number = bodyTimeoutMs): number {
  if (Number.isInteger(given) && given > 0 && given <= longestTimerMs) return given
  throw new TypeError(`bodyTimeoutMs must be an integer from 1 to ${longestTimerMs}`)
}

/** Makes the service of one plugin. @throws {TypeError} for a malformed option. */
export function createHttpService(licensing: Licensing, options: ServerOptions): HttpService {
  const isTrusted = trustedProxies(options.trustedProxies ?? [])
  const metrics = options.metrics === true ? startMetrics(licensing) : null
  return {
    licensing,
    publicUrl: options.publicUrl === undefined ? null : readPublicUrl(options.publicUrl),
    origins: readOrigins(options.corsOrigins),
    bodyTimeoutMs: readBodyTimeout(options.bodyTimeoutMs),
    metrics,
    consumeLimit: limitsOf(options.rateLimits, metrics),
    rateLimitKeyOf(request, socketAddress) {
      const address = options.clientAddress?.(request) ?? socketAddress
      return address === null ? unknownAddress : rateLimitKey(clientAddressOf(request, address, isTrusted))
    },
  }
}
