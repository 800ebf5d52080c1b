import { getLogger } from '@logtape/logtape'
import { LicensingError } from '../../core/errors.ts'
import type { Licensing } from '../../core/licensing.ts'
import type { ErrorCode } from '../http/errors.ts'
import type { Limit } from '../http/rate-limit.ts'
import type { Reply } from '../http/reply.ts'
import type { Meters } from './prometheus.ts'

/** A request that got a response. `path` is the route's pattern and holds no parameter's value. */
export interface ServedRequest {
  readonly request: Request
  readonly path: string
}

/** Counts the work of the server. */
export interface Metrics {
  /** Resolves when prom-client is loaded. Rejects with `unavailable` if it is not installed. */
  loaded(): Promise<void>
  /** Counts a response. */
  responded(served: ServedRequest, status: number, milliseconds: number): void
  /** Counts an error response. */
  failed(code: ErrorCode): void
  /** Counts a request that a limit rejected. */
  limited(limit: Limit): void
  /** Writes all counts in the text format of Prometheus. */
  exposition(): Promise<{ readonly text: string; readonly contentType: string }>
}

const log = getLogger(['heartwood', 'http'])

/** prom-client is an optional peer dependency, so it may be missing. Another error passes as it is. */
function explain(cause: unknown): never {
  if ((cause as { readonly code?: unknown } | null)?.code !== 'ERR_MODULE_NOT_FOUND') throw cause
  throw new LicensingError('unavailable', 'Metrics need the package "prom-client" beside heartwood', {
    cause,
  })
}

async function loadMeters(licensing: Licensing): Promise<Meters> {
  const { createMeters } = await import('./prometheus.ts').catch(explain)
  return createMeters(licensing)
}

/**
 * Starts to count. Only now prom-client is loaded, so that a server without metrics does not pay for it. Counts that
 * arrive while it loads are added as soon as it has loaded.
 */
export function startMetrics(licensing: Licensing): Metrics {
  const meters = loadMeters(licensing)
  meters.catch((error: unknown) => {
    const reason = error instanceof LicensingError ? error.message : error
    log.error('Metrics could not be started: {reason}', { reason })
  })
  const whenLoaded = (count: (meters: Meters) => void): void => void meters.then(count, () => {})
  return {
    loaded: async () => void (await meters),
    responded: ({ request: { method }, path }, status, milliseconds) =>
      whenLoaded(({ responded }) => responded({ method, path, status, seconds: milliseconds / 1000 })),
    failed: (code) => whenLoaded(({ failed }) => failed(code)),
    limited: (limit) => whenLoaded(({ limited }) => limited(limit)),
    exposition: () => meters.then(({ exposition }) => exposition()),
  }
}

/** Replies to GET at `/metrics`. */
export async function metricsReply(metrics: Metrics): Promise<Reply> {
  const { text, contentType } = await metrics.exposition()
  return { status: 200, headers: { 'content-type': contentType }, body: text }
}
