import { createHandler, type HandlerOptions } from '../../src/adapters/http.ts'
import type { Licensing } from '../../src/core/index.ts'

type RouteHandler = (request: Request) => Promise<Response>

/** The exports of `app/licensing/[...path]/route.ts` in Next.js. Next calls the one of the request's method. */
export function routeModule(
  licensing: Licensing,
  options: HandlerOptions,
): Readonly<Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS', RouteHandler>> {
  const handler = createHandler(licensing, {
    ...options,
    basePath: '/licensing',
    clientAddress: (request) => request.headers.get('x-real-ip'),
  })
  const handle = (request: Request): Promise<Response> => handler(request)
  return {
    GET: handle,
    HEAD: handle,
    POST: handle,
    PUT: handle,
    DELETE: handle,
    PATCH: handle,
    OPTIONS: handle,
  }
}
