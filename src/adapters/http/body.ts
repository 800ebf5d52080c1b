import { HttpError } from './errors.ts'

/** The size of the largest accepted body, in bytes. */
export const maxBodyBytes: number = 256 * 1024

/** The longest that a body may take by default, in milliseconds. */
export const bodyTimeoutMs = 30_000

type BodyReader = ReadableStreamDefaultReader<Uint8Array>

/** The white space of JSON (RFC 8259 section 2). */
const jsonSpaces = /^[ \t\n\r]*$/

/** `curl -d` sends JSON under the form type, and our documents use it. No body is ever parsed as a form. */
const jsonTypes = new Set(['application/json', 'application/x-www-form-urlencoded', ''])

function tooLarge(): HttpError {
  return new HttpError('body_too_large', 'Request body is larger than 256 KiB')
}

function tooSlow(): HttpError {
  return new HttpError('request_timeout', 'Request body took too long to arrive')
}

function checkType(request: Request): void {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  if (!jsonTypes.has(type.trim().toLowerCase()))
    throw new HttpError('unsupported_media_type', 'Request body must be application/json')
}

/** A client that disconnects while it sends is not a fault of the server. */
function disconnected(): never {
  throw new HttpError('invalid_json', 'Request body could not be read')
}

async function collect(reader: BodyReader, late: Promise<never>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await Promise.race([reader.read().catch(disconnected), late])
    if (done) break
    length += value.length
    if (length > maxBodyBytes) throw tooLarge()
    chunks.push(value)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

async function readBytes(body: ReadableStream<Uint8Array>, timeoutMs: number): Promise<Uint8Array> {
  const reader = body.getReader()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(tooSlow()), timeoutMs)
  try {
    return await collect(reader, late.promise)
  } catch (error) {
    // A stream that never settles must not delay the response.
    void reader.cancel().catch(() => {})
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return jsonSpaces.test(text) ? {} : JSON.parse(text)
  } catch {
    throw new HttpError('invalid_json', 'Request body is not valid JSON')
  }
}

/**
 * Reads the JSON body of a request, at most 256 KiB. An empty body reads as `{}`.
 *
 * @param timeoutMs The longest that the body may take, in milliseconds.
 * @throws {HttpError} `body_too_large`, `request_timeout`, `unsupported_media_type`, `invalid_json`.
 */
export async function readBody(request: Request, timeoutMs: number): Promise<unknown> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge()
  if (request.body === null) return {}
  const bytes = await readBytes(request.body, timeoutMs)
  if (bytes.length > 0) checkType(request)
  return parseJson(bytes)
}
