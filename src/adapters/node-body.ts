import { Buffer } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers'

/** A request as body parsers leave it: what they made of the body is its `body`. */
interface ParsedRequest extends IncomingMessage {
  readonly body?: unknown
  readonly rawBody?: unknown
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json *(?:;|$)/i.test(headers['content-type'] ?? '')
}

/** A parsed body as bytes again. `null` if the bytes cannot be told from it, as after a parser of forms. */
function bytesOf(request: ParsedRequest): Buffer | null {
  const { body } = request
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return Buffer.from(body)
  return isJson(request) && typeof body === 'object' ? jsonOf(body) : null
}

/** A parser may leave a value that JSON does not have, such as a BigInt. */
function jsonOf(value: object | null): Buffer | null {
  try {
    return Buffer.from(JSON.stringify(value))
  } catch {
    return null
  }
}

/** Gives a body that a parser has read back to the request. Otherwise it marks the body as used, and reading it is an error. */
export function restoreBody(req: ParsedRequest, request: Request): void {
  const wasRead = req.readableDidRead || req.readableEnded
  if (!wasRead || Buffer.isBuffer(req.rawBody)) return
  const bytes = hasBody(req) ? bytesOf(req) : Buffer.alloc(0)
  if (bytes === null) Object.defineProperty(request, 'bodyUsed', { value: true })
  // srvx reads these bytes in place of the stream.
  else Object.defineProperty(req, 'rawBody', { value: bytes, configurable: true })
}

/**
 * Takes the rest of a body that nobody read, so that the next request can follow on the connection, but not for ever. Deno alone
 * would do neither. After a cancelled body Node reads no other request, so the connection ends.
 *
 * @param milliseconds The time that the rest may take after the response.
 */
export function takeUnreadBody(req: IncomingMessage, res: ServerResponse, milliseconds: number): void {
  // A cancelled body takes the socket away from its request.
  const { socket } = req
  res.once('finish', () => {
    if (req.complete) return
    if (req.destroyed) socket.end()
    else req.resume()
    setTimeout(() => void (req.complete || socket.destroy()), milliseconds).unref()
  })
}
