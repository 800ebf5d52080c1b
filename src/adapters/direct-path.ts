import { handleRoute } from './http/handle.ts'
import type { Route } from './http/route.ts'
import type { HttpService } from './http/service.ts'
import { basePath, routes } from './routes/index.ts'

/** The path of nearly all requests. A listener may respond to it before a web framework looks at the request. */
export interface DirectPath {
  /** With its parameter as `:slug`. */
  readonly pattern: string
  /**
   * Responds as the web framework would. `null` unless the path is plainly this one and the method has a route: then the
   * framework responds.
   *
   * @param sent The path and the query, exactly as they were sent.
   * @param slug The parameter, if a router has found it.
   */
  respond(request: Request, sent: string, slug?: string): Response | Promise<Response> | null
}

const path = '/apps/:slug/licenses/verify'
const plainly = new RegExp(`^${basePath}${path.replace(':slug', '([a-z0-9-]{1,63})')}(?:\\?|$)`)

const rows: readonly Route[] = routes.filter((row) => row.path === path)

/** The path of verification. */
export function directPath(service: HttpService): DirectPath {
  const rowOf = (method: string): Route | undefined => rows.find((row) => row.method === method)
  return {
    pattern: basePath + path,
    respond: (request, sent, slug) => {
      const found = plainly.exec(sent)?.[1]
      const row = rowOf(request.method)
      if (found === undefined || row === undefined || (slug !== undefined && slug !== found)) return null
      return handleRoute(service, row, request, { slug: found })
    },
  }
}
