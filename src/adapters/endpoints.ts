import { dashboardPaths } from './dashboard/paths.ts'
import { corsHeaders, preflight } from './http/cors.ts'
import { getAlone, methodNotAllowed, noSuchRoute } from './http/errors.ts'
import { handleRoute, respond, unknownPath } from './http/handle.ts'
import type { Reply } from './http/reply.ts'
import type { HttpService, ServerOptions, SocketAddress } from './http/service.ts'
import { metricsReply, type Metrics } from './metrics/metrics.ts'
import { documents } from './openapi/swagger-ui.ts'
import { healthReply, otherHealthMethod } from './routes/health.ts'
import { findRoute, methodsOf, routesAt } from './routes/index.ts'

type Responder = (request: Request, socketAddress: SocketAddress) => Response | Promise<Response>

/** A path outside the route table. A `*` at its end is one segment. */
export interface FixedPath {
  readonly path: string
  /** Responds to GET and HEAD. */
  readonly get: Responder
  /** Responds to every other method. */
  readonly other: Responder
}

function respondAt(
  { metrics }: HttpService,
  path: string,
  request: Request,
  work: () => Promise<Reply>,
  headers: Readonly<Record<string, string>> = {},
): Response | Promise<Response> {
  return respond({ request, path, headers: { 'cache-control': 'no-store', ...headers }, metrics }, work)
}

async function replyNoSuchRoute(): Promise<Reply> {
  throw noSuchRoute()
}

/** Responds to a path that is none of ours. */
export function respondNoSuchRoute(
  service: HttpService,
  request: Request,
  path: string = unknownPath,
): Response | Promise<Response> {
  return respondAt(service, path, request, replyNoSuchRoute)
}

async function replyUnmatched(service: HttpService, request: Request, path: string): Promise<Reply> {
  const rows = routesAt(path)
  if (rows.length === 0) return replyNoSuchRoute()
  const methods = methodsOf(rows)
  if (request.method === 'OPTIONS') return preflight(request, methods, rows, service.origins)
  throw methodNotAllowed(methods)
}

/** Responds to a path below `/api/v1`, or a method, that the route table does not have. */
export function respondUnmatched(
  service: HttpService,
  request: Request,
  path: string,
): Response | Promise<Response> {
  return respondAt(service, unknownPath, request, () => replyUnmatched(service, request, path))
}

/** A slash at the end is another spelling. The path keeps its route, which then refuses the spelling with its CORS headers. */
export function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}

/** Responds to a path below `/api/v1`. */
export function respondInApi(
  service: HttpService,
  request: Request,
  path: string,
  socketAddress: SocketAddress,
): Response | Promise<Response> {
  const found = findRoute(request.method, withoutSlash(path))
  return found === null
    ? respondUnmatched(service, request, path)
    : handleRoute(service, found.value, request, found.params, socketAddress)
}

/** A response to HEAD has the length of the body that GET gets (RFC 9110 section 9.3.2). */
export async function headResponse(response: Response | Promise<Response>): Promise<Response> {
  const { status, headers: given, body } = await response
  const { byteLength } = await new Response(body).arrayBuffer()
  const headers = new Headers(given)
  headers.set('content-length', String(byteLength))
  return new Response(null, { status, headers })
}

/** Health is public, so pages of any origin may read it. */
function healthPath(service: HttpService): FixedPath {
  const path = '/api/health'
  const at = (request: Request, work: () => Promise<Reply>): Response | Promise<Response> =>
    respondAt(service, path, request, work, corsHeaders(request, true, service.origins))
  return {
    path,
    get: (request) => at(request, () => healthReply(service)),
    other: (request) => at(request, () => otherHealthMethod(service, request)),
  }
}

function servedPath(
  service: HttpService,
  path: string,
  reply: (request: Request) => Promise<Reply>,
): FixedPath {
  // Metrics count `/swagger/` as `/swagger`.
  const name = withoutSlash(path)
  return {
    path,
    get: (request) => respondAt(service, name, request, () => reply(request)),
    other: (request) => respondAt(service, name, request, getAlone),
  }
}

/** The path of the metrics. */
export function metricsPath(service: HttpService, metrics: Metrics): FixedPath {
  return servedPath(service, '/metrics', () => metricsReply(metrics))
}

/** The paths of the dashboard. Their responders choose by the method themselves. */
function pathsOfDashboard(service: HttpService): readonly FixedPath[] {
  return dashboardPaths(service).map(([path, reply]) => {
    const respondTo: Responder = (request, socketAddress) =>
      respondAt(service, withoutSlash(path), request, () => reply(request, socketAddress))
    return { path, get: respondTo, other: respondTo }
  })
}

/** The health, the documents, the dashboard and the metrics, as the settings ask for them. */
export function fixedPaths(service: HttpService, settings: ServerOptions): readonly FixedPath[] {
  const pages = settings.documents === false ? [] : documents(service.publicUrl)
  return [
    healthPath(service),
    ...pages.map(([path, reply]) => servedPath(service, path, reply)),
    ...pathsOfDashboard(service),
    ...(settings.metrics === true && service.metrics !== null ? [metricsPath(service, service.metrics)] : []),
  ]
}
