import { trustedProxies } from '../adapters/http/client-address.ts'
import type { RateLimits, ServerOptions } from '../adapters/elysia.ts'
import { readOrigins } from '../adapters/http/cors.ts'
import { readPublicUrl } from '../adapters/http/public-url.ts'
import { defaultRateLimits, rateLimiter } from '../adapters/http/rate-limit.ts'
import { snakeCase } from '../adapters/http/wire.ts'
import { CliError } from './errors.ts'
import { socketAddressOf } from './listener.ts'
import { readPort, type Environment } from './settings.ts'

const limitNames = new Map(Object.keys(defaultRateLimits).map((name) => [snakeCase(name), name]))

function parseLimits(text: string): RateLimits {
  const given: unknown = JSON.parse(text)
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new TypeError('no object')
  const limits = Object.entries(given).map(([name, quota]) => [limitNames.get(name) ?? '', quota])
  return Object.fromEntries(limits)
}

/** Returns `undefined` if the server has no limits. @throws {CliError} */
function readRateLimits(environment: Environment): RateLimits | undefined {
  const text = environment.HEARTWOOD_RATE_LIMITS || '{}'
  if (text === 'off') return undefined
  try {
    const limits = parseLimits(text)
    rateLimiter(limits)
    return limits
  } catch (cause) {
    const known = [...limitNames.keys()].join(', ')
    throw new CliError(
      `HEARTWOOD_RATE_LIMITS must be "off" or a JSON object of requests a minute, with these names: ${known}`,
      { cause },
    )
  }
}

/** @throws {CliError} */
function readTrustedProxies(environment: Environment): readonly string[] {
  const proxies = (environment.HEARTWOOD_TRUSTED_PROXIES ?? '').split(/[, ]+/).filter(Boolean)
  try {
    trustedProxies(proxies)
    return proxies
  } catch (cause) {
    throw new CliError(
      'HEARTWOOD_TRUSTED_PROXIES must be a comma-separated list of addresses or CIDR ranges',
      { cause },
    )
  }
}

/** @throws {CliError} */
function readCorsOrigins(environment: Environment): readonly string[] {
  const origins = (environment.HEARTWOOD_CORS_ORIGINS ?? '').split(/[, ]+/).filter(Boolean)
  try {
    readOrigins(origins)
    return origins
  } catch (cause) {
    throw new CliError((cause as Error).message.replace('corsOrigins', 'HEARTWOOD_CORS_ORIGINS'), { cause })
  }
}

/** Returns `undefined` if the variable is not set. @throws {CliError} */
export function parsePublicUrl(environment: Environment): string | undefined {
  const text = environment.HEARTWOOD_PUBLIC_URL || undefined
  try {
    return text === undefined ? undefined : readPublicUrl(text)
  } catch (cause) {
    throw new CliError(
      'HEARTWOOD_PUBLIC_URL must be an http or https address without user, query or fragment, such as https://licenses.example.com',
      { cause },
    )
  }
}

/** @throws {CliError} */
function readMetrics(environment: Environment): boolean {
  const text = environment.HEARTWOOD_METRICS || 'off'
  if (text === 'on' || text === 'off') return text === 'on'
  throw new CliError('HEARTWOOD_METRICS must be "off", or "on" to serve /metrics in the Prometheus format')
}

/** Reads the port of the metrics, if it is not the one of the API. @throws {CliError} */
export function readMetricsPort(environment: Environment): number | undefined {
  const text = environment.HEARTWOOD_METRICS_PORT || undefined
  if (text === undefined) return undefined
  if (!readMetrics(environment))
    throw new CliError('HEARTWOOD_METRICS_PORT needs HEARTWOOD_METRICS=on, because metrics are off')
  try {
    return readPort(text)
  } catch (cause) {
    throw new CliError('HEARTWOOD_METRICS_PORT must be a number from 0 to 65535', { cause })
  }
}

/** Reads the options of the HTTP server. @throws {CliError} that names the wrong setting. */
export function readServerOptions(environment: Environment): ServerOptions {
  const rateLimits = readRateLimits(environment)
  const publicUrl = parsePublicUrl(environment)
  return {
    standalone: true,
    metrics: readMetrics(environment),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(rateLimits !== undefined && { rateLimits }),
    trustedProxies: readTrustedProxies(environment),
    corsOrigins: readCorsOrigins(environment),
    clientAddress: socketAddressOf,
  }
}
