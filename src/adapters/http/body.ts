import type { HeldBody } from './body-memory.ts'
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

/** The developer of the host sees this error at the first request with a body. It says nothing about the request. */
const alreadyRead =
  'The host app read the body of this request before Heartwood did: mount Heartwood before every body parser'

/** A client that disconnects while it sends is not a fault of the server. */
function disconnected(): never {
  throw lost()
}

function lost(): HttpError {
  return new HttpError('invalid_json', 'Request body could not be read')
}

/** The bytes of a body in one piece. A list of chunks would cost a hundred times as much for a body that comes byte by byte. */
class Collected {
  #buffer: Uint8Array = new Uint8Array(0)
  #length = 0

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Returns the length of all bytes. @throws {HttpError} `body_too_large` */
  add(chunk: Uint8Array): number {
    const length = this.#length + chunk.length
    if (length > maxBodyBytes) throw tooLarge()
    if (this.#length === 0) this.#buffer = chunk
    else this.#append(chunk, length)
    this.#length = length
    return length
  }

  #append(chunk: Uint8Array, length: number): void {
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.min(Math.max(2 * this.#buffer.length, length), maxBodyBytes))
      grown.set(this.bytes)
      this.#buffer = grown
    }
    this.#buffer.set(chunk, this.#length)
  }
}

async function collect(reader: BodyReader, held: HeldBody): Promise<Uint8Array> {
  const collected = new Collected()
  for (;;) {
    const { done, value } = await reader.read().catch(disconnected)
    if (done) return collected.bytes
    held.expect(collected.add(value))
  }
}

/**
 * The largest body that is read in one piece, and not chunk by chunk. One that arrives slowly stays in memory until it is
 * whole, even if its request has been refused: this is no more than the buffers of its connection.
 */
const smallBody = 4 * 1024

/** Bun alone has the pieces of a small body already. Elsewhere one piece costs as much as the chunks. */
const isBun = 'Bun' in globalThis

/** Resolves to the body in one piece, unless its time is over or it has to make room. */
function arrival(request: Request, held: HeldBody, timeoutMs: number): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooSlow()), timeoutMs)
    const settle = <Value>(outcome: (value: Value) => void, value: Value): void => {
      clearTimeout(timer)
      outcome(value)
    }
    held.onRefusal((error) => settle(reject, error))
    request.arrayBuffer().then(
      (buffer) => settle(resolve, buffer),
      () => settle(reject, lost()),
    )
  })
}

/** Reads a body whose length was announced as small. A listener holds the client to that, but a host may not. */
async function readSmall(request: Request, held: HeldBody, timeoutMs: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(await arrival(request, held, timeoutMs))
  if (bytes.length > maxBodyBytes) throw tooLarge()
  held.expect(bytes.length)
  held.keep()
  return bytes
}

async function readBytes(
  body: ReadableStream<Uint8Array>,
  held: HeldBody,
  timeoutMs: number,
): Promise<Uint8Array> {
  const reader = body.getReader()
  let failure: { readonly reason: unknown } | undefined
  // The pending read ends at once, even if the stream itself never does.
  const fail = (reason: unknown): void => {
    failure ??= { reason }
    void reader.cancel().catch(() => {})
  }
  const timer = setTimeout(() => fail(tooSlow()), timeoutMs)
  held.onRefusal(fail)
  const bytes = await collect(reader, held).catch(fail)
  clearTimeout(timer)
  if (failure !== undefined) throw failure.reason
  held.keep()
  return bytes!
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** The encodings that put a zero byte beside each ASCII character, or begin with a byte order mark of their own. */
function isUtf16Or32([first, second]: Uint8Array): boolean {
  const isMarked = (first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe)
  return isMarked || first === 0 || second === 0
}

function explainBytes(bytes: Uint8Array, text: string | null): string {
  if (isUtf16Or32(bytes)) return 'Request body is in UTF-16 or UTF-32, but JSON must be in UTF-8'
  return text === null ? 'Request body is not UTF-8, as JSON must be' : 'Request body is not valid JSON'
}

/** Takes one byte order mark before the JSON, as RFC 8259 section 8.1 allows. */
function parseJson(bytes: Uint8Array): unknown {
  const text = utf8(bytes)
  try {
    if (text !== null) return jsonSpaces.test(text) ? {} : JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    // Falls through, because every body that is no JSON gets its error below.
  }
  throw new HttpError('invalid_json', explainBytes(bytes, text))
}

/**
 * Reads the JSON body of a request, at most 256 KiB. An empty body reads as `{}`.
 *
 * @param held Counts the bytes. The caller releases it when the request has its response.
 * @param timeoutMs The longest that the body may take, in milliseconds.
 * @throws {HttpError} `body_too_large`, `request_timeout`, `unavailable`, `unsupported_media_type`, `invalid_json`. A body
 * that the host has already read is `internal_error`.
 */
export async function readBody(request: Request, held: HeldBody, timeoutMs: number): Promise<unknown> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (announced > maxBodyBytes) throw tooLarge()
  if (request.bodyUsed) throw new HttpError('internal_error', alreadyRead)
  const isSmall = isBun && announced > 0 && announced <= smallBody
  // To ask for the stream costs Bun the reading in one piece.
  if (!isSmall && request.body?.locked === true) throw new HttpError('internal_error', alreadyRead)
  if (!isSmall && request.body === null) return {}
  // Refused before the first read, a body is dropped by the runtime and not collected.
  held.expect(announced)
  const bytes = await (isSmall
    ? readSmall(request, held, timeoutMs)
    : readBytes(request.body!, held, timeoutMs))
  if (bytes.length > 0) checkType(request)
  return parseJson(bytes)
}
