/**
 * The HTTP API as an Elysia plugin: a server of its own, or mounted in a host's app.
 *
 * @module
 */
import type { Elysia } from 'elysia'
import type { Licensing } from '../core/licensing.ts'
import { apiServer } from './elysia-server.ts'
import { createHttpService, type ServerOptions } from './http/service.ts'

/**
 * Serves licensing over HTTP: `/api/v1`, `/api/health`, `/swagger` and, if asked, `/metrics`. The plugin works as a server
 * of its own and mounted in a host's app. The host's validation, error handling and routes do not affect it.
 *
 * As with every Elysia plugin, hooks that the host declares before it also run for its requests. Declare a hook that reads
 * bodies or rewrites responses after the plugin.
 *
 * @param licensing The result of `createLicensing()`.
 * @param settings Options such as limits, CORS origins and metrics.
 * @returns An Elysia app, for `use()`, `group()`, `listen()` or `fetch`. Its type names no route, so the types of the host's
 * own routes stay as they are, for Eden too.
 * @throws {TypeError} if an option is malformed or cannot be honoured: for example a rate limit that is not a positive
 * integer, rate limits without `clientAddress` on another runtime than Bun, or an origin that no browser sends.
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
export function licensingServer(licensing: Licensing, settings: ServerOptions = {}): Elysia {
  return apiServer(createHttpService(licensing, settings), settings)
}

export type { DashboardOptions, DashboardUser } from './dashboard/options.ts'
export type { RateLimits } from './http/rate-limit.ts'
export type { ServerOptions } from './http/service.ts'
