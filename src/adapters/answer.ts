import { getLogger } from '@logtape/logtape'
import { Type } from '@sinclair/typebox'
import { input } from '../core/input.ts'
import { admit, isByToken, type Admission, type Exchange } from './admission.ts'
import { readBody } from './body.ts'
import { corsHeaders } from './cors.ts'
import { errorCodeOf, errorResponse, isRefusal } from './errors.ts'
import { answerOnce } from './idempotency.ts'
import type { Metrics } from './metrics.ts'
import { checkPath } from './path.ts'
import type { Call, Route } from './route.ts'
import type { Server } from './server.ts'
import { fromQuery, fromWire } from './wire.ts'

type Headers = Readonly<Record<string, string>>

/** What is being answered, for the log and for the headers of every answer. */
interface Answering {
  readonly request: Request
  /** The route's own path: what stood in its place is not logged. */
  readonly path: string
  /** Headers of the answer, whatever it will be; the work may add some. */
  readonly headers: Record<string, string>
  readonly metrics: Metrics | null
}

const noQuery = input<object>()(Type.Object({}))
const log = getLogger(['heartwood', 'http'])
const requestIdForm = /^[A-Za-z0-9._-]{1,128}$/

function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id') ?? ''
  return requestIdForm.test(given) ? given : crypto.randomUUID()
}

function queryOf(route: Route, request: Request): unknown {
  const at = request.url.indexOf('?')
  const parameters = new URLSearchParams(at === -1 ? '' : request.url.slice(at + 1))
  const query = fromQuery(route.query ?? noQuery, parameters)
  return route.query === undefined ? noQuery.parse(query) : query
}

async function bodyOf(route: Route, request: Request, admission: Admission): Promise<unknown> {
  if (route.body === undefined) return undefined
  return fromWire(route.body, admission.body ?? (await readBody(request)))
}

/** Counts the request where its route is limited, and tells what is left. @throws {HttpError} `rate_limited`. */
async function countRequest({ server, route, request, caller }: Exchange): Promise<Headers> {
  const limit = isByToken({ route, request }) ? 'renewal' : route.limit
  return limit === undefined || server.limit === null ? {} : server.limit(limit, caller)
}

async function callOf(exchange: Exchange): Promise<Call> {
  const { server, route, request, params } = exchange
  const admission = await admit(exchange)
  const { principal, app } = admission
  const query = queryOf(route, request)
  const body = await bodyOf(route, request, admission)
  const charge: Call['charge'] = async (limit, whom) => void (await server.limit?.(limit, whom))
  return { licensing: server.licensing, request, params, principal, app, query, body, charge }
}

/** The documented order: rate limit, credential, app, permission, then query and body, then the work. */
async function handle(exchange: Exchange, headers: Record<string, string>): Promise<Response> {
  const { route, request } = exchange
  checkPath(request)
  Object.assign(headers, await countRequest(exchange))
  const call = await callOf(exchange)
  const key =
    route.method === 'POST' && call.principal !== null ? request.headers.get('idempotency-key') : null
  return key === null ? route.answer(await route.run(call), call) : answerOnce(route, call, key)
}

function report(error: unknown, requestId: string, metrics: Metrics | null): Response {
  metrics?.failed(errorCodeOf(error))
  if (!isRefusal(error)) log.error('Request {requestId} failed: {error}', { requestId, error })
  return errorResponse(error)
}

function finish(
  response: Response,
  { request, path, headers }: Answering,
  requestId: string,
  began: number,
): void {
  response.headers.set('x-request-id', requestId)
  response.headers.set('x-content-type-options', 'nosniff')
  // Of two limits the one that refused is told.
  for (const [name, value] of Object.entries(headers))
    if (!response.headers.has(name)) response.headers.set(name, value)
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
  if (!log.isEnabledFor('info')) return
  const milliseconds = Math.round((performance.now() - began) * 10) / 10
  log.info('{method} {path} {status} in {milliseconds} ms, request {requestId}', {
    ...{ method: request.method, path, status: response.status, milliseconds, requestId },
  })
}

/** Runs `work` and makes an answer of whatever comes of it: nothing is ever thrown out of here. */
export async function respond(answering: Answering, work: () => Promise<Response>): Promise<Response> {
  const began = performance.now()
  const requestId = requestIdOf(answering.request)
  const { metrics } = answering
  const response = await work().catch((error: unknown) => report(error, requestId, metrics))
  finish(response, answering, requestId, began)
  metrics?.answered(answering, response.status, performance.now() - began)
  return response
}

/** Answers a request to a route: all of HTTP that is ours, whatever framework matched it. */
export function answer(
  server: Server,
  route: Route,
  request: Request,
  params: Readonly<Record<string, string>> = {},
  socketAddress: string | null = null,
): Promise<Response> {
  const headers = { ...corsHeaders(request, route.access === 'public', server.origins) }
  const caller = server.limit === null ? '' : server.callerOf(request, socketAddress)
  return respond({ request, path: route.path, headers, metrics: server.metrics }, () =>
    handle({ server, route, request, params, caller }, headers),
  )
}
