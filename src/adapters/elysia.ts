/**
 * The HTTP API as an Elysia plugin: a server of its own, or mounted in a host's app.
 *
 * @module
 */
import { Elysia, type AnyElysia } from 'elysia'
import type { Licensing } from '../core/licensing.ts'
import { answer, respond, type Server } from './answer.ts'
import { HttpError } from './errors.ts'
import { health } from './health.ts'
import { json } from './json.ts'
import { openApiDocument } from './openapi.ts'
import { basePath, methodsOf, routes } from './routes.ts'

/** An answer for a path below ours that the table has not, or not with this method. */
async function unmatched(request: Request): Promise<Response> {
  const path = new URL(request.url).pathname.slice(basePath.length)
  const methods = methodsOf(path)
  if (methods.length === 0) throw new HttpError('not_found', 'Not found')
  throw new HttpError('method_not_allowed', 'Method not allowed', { allow: methods.join(', ') })
}

/** How licensing is served. */
export interface ServerOptions {
  /**
   * Answers every other path with 404 in the documented envelope: for a server of its own. Default false, which leaves
   * them to the host's app.
   */
  readonly standalone?: boolean
}

async function nothingHere(): Promise<Response> {
  throw new HttpError('not_found', 'Not found')
}

function mountRoutes(app: AnyElysia, server: Server): void {
  for (const route of routes)
    // On Node, Elysia reads this function's source: no type annotation may stand in it.
    app.route(
      route.method,
      basePath + route.path,
      ({ request, params }) => answer(server, route, request, params),
      { parse: 'none', detail: { hide: true } },
    )
  const options = { parse: 'none', detail: { hide: true } } as const
  app.all(basePath, ({ request }) => respond(request, basePath, nothingHere), options)
  app.all(`${basePath}/*`, ({ request }) => respond(request, '*', () => unmatched(request)), options)
}

function mountDocuments(app: AnyElysia, server: Server): void {
  let made: Promise<unknown> | undefined
  const document = async (): Promise<Response> => json(await (made ??= openApiDocument()))
  const hidden = { detail: { hide: true } } as const
  app.get('/api/health', ({ request }) => respond(request, '/api/health', () => health(server)), hidden)
  app.get('/swagger/json', ({ request }) => respond(request, '/swagger/json', document), hidden)
}

/**
 * Serves licensing over HTTP: `/api/v1`, `/api/health` and `/swagger`. It is right as a server of its own and mounted in
 * a host's app, whose validation, error handling and routes do not show through.
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
export function licensingServer(licensing: Licensing, options: ServerOptions = {}): AnyElysia {
  const app = new Elysia()
  const server: Server = { licensing }
  mountRoutes(app, server)
  mountDocuments(app, server)
  if (options.standalone === true)
    app.all('/*', ({ request }) => respond(request, '*', nothingHere), {
      parse: 'none',
      detail: { hide: true },
    })
  return app
}
