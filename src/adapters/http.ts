/**
 * The HTTP API as one function from `Request` to `Response`, without a web framework.
 *
 * @module
 */
import { checkOptions, isAnything } from '../core/input/options.ts'
import type { Licensing } from '../core/licensing.ts'
import { createDispatch } from './dispatch.ts'
import { readBasePath } from './http/base-path.ts'
import { HttpError } from './http/errors.ts'
import { createHttpService, optionRules, type ServerOptions, type SocketAddress } from './http/service.ts'

/**
 * Options of {@link createHandler}.
 *
 * @example
 * ```ts
 * import type { HandlerOptions } from 'heartwood/http'
 *
 * const options: HandlerOptions = { basePath: '/licensing', rateLimits: {} }
 * ```
 */
export interface HandlerOptions extends ServerOptions {
  /**
   * The prefix that the paths of requests begin with, such as `/licensing` for `/licensing/api/v1`. `/api/v1` at the end
   * counts as absent. Leave it out if the host takes its prefix away before it calls the handler, as `use()` of Express and
   * `mount()` of Hono do. Default: none.
   */
  readonly basePath?: string
}

/** The things that only the host knows about a request. */
export interface ClientInfo {
  /**
   * The address of the socket that the request arrived on. `null` or `undefined` if the socket has none. Never take it from a
   * header: that is what `trustedProxies` is for.
   */
  readonly address?: string | null | undefined
}

/** The HTTP API. It never rejects: an error is a response too. */
export interface Handler {
  (request: Request, info?: ClientInfo): Promise<Response>
  /**
   * True if the API has the path of a request, so that a host can pass on the others. The handler itself responds to those
   * with 404 `no_such_route`. Always true with `standalone`.
   */
  serves(request: Request): boolean
}

const noAddress =
  'The host app counts requests by address but tells none: pass { address } to the handler, or set clientAddress'

/** Limits without an address would let everybody pass, so the first request shows the mistake. */
function addressReader({ clientAddress }: ServerOptions): (info: ClientInfo | undefined) => SocketAddress {
  return (info) => () => {
    const { address }: ClientInfo = info ?? {}
    if (typeof address === 'string') return address
    const isTold = Object.hasOwn(Object(info) as object, 'address') && (address ?? null) === null
    if (!isTold && clientAddress === undefined) throw new HttpError('internal_error', noAddress)
    return null
  }
}

/**
 * Serves licensing over HTTP for any host that has a `Request` of the Fetch standard: `/api/v1`, `/api/health`, `/swagger`
 * and, if asked, `/metrics`. It responds as the plugin of `heartwood/elysia` does. For `node:http`, Express and Fastify see
 * `heartwood/node`.
 *
 * Call it before anything reads the body of the request.
 *
 * @param licensing The result of `createLicensing()`.
 * @param options Options such as `basePath`, limits, CORS origins and metrics.
 * @throws {TypeError} if an option is malformed or cannot be honoured: for example a rate limit that is not a positive
 * integer, or an origin that no browser sends.
 *
 * @example
 * ```ts
 * import { createLicensing } from 'heartwood'
 * import { createHandler } from 'heartwood/http'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * const handler = createHandler(licensing)
 * const response = await handler(new Request('http://localhost/api/health'))
 * console.log(response.status) // 200
 * ```
 */
export function createHandler(licensing: Licensing, options: HandlerOptions = {}): Handler {
  checkOptions(options, { ...optionRules, basePath: isAnything })
  const { basePath, ...settings } = options
  const base = readBasePath(basePath)
  const dispatch = createDispatch(createHttpService(licensing, settings, true), settings, base)
  const addressOf = addressReader(settings)
  const handler = (request: Request, info?: ClientInfo): Promise<Response> => {
    const response = dispatch.respond(request, addressOf(info))
    return response instanceof Promise ? response : Promise.resolve(response)
  }
  return Object.assign(handler, { serves: (request: Request) => dispatch.isOurs(request) })
}

export type { DashboardOptions, DashboardUser } from './dashboard/options.ts'
export type { RateLimits } from './http/rate-limit.ts'
export type { ServerOptions } from './http/service.ts'
