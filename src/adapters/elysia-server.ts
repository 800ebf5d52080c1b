import { Elysia, type AnyElysia } from 'elysia'
import { corsHeaders, preflight } from './http/cors.ts'
import { getAlone, methodNotAllowed, noSuchRoute } from './http/errors.ts'
import { handleRoute, respond, unknownPath } from './http/handle.ts'
import type { Reply } from './http/reply.ts'
import type { HttpService, ServerOptions } from './http/service.ts'
import { metricsReply, type Metrics } from './metrics/metrics.ts'
import { documents } from './openapi/swagger-ui.ts'
import { healthReply, otherHealthMethod } from './routes/health.ts'
import { basePath, methodsOf, routes, routesAt } from './routes/index.ts'

/** The part of Bun's server that knows the address of a client. */
interface BunServer {
  requestIP?(request: Request): { readonly address: string } | null
}

const options = { parse: 'none', detail: { hide: true } } as const

function socketAddress(server: BunServer | null, request: Request): string | null | undefined {
  return server?.requestIP === undefined ? undefined : (server.requestIP(request)?.address ?? null)
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
        handleRoute(service, route, request, params, () => socketAddress(server, request)),
      options,
    )
}

function respondAt(
  { metrics }: HttpService,
  path: string,
  request: Request,
  work: () => Promise<Reply>,
  headers: Readonly<Record<string, string>> = {},
): Response | Promise<Response> {
  return respond({ request, path, headers: { ...headers }, metrics }, work)
}

/** Health is public, so pages of any origin may read it. */
function mountHealth(app: AnyElysia, service: HttpService): void {
  const path = '/api/health'
  const at = (request: Request, work: () => Promise<Reply>): Response | Promise<Response> =>
    respondAt(service, path, request, work, corsHeaders(request, true, service.origins))
  app.get(path, ({ request }) => at(request, () => healthReply(service)), options)
  app.all(path, ({ request }) => at(request, () => otherHealthMethod(service, request)), options)
}

function mountRest(app: AnyElysia, service: HttpService): void {
  const at = (path: string, request: Request, work: () => Promise<Reply>): Response | Promise<Response> =>
    respondAt(service, path, request, work)
  app.all(basePath, ({ request }) => at(basePath, request, replyNoSuchRoute), options)
  app.all(
    `${basePath}/*`,
    ({ request, params }) =>
      at(unknownPath, request, () => replyUnmatched(service, request, params['*'] ?? '')),
    options,
  )
}

function mountDocuments(app: AnyElysia, service: HttpService): void {
  for (const [path, reply] of documents(service.publicUrl)) {
    app.get(path, ({ request }) => respondAt(service, path, request, () => reply(request)), options)
    app.all(path, ({ request }) => respondAt(service, path, request, getAlone), options)
  }
}

function mountMetrics(app: AnyElysia, service: HttpService, metrics: Metrics): void {
  const at = (request: Request, work: () => Promise<Reply>): Response | Promise<Response> =>
    respondAt(service, '/metrics', request, work)
  app.get('/metrics', ({ request }) => at(request, () => metricsReply(metrics)), options)
  app.all('/metrics', ({ request }) => at(request, getAlone), options)
}

function newApp(): AnyElysia {
  // By default Elysia assumes a Host of at least four characters and cuts a shorter one's paths in the wrong place.
  const app = new Elysia({ handler: { standardHostname: false } })
  // A host that is made with `aot: false` looks `none` up among the parsers. This one leaves the body unread.
  return app.parser('none', () => 'unread')
}

function mountNothingElse(app: AnyElysia, service: HttpService): void {
  app.all('/*', ({ request }) => respondAt(service, unknownPath, request, replyNoSuchRoute), options)
}

/** Serves the API, and the metrics of the service if the settings ask for them here. */
export function apiServer(service: HttpService, settings: ServerOptions): AnyElysia {
  const app = newApp()
  mountRoutes(app, service)
  mountHealth(app, service)
  mountRest(app, service)
  if (settings.documents !== false) mountDocuments(app, service)
  if (settings.metrics === true && service.metrics !== null) mountMetrics(app, service, service.metrics)
  if (settings.standalone === true) mountNothingElse(app, service)
  return app
}

/** Serves the metrics of a service alone, for a port of their own. */
export function metricsServer(service: HttpService, metrics: Metrics): AnyElysia {
  const app = newApp()
  mountMetrics(app, service, metrics)
  mountNothingElse(app, service)
  return app
}
