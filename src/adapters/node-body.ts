import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

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
  if (!isJson(request) || typeof body !== 'object') return null
  return Buffer.from(JSON.stringify(body))
}

/** Gives a body that a parser has read back to the request. Otherwise it marks the body as used, and reading it is an error. */
export function restoreBody(req: ParsedRequest, request: Request): void {
  const wasRead = req.readableDidRead || req.readableEnded
  if (!wasRead || !hasBody(req) || Buffer.isBuffer(req.rawBody)) return
  const bytes = bytesOf(req)
  if (bytes === null) Object.defineProperty(request, 'bodyUsed', { value: true })
  // srvx reads these bytes in place of the stream.
  else Object.defineProperty(req, 'rawBody', { value: bytes, configurable: true })
}
