/**
 * The HTTP API for `node:http` and for frameworks over it, such as Express and Fastify. It works on Node, Bun and Deno.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { NodeRequest, sendNodeResponse } from 'srvx/node'
import type { ClientInfo } from './http.ts'
import { restoreBody, takeUnreadBody } from './node-body.ts'

/** A handler of Fetch requests, such as the result of `createHandler()`. */
export interface FetchHandler {
  (request: Request, info?: ClientInfo): Response | Promise<Response>
  /** True if the handler has the path of a request. Without it, the handler gets every request. */
  serves?(request: Request): boolean
}

/** The parts of an `IncomingMessage` that name it, so that a program needs no types of Node. */
export interface IncomingRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** The parts of a `ServerResponse` that name it. */
export interface OutgoingResponse {
  readonly headersSent: boolean
  readonly writableEnded: boolean
}

/** A handler for `createServer()` of `node:http`, and for `use()` of Express. It resolves when the response is sent. */
export type NodeHandler = (
  request: IncomingRequest,
  response: OutgoingResponse,
  next?: () => void,
) => Promise<void>

/** The time that the rest of a refused body may take, in milliseconds. */
const restMs = 30_000

/**
 * Turns a handler of `heartwood/http` into one for `node:http`. With `next`, as in Express, it passes on the requests for
 * paths that the API does not have. It tells the handler the address of the socket, and reads no header for it.
 *
 * Mount it before every body parser. After `express.json()` it works for JSON, but Express then limits the size, and its own
 * page says what is wrong with broken JSON. A body that another parser has read is 500 `internal_error`, with the reason.
 *
 * @param handler The result of `createHandler()`.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createLicensing } from 'heartwood'
 * import { createHandler } from 'heartwood/http'
 * import { toNodeHandler } from 'heartwood/node'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * const server = createServer(toNodeHandler(createHandler(licensing)))
 * ```
 */
export function toNodeHandler(handler: FetchHandler): NodeHandler {
  return async (incoming, outgoing, next) => {
    const [req, res] = [incoming as IncomingMessage, outgoing as ServerResponse]
    const request: Request = new NodeRequest({ req, res })
    if (next !== undefined && handler.serves?.(request) === false) return next()
    restoreBody(req, request)
    takeUnreadBody(req, res, restMs)
    const address = req.socket.remoteAddress ?? null
    await sendNodeResponse(res, await handler(request, { address }))
  }
}
