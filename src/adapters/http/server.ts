import { getLogger } from '@logtape/logtape'
import type { Licensing } from '../../core/licensing.ts'
import { callerOf, originOf, trustedProxies, unknownCaller } from './client-address.ts'
import type { Origins } from './cors.ts'
import { HttpError } from './errors.ts'
import { startMetrics, type Metrics } from '../metrics/metrics.ts'
import { rateLimiter, type Limit, type RateLimiter, type RateLimits } from './rate-limit.ts'

/** How licensing is served. */
export interface ServerOptions {
  /**
   * Answers every other path with 404 in the documented envelope: for a server of its own. Default false, which leaves
   * them to the host's app.
   */
  readonly standalone?: boolean
  /** Serves `/swagger` and `/swagger/json`. Default true. */
  readonly documents?: boolean
  /**
   * Serves `/metrics` for Prometheus, to whoever asks: keep your proxy from forwarding that path, or mount the plugin under
   * a prefix. Default false; then nothing is counted.
   */
  readonly metrics?: boolean
  /** Limits requests per minute and address, counted on this server; `{}` takes the documented limits. Default: none. */
  readonly rateLimits?: RateLimits
  /** The address of the socket that a request came in by. Limits need it: without it nothing is limited, but on Bun it is found. */
  readonly clientAddress?: (request: Request) => string | null | undefined
  /** Addresses or CIDR ranges of the proxies whose `X-Forwarded-For` is believed. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Origins whose pages may call every route from a browser; the public routes any origin may. Default: none. */
  readonly corsOrigins?: readonly string[]
}

/** What answers: licensing, and how it is served. */
export interface Server {
  readonly licensing: Licensing
  readonly origins: Origins
  /** What is counted, `null` where nothing is. */
  readonly metrics: Metrics | null
  /** Counts a request of this address; `null` where nothing is limited. */
  readonly limit: ((limit: Limit, caller: string) => Promise<Readonly<Record<string, string>>>) | null
  /** Under what a request's sender is counted. */
  readonly callerOf: (request: Request, socketAddress: string | null) => string
}

const log = getLogger(['heartwood', 'http'])

/** Where no address is known, all would share one count and use up each other's: there nothing is limited, and the log says so. */
function limitKnown(limiter: RateLimiter): NonNullable<Server['limit']> {
  let isTold = false
  return (limit, caller) => {
    if (caller !== unknownCaller) return limiter.consume(limit, caller)
    if (!isTold) log.warn('Nothing is limited: the addresses of callers are not known, give clientAddress')
    isTold = true
    return Promise.resolve({})
  }
}

/** Counts the refusals too. */
function limitCounted(limit: NonNullable<Server['limit']>, metrics: Metrics): NonNullable<Server['limit']> {
  return (name, caller) =>
    limit(name, caller).catch((error: unknown) => {
      if (error instanceof HttpError) metrics.limited(name)
      throw error
    })
}

function limitOf(rateLimits: RateLimits | undefined, metrics: Metrics | null): Server['limit'] {
  if (rateLimits === undefined) return null
  const limit = limitKnown(rateLimiter(rateLimits))
  return metrics === null ? limit : limitCounted(limit, metrics)
}

/** Checks the options. @throws {TypeError} for one that is malformed. */
export function createServer(licensing: Licensing, options: ServerOptions): Server {
  const isTrusted = trustedProxies(options.trustedProxies ?? [])
  const metrics = options.metrics === true ? startMetrics(licensing) : null
  return {
    licensing,
    origins: new Set(options.corsOrigins),
    metrics,
    limit: limitOf(options.rateLimits, metrics),
    callerOf(request, socketAddress) {
      const address = options.clientAddress?.(request) ?? socketAddress
      return address === null ? unknownCaller : callerOf(originOf(request, address, isTrusted))
    },
  }
}
