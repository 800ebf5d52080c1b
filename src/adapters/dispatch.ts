import {
  fixedPaths,
  headResponse,
  respondInApi,
  respondNoSuchRoute,
  withoutSlash,
  type FixedPath,
} from './endpoints.ts'
import { pathAndQuery } from './http/path.ts'
import type { HttpService, ServerOptions, SocketAddress } from './http/service.ts'
import { basePath as apiPath } from './routes/index.ts'

/** Our paths without a web framework. */
export interface Dispatch {
  /** True if the path of a request is one of ours, even if no route has it. */
  isOurs(request: Request): boolean
  /** Responds at once if the route does. It never throws or rejects. */
  respond(request: Request, socketAddress: SocketAddress): Response | Promise<Response>
}

/** The sent path without the base, or `null` if it does not begin with it. The rest of a path of ours begins with a slash. */
function pathBelow(base: string, request: Request): string | null {
  const [path] = pathAndQuery(request)
  return path.startsWith(base) ? path.slice(base.length) : null
}

class Paths implements Dispatch {
  readonly #service: HttpService
  readonly #base: string
  readonly #standalone: boolean
  readonly #fixed: ReadonlyMap<string, FixedPath>

  constructor(service: HttpService, settings: ServerOptions, base: string) {
    this.#service = service
    this.#base = base
    this.#standalone = settings.standalone === true
    this.#fixed = new Map(fixedPaths(service, settings).map((fixed) => [fixed.path, fixed]))
  }

  isOurs(request: Request): boolean {
    if (this.#standalone) return true
    const path = pathBelow(this.#base, request)
    return (
      path !== null && (path === apiPath || path.startsWith(`${apiPath}/`) || this.#at(path) !== undefined)
    )
  }

  respond(request: Request, socketAddress: SocketAddress): Response | Promise<Response> {
    const response = this.#respond(request, socketAddress)
    return request.method === 'HEAD' ? headResponse(response) : response
  }

  #at(path: string): FixedPath | undefined {
    const segment = path.lastIndexOf('/') + 1
    return (
      this.#fixed.get(path) ??
      this.#fixed.get(withoutSlash(path)) ??
      (segment < path.length ? this.#fixed.get(`${path.slice(0, segment)}*`) : undefined)
    )
  }

  #respond(request: Request, socketAddress: SocketAddress): Response | Promise<Response> {
    const path = pathBelow(this.#base, request)
    if (path === null) return respondNoSuchRoute(this.#service, request)
    if (path.startsWith(`${apiPath}/`))
      return respondInApi(this.#service, request, path.slice(apiPath.length), socketAddress)
    if (path === apiPath) return respondNoSuchRoute(this.#service, request, apiPath)
    const fixed = this.#at(path)
    if (fixed === undefined) return respondNoSuchRoute(this.#service, request)
    return request.method === 'GET' || request.method === 'HEAD'
      ? fixed.get(request, socketAddress)
      : fixed.other(request, socketAddress)
  }
}

/** Matches the paths of a service below a base, such as `/licensing`. An empty base is the root. */
export function createDispatch(service: HttpService, settings: ServerOptions, base: string): Dispatch {
  return new Paths(service, settings, base)
}
