import { getLogger } from '@logtape/logtape'
import type { Licensing } from '../../core/licensing.ts'
import { methodNotAllowed, type ErrorCode } from '../http/errors.ts'
import { checkPath } from '../http/path.ts'
import type { Meters } from './prometheus.ts'
import type { Limit } from '../http/rate-limit.ts'
import type { Reply } from '../http/reply.ts'

/** What a request was and where it was answered; `path` is a pattern, never what stood in its place. */
export interface Answered {
  readonly request: Request
  readonly path: string
}

/** Counts what the server does. */
export interface Metrics {
  answered(answered: Answered, status: number, milliseconds: number): void
  /** Counts an answer that is an error. */
  failed(code: ErrorCode): void
  /** Counts a request that a limit refused. */
  limited(limit: Limit): void
  /** Everything counted, as Prometheus reads it. */
  exposition(): Promise<{ readonly text: string; readonly contentType: string }>
}

const log = getLogger(['heartwood', 'http'])

/**
 * Begins to count. The library is loaded only now, so that it costs nothing where nothing is measured; what happens before
 * it is there waits its turn, and is in the next exposition.
 */
export function startMetrics(licensing: Licensing): Metrics {
  const meters = import('./prometheus.ts').then(({ createMeters }) => createMeters(licensing))
  meters.catch((error: unknown) => log.error('Nothing is measured: {error}', { error }))
  const then = (count: (meters: Meters) => void): void => void meters.then(count, () => {})
  return {
    answered: ({ request: { method }, path }, status, milliseconds) =>
      then(({ answered }) => answered({ method, path, status, seconds: milliseconds / 1000 })),
    failed: (code) => then(({ failed }) => failed(code)),
    limited: (limit) => then(({ limited }) => limited(limit)),
    exposition: () => meters.then(({ exposition }) => exposition()),
  }
}

/** The answer to GET at `/metrics`. @throws {HttpError} */
export async function metricsAnswer(metrics: Metrics, request: Request): Promise<Reply> {
  checkPath(request)
  const { text, contentType } = await metrics.exposition()
  return { status: 200, headers: { 'content-type': contentType }, body: text }
}

/** The answer to every method but GET and HEAD. @throws {HttpError} */
export async function metricsRefusal(request: Request): Promise<never> {
  checkPath(request)
  throw methodNotAllowed(['GET', 'HEAD'])
}
