import type { ServerRequest } from 'srvx'
import { trustedProxies } from '../adapters/http/client-address.ts'
import type { RateLimits, ServerOptions } from '../adapters/elysia.ts'
import { defaultRateLimits, rateLimiter } from '../adapters/http/rate-limit.ts'
import { snakeCase } from '../adapters/http/wire.ts'
import { Refusal } from './refusal.ts'
import type { Environment } from './settings.ts'

const limitNames = new Map(Object.keys(defaultRateLimits).map((name) => [snakeCase(name), name]))

function parseLimits(text: string): RateLimits {
  const given: unknown = JSON.parse(text)
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new TypeError('no object')
  const limits = Object.entries(given).map(([name, quota]) => [limitNames.get(name) ?? '', quota])
  return Object.fromEntries(limits)
}

/** What limits the server has; `null` for none. @throws {Refusal} */
function readRateLimits(environment: Environment): RateLimits | null {
  const text = environment.HEARTWOOD_RATE_LIMITS || '{}'
  if (text === 'off') return null
  try {
    const limits = parseLimits(text)
    rateLimiter(limits)
    return limits
  } catch (cause) {
    const known = [...limitNames.keys()].join(', ')
    throw new Refusal(
      `HEARTWOOD_RATE_LIMITS is "off" or a JSON object of requests a minute, by these names: ${known}`,
      { cause },
    )
  }
}

/** @throws {Refusal} */
function readTrustedProxies(environment: Environment): readonly string[] {
  const proxies = (environment.HEARTWOOD_TRUSTED_PROXIES ?? '').split(/[, ]+/).filter(Boolean)
  try {
    trustedProxies(proxies)
    return proxies
  } catch (cause) {
    throw new Refusal('HEARTWOOD_TRUSTED_PROXIES is a list of addresses or CIDR ranges, comma-separated', {
      cause,
    })
  }
}

/** Exactly as a browser sends them: no path, no default port, no asterisk. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

/** @throws {Refusal} */
function readCorsOrigins(environment: Environment): readonly string[] {
  const origins = (environment.HEARTWOOD_CORS_ORIGINS ?? '').split(/[, ]+/).filter(Boolean)
  if (origins.every(isOrigin)) return origins
  throw new Refusal(
    'HEARTWOOD_CORS_ORIGINS is a list of origins such as https://shop.example.com, comma-separated, without paths',
  )
}

/** @throws {Refusal} */
function readMetrics(environment: Environment): boolean {
  const text = environment.HEARTWOOD_METRICS || 'off'
  if (text === 'on' || text === 'off') return text === 'on'
  throw new Refusal('HEARTWOOD_METRICS is "on", for /metrics in the format of Prometheus, or "off"')
}

/** Reads how licensing is served. @throws {Refusal} saying which setting is wrong. */
export function readServerOptions(environment: Environment): ServerOptions {
  const rateLimits = readRateLimits(environment)
  return {
    standalone: true,
    metrics: readMetrics(environment),
    ...(rateLimits !== null && { rateLimits }),
    trustedProxies: readTrustedProxies(environment),
    corsOrigins: readCorsOrigins(environment),
    clientAddress: (request) => (request as ServerRequest).ip,
  }
}
