import { HttpError } from './errors.ts'

/** The size of the largest accepted body, in bytes. */
export const maxBodyBytes: number = 256 * 1024

/** The white space of JSON (RFC 8259 section 2). */
const jsonSpaces = /^[ \t\n\r]*$/

/** `curl -d` sends JSON under the form type, and our documents use it. No body is ever parsed as a form. */
const jsonTypes = new Set(['application/json', 'application/x-www-form-urlencoded', ''])

function tooLarge(): HttpError {
  return new HttpError('body_too_large', 'Request body is larger than 256 KiB')
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

async function readBytes(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch(disconnected)
    if (done) break
    length += value.length
    if (length > maxBodyBytes) {
      await reader.cancel().catch(() => {})
      throw tooLarge()
    }
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
 * @throws {HttpError} `body_too_large`, `unsupported_media_type`, `invalid_json`.
 */
export async function readBody(request: Request): Promise<unknown> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge()
  if (request.body === null) return {}
  const bytes = await readBytes(request.body)
  if (bytes.length > 0) checkType(request)
  return parseJson(bytes)
}
