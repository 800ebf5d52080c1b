/**
 * The HTTP API as an Elysia plugin: a server of its own, or mounted in a host's app.
 *
 * @module
 */
import { Elysia, type AnyElysia } from 'elysia'
import type { Licensing } from '../core/licensing.ts'
import { corsHeaders, preflight } from './http/cors.ts'
import { methodNotAllowed, noSuchRoute } from './http/errors.ts'
import { handleRoute, respond } from './http/handle.ts'
import type { Reply } from './http/reply.ts'
import { createHttpService, type HttpService, type ServerOptions } from './http/service.ts'
import { metricsMethodNotAllowed, metricsReply, type Metrics } from './metrics/metrics.ts'
import { documents } from './openapi/swagger-ui.ts'
import { healthReply, otherHealthMethod } from './routes/health.ts'
import { basePath, methodsOf, routes, routesAt } from './routes/index.ts'

/** The part of Bun's server that knows the address of a client. */
interface BunServer {
  requestIP?(request: Request): { readonly address: string } | null
}

const options = { parse: 'none', detail: { hide: true } } as const

function socketAddress(server: BunServer | null, request: Request): string | null {
  return server?.requestIP?.(request)?.address ?? null
}

async function replyNoSuchRoute(): Promise<Reply> {
  throw noSuchRoute()
}

/** Replies to a path below ours, or a method, that the route table does not have. */
async function replyUnmatched(service: HttpService, request: Request, rest: string): Promise<Reply> {
  const rows = routesAt(`/${rest}`)
  if (rows.length === 0) return replyNoSuchRoute()
  const methods = methodsOf(rows)
  if (request.method === 'OPTIONS') return preflight(request, methods, rows, service.origins)
  throw methodNotAllowed(methods)
}

// On Node, Elysia reads the source text of these handlers, so they must not contain type annotations.
function mountRoutes(app: AnyElysia, service: HttpService): void {
  for (const route of routes)
    app.route(
      route.method,
      basePath + route.path,
      ({ request, params, server }) =>
        handleRoute(service, route, request, params, socketAddress(server, request)),
      options,
    )
}

function respondAt(
  { metrics }: HttpService,
  path: string,
  request: Request,
  work: () => Promise<Reply>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return respond({ request, path, headers: { ...headers }, metrics }, work)
}

/** Health is public, so pages of any origin may read it. */
function mountHealth(app: AnyElysia, service: HttpService): void {
  const path = '/api/health'
  const at = (request: Request, work: () => Promise<Reply>): Promise<Response> =>
    respondAt(service, path, request, work, corsHeaders(request, true, service.origins))
  app.get(path, ({ request }) => at(request, () => healthReply(service, request)), options)
  app.all(path, ({ request }) => at(request, () => otherHealthMethod(service, request)), options)
}

function mountRest(app: AnyElysia, service: HttpService): void {
  const at = (path: string, request: Request, work: () => Promise<Reply>): Promise<Response> =>
    respondAt(service, path, request, work)
  app.all(basePath, ({ request }) => at(basePath, request, replyNoSuchRoute), options)
  app.all(
    `${basePath}/*`,
    ({ request, params }) => at('*', request, () => replyUnmatched(service, request, params['*'] ?? '')),
    options,
  )
}

function mountDocuments(app: AnyElysia, service: HttpService): void {
  for (const [path, reply] of documents(service.publicUrl))
    app.get(path, ({ request }) => respondAt(service, path, request, () => reply(request)), options)
}

function mountMetrics(app: AnyElysia, service: HttpService, metrics: Metrics): void {
  const at = (request: Request, work: () => Promise<Reply>): Promise<Response> =>
    respondAt(service, '/metrics', request, work)
  app.get('/metrics', ({ request }) => at(request, () => metricsReply(metrics, request)), options)
  app.all('/metrics', ({ request }) => at(request, () => metricsMethodNotAllowed(request)), options)
}

/**
 * Serves licensing over HTTP: `/api/v1`, `/api/health`, `/swagger` and, if asked, `/metrics`. The plugin works as a server
 * of its own and mounted in a host's app. The host's validation, error handling and routes do not affect it.
 *
 * As with every Elysia plugin, hooks that the host declares before it also run for its requests. Declare a hook that reads
 * bodies or rewrites responses after the plugin.
 *
 * @param licensing The result of `createLicensing()`.
 * @param settings Options such as limits, CORS origins and metrics.
 * @returns An Elysia app, for `use()`, `group()`, `listen()` or `fetch`.
 * @throws {TypeError} if a rate limit is not a positive integer under a documented name, if a trusted proxy is not an
 * address or a CIDR range, if no browser sends such an origin, if no link can begin with `publicUrl`, or if no timer can
 * count `bodyTimeoutMs`.
 *
 * @example
 * ```ts
 * import { Elysia } from 'elysia'
 * import { createLicensing } from 'heartwood'
 * import { licensingServer } from 'heartwood/elysia'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * const app = new Elysia().use(licensingServer(licensing))
 * const response = await app.handle(new Request('http://localhost/api/health'))
 * console.log(response.status) // 200
 * ```
 */
export function licensingServer(licensing: Licensing, settings: ServerOptions = {}): AnyElysia {
  // By default Elysia assumes a Host of at least four characters and cuts a shorter one's paths in the wrong place.
  const app = new Elysia({ handler: { standardHostname: false } })
  const service = createHttpService(licensing, settings)
  mountRoutes(app, service)
  mountHealth(app, service)
  mountRest(app, service)
  if (settings.documents !== false) mountDocuments(app, service)
  if (service.metrics !== null) mountMetrics(app, service, service.metrics)
  if (settings.standalone === true)
    app.all('/*', ({ request }) => respondAt(service, '*', request, replyNoSuchRoute), options)
  return app
}

export type { RateLimits } from './http/rate-limit.ts'
export type { ServerOptions } from './http/service.ts'
