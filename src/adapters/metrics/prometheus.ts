import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Licensing } from '../../core/licensing.ts'
import { errorCodes, type ErrorCode } from '../http/errors.ts'
import { loadMeters } from './load-meters.ts'
import { defaultRateLimits, type Limit } from '../http/rate-limit.ts'
import { basePath, routes } from '../routes/index.ts'
import { version } from '../version.ts'
import { snakeCase } from '../http/wire.ts'

/** A request that was answered, for the counts. */
export interface AnsweredRequest {
  readonly method: string
  /** As the log has it. */
  readonly path: string
  readonly status: number
  readonly seconds: number
}

/** The counts themselves. */
export interface Meters {
  answered(request: AnsweredRequest): void
  failed(code: ErrorCode): void
  limited(limit: Limit): void
  exposition(): Promise<{ readonly text: string; readonly contentType: string }>
}

/** Anybody may send any method: those beyond share one label. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Verifying takes less than a millisecond, a signature some four and its turn, a fresh key pair seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The paths of the table, whole. */
const wholePaths = new Map(routes.map(({ path }) => [path, basePath + path]))

let processRegistry: Registry | undefined

/** Memory, CPU and event loop belong to the process: they are watched once, however many servers it has. */
function processNumbers(): Registry {
  if (processRegistry !== undefined) return processRegistry
  processRegistry = new Registry()
  collectDefaultMetrics({ register: processRegistry })
  // Anybody may be reading: which version of the runtime has which holes is not told.
  processRegistry.removeSingleMetric('nodejs_version_info')
  return processRegistry
}

function requestMeter(registry: Registry): Meters['answered'] {
  const registers = [registry]
  const requests = new Counter({
    name: 'heartwood_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'heartwood_http_request_duration_seconds',
    help: 'Time from the request to its answer.',
    labelNames: ['method', 'route'],
    buckets,
    registers,
  })
  return ({ method: given, path, status, seconds }) => {
    const method = knownMethods.has(given) ? given : 'other'
    const route = wholePaths.get(path) ?? path
    requests.inc({ method, route, status })
    durations.observe({ method, route }, seconds)
  }
}

/** A counter of one label all of whose values are known, so that each is there from the start, at zero. */
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

/** Makes the counts of one server. */
export function createMeters(licensing: Licensing): Meters {
  const registry = new Registry()
  buildInfo(registry)
  const answered = requestMeter(registry)
  const failures = {
    name: 'heartwood_http_errors_total',
    help: 'Answers that are errors, by machine code.',
    label: 'code',
  }
  const failed = counterBy<ErrorCode>(registry, failures, Object.keys(errorCodes))
  const refusals = {
    name: 'heartwood_http_rate_limited_total',
    help: 'Requests refused, by the limit that did.',
    label: 'limit',
  }
  const limits = Object.keys(defaultRateLimits).map(snakeCase)
  const limited = counterBy<string>(registry, refusals, limits)
  const refresh = loadMeters(registry, licensing)
  const parts = [registry, processNumbers()]
  const exposition: Meters['exposition'] = async () => {
    await refresh()
    const texts = await Promise.all(parts.map((part) => part.metrics()))
    return { text: texts.join(''), contentType: registry.contentType }
  }
  return { answered, failed, limited: (limit) => limited(snakeCase(limit)), exposition }
}
