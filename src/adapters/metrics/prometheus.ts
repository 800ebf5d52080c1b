import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Licensing } from '../../core/licensing.ts'
import { errorCodes, type ErrorCode } from '../http/errors.ts'
import { loadMeters } from './load-meters.ts'
import { defaultRateLimits, type Limit } from '../http/rate-limit.ts'
import { basePath, routes } from '../routes/index.ts'
import { version } from '../version.ts'
import { snakeCase } from '../../core/wire.ts'

/** The labels and the duration of a request that got a response. */
export interface RequestSample {
  readonly method: string
  /** The route's pattern, as in the log. */
  readonly path: string
  readonly status: number
  readonly seconds: number
}

/** The meters behind {@link Metrics}. */
export interface Meters {
  responded(sample: RequestSample): void
  failed(code: ErrorCode): void
  limited(limit: Limit): void
  exposition(): Promise<{ readonly text: string; readonly contentType: string }>
}

/** Other methods share one label, because anybody may send any method. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** In seconds. Verifying takes under 1 ms, a signature about 4 ms and its wait, a fresh key pair some seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The paths of the route table with their base. */
const fullPaths = new Map(routes.map(({ path }) => [path, basePath + path]))

let processRegistry: Registry | undefined

/** Memory, CPU and event loop belong to the process, so all its servers share one registry. */
function processMetrics(): Registry {
  if (processRegistry !== undefined) return processRegistry
  processRegistry = new Registry()
  collectDefaultMetrics({ register: processRegistry })
  // The page may be public, and the runtime's version would tell an attacker its known vulnerabilities.
  processRegistry.removeSingleMetric('nodejs_version_info')
  return processRegistry
}

function requestMeter(registry: Registry): Meters['responded'] {
  const registers = [registry]
  const requests = new Counter({
    name: 'heartwood_http_requests_total',
    help: 'Requests that got a response.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'heartwood_http_request_duration_seconds',
    help: 'Time from the request to its response.',
    labelNames: ['method', 'route'],
    buckets,
    registers,
  })
  return ({ method: given, path, status, seconds }) => {
    const method = knownMethods.has(given) ? given : 'other'
    const route = fullPaths.get(path) ?? path
    requests.inc({ method, route, status })
    durations.observe({ method, route }, seconds)
  }
}

/** A counter by one label. All values of the label are known, so each begins at zero and always shows. */
function counterBy<Value extends string>(
  registry: Registry,
  { name, help, label }: { readonly name: string; readonly help: string; readonly label: string },
  values: readonly string[],
): (value: Value) => void {
  const counter = new Counter({ name, help, labelNames: [label], registers: [registry] })
  for (const value of values) counter.inc({ [label]: value }, 0)
  return (value) => counter.inc({ [label]: value })
}

function buildInfo(registry: Registry): void {
  const labelNames = ['version']
  const help = 'Heartwood’s own version.'
  new Gauge({ name: 'heartwood_build_info', help, labelNames, registers: [registry] }).set({ version }, 1)
}

/** Makes the meters of one server. */
export function createMeters(licensing: Licensing): Meters {
  const registry = new Registry()
  buildInfo(registry)
  const responded = requestMeter(registry)
  const failures = {
    name: 'heartwood_http_errors_total',
    help: 'Error responses, by machine code.',
    label: 'code',
  }
  const failed = counterBy<ErrorCode>(registry, failures, Object.keys(errorCodes))
  const rejections = {
    name: 'heartwood_http_rate_limited_total',
    help: 'Requests refused by a rate limit, by limit.',
    label: 'limit',
  }
  const limits = Object.keys(defaultRateLimits).map(snakeCase)
  const limited = counterBy<string>(registry, rejections, limits)
  const refresh = loadMeters(registry, licensing)
  const parts = [registry, processMetrics()]
  const exposition: Meters['exposition'] = async () => {
    await refresh()
    const texts = await Promise.all(parts.map((part) => part.metrics()))
    return { text: texts.join(''), contentType: registry.contentType }
  }
  return { responded, failed, limited: (limit) => limited(snakeCase(limit)), exposition }
}
