import { getLogger } from '@logtape/logtape'
import { Type } from '@sinclair/typebox'
import { input, type Input } from '../../core/input/parse.ts'
import { admit, isByToken, type Admission, type Exchange } from './admission.ts'
import { readBody } from './body.ts'
import { corsHeaders } from './cors.ts'
import { errorCodeOf, errorReply, isRefusal } from './errors.ts'
import { answerOnce } from './idempotency.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { checkPath } from './path.ts'
import type { Reply } from './reply.ts'
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

async function bodyOf(body: Input<unknown>, request: Request, admission: Admission): Promise<unknown> {
  return fromWire(body, admission.body ?? (await readBody(request)))
}

/** Counts the request where its route is limited, and tells what is left. @throws {HttpError} `rate_limited`. */
function countRequest({ server, route, request, caller }: Exchange): Headers | Promise<Headers> {
  const limit = isByToken({ route, request }) ? 'renewal' : route.limit
  return limit === undefined || server.limit === null ? {} : server.limit(limit, caller)
}

async function callOf(exchange: Exchange): Promise<Call> {
  const { server, route, request, params } = exchange
  const admission = await admit(exchange)
  const { principal, app } = admission
  const query = queryOf(route, request)
  const body = route.body === undefined ? undefined : await bodyOf(route.body, request, admission)
  const charge: Call['charge'] = async (limit, whom) => void (await server.limit?.(limit, whom))
  return { licensing: server.licensing, request, params, principal, app, query, body, charge }
}

/** The documented order: rate limit, credential, app, permission, then query and body, then the work. */
async function handle(exchange: Exchange, headers: Record<string, string>): Promise<Reply> {
  const { route, request } = exchange
  checkPath(request)
  Object.assign(headers, await countRequest(exchange))
  const call = await callOf(exchange)
  const key =
    route.method === 'POST' && call.principal !== null ? request.headers.get('idempotency-key') : null
  return key === null ? route.answer(await route.run(call), call) : answerOnce(route, call, key)
}

function report(error: unknown, requestId: string, metrics: Metrics | null): Reply {
  metrics?.failed(errorCodeOf(error))
  if (!isRefusal(error)) log.error('Request {requestId} failed: {error}', { requestId, error })
  return errorReply(error)
}

/** Of a header that is given twice the reply's own counts: of two limits the one that refused is told. */
function send(reply: Reply, { headers }: Answering, requestId: string): Response {
  return new Response(reply.body, {
    status: reply.status,
    headers: {
      'cache-control': 'no-store',
      ...headers,
      ...reply.headers,
      'x-request-id': requestId,
      'x-content-type-options': 'nosniff',
    },
  })
}

function note({ request, path }: Answering, status: number, requestId: string, began: number): void {
  if (!log.isEnabledFor('info')) return
  const milliseconds = Math.round((performance.now() - began) * 10) / 10
  log.info('{method} {path} {status} in {milliseconds} ms, request {requestId}', {
    ...{ method: request.method, path, status, milliseconds, requestId },
  })
}

/** Runs `work` and makes an answer of whatever comes of it: nothing is ever thrown out of here. */
export async function respond(answering: Answering, work: () => Promise<Reply>): Promise<Response> {
  const began = performance.now()
  const requestId = requestIdOf(answering.request)
  const { metrics } = answering
  const reply = await work().catch((error: unknown) => report(error, requestId, metrics))
  note(answering, reply.status, requestId, began)
  metrics?.answered(answering, reply.status, performance.now() - began)
  return send(reply, answering, requestId)
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
  return respond({ request, path: route.path, headers, metrics: server.metrics }, async () => {
    const caller = server.limit === null ? '' : server.callerOf(request, socketAddress)
    return handle({ server, route, request, params, caller }, headers)
  })
}
