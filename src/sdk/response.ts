import type { Listing } from '../core/paging.ts'
import { RemoteError } from './remote-error.ts'
import { detailsFromWire, fromWire, isFields } from './wire.ts'

/** A response that has come whole. */
export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Reads the result of a successful response. Whatever it throws, the response is `invalid_response`. */
export type Reader<Result> = (received: Received) => Result

/** In bytes. The largest page has a hundred licenses with 16 KiB of metadata and 150 features each. */
const maxLength = 16 * 1024 * 1024

const foreign = 'The response is none of a Heartwood server: check baseUrl'
const redirected = 'The server redirects to another address: check baseUrl'

async function readText(response: Response): Promise<string> {
  const { body } = response
  // An empty body is none, and a `fetch` of the program's own may have another kind.
  if (typeof body?.getReader !== 'function') return response.text()
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let length = 0; ;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    length += value.byteLength
    if (length > maxLength) {
      // A stream that ignores this must not hold the caller up.
      reader.cancel().catch(() => undefined)
      throw foreignError(foreign, response)
    }
    text += decoder.decode(value, { stream: true })
  }
}

/**
 * Receives a whole response.
 *
 * @throws {RemoteError} `invalid_response` for a redirect, because its target is not to get the credential; for an endless body.
 */
export async function receive(response: Response): Promise<Received> {
  const { status, headers, type } = response
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    response.body?.cancel().catch(() => undefined)
    throw foreignError(redirected, response)
  }
  return { status, headers, text: await readText(response) }
}

/** The id of a request as our servers write it. Text of another server stays out of errors. */
function requestIdOf(headers: Headers): string | null {
  const id = headers.get('x-request-id') ?? ''
  return /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : null
}

/** @throws {TypeError} that no caller sees: it makes the response `invalid_response`. */
function demand(holds: boolean): asserts holds {
  if (!holds) throw new TypeError('No response of ours')
}

function requireFields(value: unknown): Readonly<Record<string, unknown>> {
  demand(isFields(value))
  return value
}

function textOf({ headers, text }: Received, contentType: string): string {
  demand((headers.get('content-type') ?? '').toLowerCase().startsWith(contentType))
  return text
}

/** The JSON of a response as it is, for documents of a standard. */
export function readJson(received: Received): unknown {
  return JSON.parse(textOf(received, 'application/json'))
}

/** The members of a JSON object. */
function membersOf(received: Received): Readonly<Record<string, unknown>> {
  return requireFields(readJson(received))
}

/** One resource: `{"data": {…}}`. */
export function readOne<Result>(received: Received): Result {
  return fromWire(requireFields(membersOf(received)['data'])) as Result
}

/** A resource, and if the call made it, by the names that core has for the two. */
export function readMade<Result>(resource: keyof Result, made: keyof Result): Reader<Result> {
  return (received) => ({ [resource]: readOne(received), [made]: received.status === 201 }) as Result
}

/** The members that a response has beside its data. */
function readMeta<Meta>(received: Received): Meta {
  return fromWire(requireFields(membersOf(received)['meta'])) as Meta
}

/** A resource with what the response says beside it: `{"data": {…}, "meta": {…}}`. */
export function readWithMeta<Result>(received: Received): Result {
  return { ...readOne<Result>(received), ...readMeta<Result>(received) }
}

/** All items of a list without pages: `{"data": […]}`. */
export function readItems<Item>(received: Received): readonly Item[] {
  const { data } = membersOf(received)
  demand(Array.isArray(data))
  return data.map((item) => fromWire(requireFields(item)) as Item)
}

/** A page of a list: `{"data": […], "meta": {…}}`. */
export function readPage<Item>(received: Received): Listing<Item> {
  return { data: readItems<Item>(received), ...readMeta<Omit<Listing<Item>, 'data'>>(received) }
}

/** Results by their keys, which are data and no names. */
export function readResults<Result>(received: Received): ReadonlyMap<string, Result> {
  const { results } = requireFields(membersOf(received)['data'])
  const entries = Object.entries(requireFields(results))
  return new Map(entries.map(([key, value]) => [key, fromWire(requireFields(value)) as Result]))
}

/** A public key in PEM. */
export function readPem(received: Received): string {
  return textOf(received, 'application/x-pem-file')
}

/** The response of a deletion. */
export function readNothing({ status }: Received): void {
  demand(status === 204)
}

/** The error for a response that is none of ours. */
function foreignError(
  message: string,
  { status, headers }: Pick<Received, 'status' | 'headers'>,
): RemoteError {
  return new RemoteError('invalid_response', message, { status, requestId: requestIdOf(headers) })
}

/** The error that a response tells of. */
export function errorOf(received: Received): RemoteError {
  const { status, headers } = received
  try {
    const { code, message, details } = requireFields(membersOf(received)['error'])
    demand(typeof code === 'string' && /^[a-z_]{1,63}$/.test(code) && typeof message === 'string')
    // A later server may have a code that this version does not know.
    return new RemoteError(code as RemoteError['code'], message, {
      status,
      requestId: requestIdOf(headers),
      details: detailsFromWire(details),
    })
  } catch {
    return foreignError(foreign, received)
  }
}

/** The result of a successful response. @throws {RemoteError} `invalid_response`. */
export function resultOf<Result>(received: Received, read: Reader<Result>): Result {
  try {
    return read(received)
  } catch {
    throw foreignError(foreign, received)
  }
}
