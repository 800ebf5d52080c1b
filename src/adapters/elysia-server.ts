import { Elysia } from 'elysia'
import {
  fixedPaths,
  headResponse,
  metricsPath,
  respondInApi,
  respondNoSuchRoute,
  respondUnmatched,
  withoutSlash,
  type FixedPath,
} from './endpoints.ts'
import { handleRoute } from './http/handle.ts'
import type { HttpService, ServerOptions } from './http/service.ts'
import type { Metrics } from './metrics/metrics.ts'
import { basePath, findRoute, routes } from './routes/index.ts'

/** The part of Bun's server that knows the address of a client. */
interface BunServer {
  requestIP?(request: Request): { readonly address: string } | null
}

const options = { parse: 'none', detail: { hide: true } } as const

function socketAddress(server: BunServer | null, request: Request): string | null | undefined {
  return server?.requestIP === undefined ? undefined : (server.requestIP(request)?.address ?? null)
}

// On Node, Elysia reads the source text of these handlers, so they must not contain type annotations.
function mountRoutes(app: Elysia, service: HttpService): void {
  for (const route of routes)
    app.route(
      route.method,
      basePath + route.path,
      ({ request, params, server }) =>
        handleRoute(service, route, request, params, () => socketAddress(server, request)),
      options,
    )
}

// Elysia gives HEAD to the handlers of GET, but in a host with `aot: false` to those of `all`.
function mountFixed(app: Elysia, { path, get, other }: FixedPath): void {
  app.get(path, ({ request, server }) => get(request, () => socketAddress(server, request)), options)
  app.all(
    path,
    ({ request, server }) => {
      const addressOf = () => socketAddress(server, request)
      return request.method === 'HEAD' ? headResponse(get(request, addressOf)) : other(request, addressOf)
    },
    options,
  )
}

function respondToRest(
  service: HttpService,
  request: Request,
  path: string,
  server: BunServer | null,
): Response | Promise<Response> {
  if (request.method !== 'HEAD' || findRoute('GET', withoutSlash(path)) === null)
    return respondUnmatched(service, request, path)
  return headResponse(respondInApi(service, request, path, () => socketAddress(server, request)))
}

function mountRest(app: Elysia, service: HttpService): void {
  app.all(basePath, ({ request }) => respondNoSuchRoute(service, request, basePath), options)
  app.all(
    `${basePath}/*`,
    ({ request, params, server }) => respondToRest(service, request, `/${params['*'] ?? ''}`, server),
    options,
  )
}

function newApp(): Elysia {
  // By default Elysia assumes a Host of at least four characters and cuts a shorter one's paths in the wrong place.
  const app = new Elysia({ handler: { standardHostname: false } })
  // A host that is made with `aot: false` looks `none` up among the parsers. This one leaves the body unread.
  return app.parser('none', () => 'unread') as unknown as Elysia
}

function mountNothingElse(app: Elysia, service: HttpService): void {
  app.all('/*', ({ request }) => respondNoSuchRoute(service, request), options)
}

/** Serves the API, and the metrics of the service if the settings ask for them here. */
export function apiServer(service: HttpService, settings: ServerOptions): Elysia {
  const app = newApp()
  mountRoutes(app, service)
  mountRest(app, service)
  for (const fixed of fixedPaths(service, settings)) mountFixed(app, fixed)
  if (settings.standalone === true) mountNothingElse(app, service)
  return app
}

/** Serves the metrics of a service alone, for a port of their own. */
export function metricsServer(service: HttpService, metrics: Metrics): Elysia {
  const app = newApp()
  mountFixed(app, metricsPath(service, metrics))
  mountNothingElse(app, service)
  return app
}
