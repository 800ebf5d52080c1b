/**
 * The HTTP API as an Elysia plugin: a server of its own, or mounted in a host's app.
 *
 * @module
 */
import { Elysia, type AnyElysia } from 'elysia'
import type { Licensing } from '../core/licensing.ts'
import { answer, respond } from './http/answer.ts'
import { corsHeaders, preflight } from './http/cors.ts'
import { HttpError, methodNotAllowed } from './http/errors.ts'
import { health, healthRefusal } from './routes/health.ts'
import { metricsAnswer, metricsRefusal, type Metrics } from './metrics/metrics.ts'
import { basePath, methodsOf, routes, routesAt } from './routes/index.ts'
import type { Reply } from './http/reply.ts'
import { createServer, type Server, type ServerOptions } from './http/server.ts'
import { documents } from './openapi/swagger-ui.ts'

/** The part of Bun's server that knows who is at the other end. */
interface SocketServer {
  requestIP?(request: Request): { readonly address: string } | null
}

const options = { parse: 'none', detail: { hide: true } } as const

function socketAddress(socketServer: SocketServer | null, request: Request): string | null {
  return socketServer?.requestIP?.(request)?.address ?? null
}

async function nothingHere(): Promise<Reply> {
  throw new HttpError('not_found', 'Not found')
}

/** An answer for a path below ours that the table has not, or not with this method. */
async function unmatched(server: Server, request: Request, rest: string): Promise<Reply> {
  const rows = routesAt(`/${rest}`)
  if (rows.length === 0) return nothingHere()
  const methods = methodsOf(rows)
  if (request.method === 'OPTIONS') return preflight(request, methods, rows, server.origins)
  throw methodNotAllowed(methods)
}

// On Node, Elysia reads the source of these handlers: no type annotation may stand in them.
function mountRoutes(app: AnyElysia, licensed: Server): void {
  for (const route of routes)
    app.route(
      route.method,
      basePath + route.path,
      ({ request, params, server }) =>
        answer(licensed, route, request, params, socketAddress(server, request)),
      options,
    )
}

function respondAt(
  { metrics }: Server,
  path: string,
  request: Request,
  work: () => Promise<Reply>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return respond({ request, path, headers: { ...headers }, metrics }, work)
}

/** Public, and so for pages of any origin. */
function mountHealth(app: AnyElysia, licensed: Server): void {
  const path = '/api/health'
  const at = (request: Request, work: () => Promise<Reply>): Promise<Response> =>
    respondAt(licensed, path, request, work, corsHeaders(request, true, licensed.origins))
  app.get(path, ({ request }) => at(request, () => health(licensed, request)), options)
  app.all(path, ({ request }) => at(request, () => healthRefusal(licensed, request)), options)
}

function mountRest(app: AnyElysia, licensed: Server): void {
  const at = (path: string, request: Request, work: () => Promise<Reply>): Promise<Response> =>
    respondAt(licensed, path, request, work)
  app.all(basePath, ({ request }) => at(basePath, request, nothingHere), options)
  app.all(
    `${basePath}/*`,
    ({ request, params }) => at('*', request, () => unmatched(licensed, request, params['*'] ?? '')),
    options,
  )
}

function mountDocuments(app: AnyElysia, licensed: Server): void {
  for (const [path, answerWith] of documents)
    app.get(path, ({ request }) => respondAt(licensed, path, request, () => answerWith(request)), options)
}

function mountMetrics(app: AnyElysia, licensed: Server, metrics: Metrics): void {
  const at = (request: Request, work: () => Promise<Reply>): Promise<Response> =>
    respondAt(licensed, '/metrics', request, work)
  app.get('/metrics', ({ request }) => at(request, () => metricsAnswer(metrics, request)), options)
  app.all('/metrics', ({ request }) => at(request, () => metricsRefusal(request)), options)
}

/**
 * Serves licensing over HTTP: `/api/v1`, `/api/health`, `/swagger` and, if asked, `/metrics`. It is right as a server of its
 * own and mounted in a host's app, whose validation, error handling and routes do not show through. As with every Elysia
 * plugin, hooks that the host declares before it run here too: one that rewrites answers or reads bodies belongs behind it.
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
  // Otherwise a Host of fewer than four characters has every path looked for in the wrong place.
  const app = new Elysia({ handler: { standardHostname: false } })
  const licensed = createServer(licensing, settings)
  mountRoutes(app, licensed)
  mountHealth(app, licensed)
  mountRest(app, licensed)
  if (settings.documents !== false) mountDocuments(app, licensed)
  if (licensed.metrics !== null) mountMetrics(app, licensed, licensed.metrics)
  if (settings.standalone === true)
    app.all('/*', ({ request }) => respondAt(licensed, '*', request, nothingHere), options)
  return app
}

export type { RateLimits } from './http/rate-limit.ts'
export type { ServerOptions } from './http/server.ts'
