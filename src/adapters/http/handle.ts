import { getLogger } from '@logtape/logtape'
import { Type } from '@sinclair/typebox'
import { after, type Eventual } from '../../core/eventual.ts'
import { input } from '../../core/input/parse.ts'
import type { Metrics } from '../metrics/metrics.ts'
import {
  admit,
  admitAnybody,
  isByToken,
  type Admission,
  type ReadingContext,
  type RequestContext,
} from './admission.ts'
import { HeldBody } from './body-memory.ts'
import { readBody } from './body.ts'
import { askedPath } from './asked-path.ts'
import { corsHeaders } from './cors.ts'
import { errorCodeOf, errorReply, HttpError, noSuchRoute } from './errors.ts'
import { replyOnce } from './idempotency.ts'
import { isCanonicalPath, isMalformedHost } from './path.ts'
import { refusalOf } from './refusal.ts'
import type { Reply } from './reply.ts'
import { runRoute, type Route, type RouteCall } from './route.ts'
import type { HttpService, SocketAddress } from './service.ts'
import { fromQuery, fromWire } from './wire.ts'

type Headers = Readonly<Record<string, string>>

/** The parts of a request and of its response that do not depend on the outcome. */
export interface ResponseContext {
  readonly request: Request
  /** The path of the route, with `:name` for each parameter: no log line or metric holds a parameter's value. */
  readonly path: string
  /** Headers of every response to the request. The work may add some. */
  readonly headers: Record<string, string>
  readonly metrics: Metrics | null
  /** Notes the error of a request to a route. */
  readonly refused?: (error: unknown, requestId: string) => void
}

/** The query or body of a route that takes none. */
const nothing = input<object>()(Type.Object({}))
const noQuery: Readonly<Record<string, unknown>> = Object.freeze({})
const log = getLogger(['heartwood', 'http'])
/** Milliseconds that a body may take. After that the app is read again, because it may have changed or gone meanwhile. */
const slowBody = 100
/** The path of every request to no route. */
export const unknownPath = '*'
/** The longest method of a standard, VERSION-CONTROL, has fewer. Deno accepts any length. */
const longestMethod = 20
const requestIdForm = /^[A-Za-z0-9._-]{1,128}$/

function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id')
  return given !== null && requestIdForm.test(given) ? given : crypto.randomUUID()
}

function queryOf(route: Route, request: Request): Readonly<Record<string, unknown>> {
  const { url } = request
  const at = url.indexOf('?')
  if (at === -1) return noQuery
  const query = fromQuery(route.query ?? nothing, url.slice(at + 1))
  if (route.query === undefined) nothing.parse(query)
  return query
}

/** A route without a body of its own takes an empty one, by the same rules. */
function bodyOf({ body }: Route, sent: unknown): unknown {
  const given = fromWire(body ?? nothing, sent)
  return body === undefined ? nothing.parse(given) : given
}

/** A GET has no body to read. */
async function receivedBody(
  { route, request, service, heldBody }: ReadingContext,
  admission: Admission,
): Promise<unknown> {
  if (route.method === 'GET') return undefined
  return bodyOf(route, admission.body ?? (await readBody(request, heldBody, service.bodyTimeoutMs)))
}

/** Counts the request if its route has a limit. Returns the rate-limit headers. @throws {HttpError} `rate_limited`. */
function consumeRouteLimit(context: RequestContext): Headers {
  const { service, route, rateLimitKey } = context
  const limit = isByToken(context) ? 'renewal' : route.limit
  return limit === undefined || service.consumeLimit === null ? {} : service.consumeLimit(limit, rateLimitKey)
}

function callWith(
  { service, request, params, rateLimitKey }: RequestContext,
  { licensing, credential, app }: Omit<Admission, 'laterLicensing'>,
  { query, body }: Pick<RouteCall, 'query' | 'body'>,
): RouteCall {
  const { consumeLimit, linkTo } = service
  return { licensing, request, params, credential, app, query, body, consumeLimit, rateLimitKey, linkTo }
}

async function callOf(context: ReadingContext): Promise<RouteCall> {
  const { route, request } = context
  const admission = await admit(context)
  const query = queryOf(route, request)
  if (route.permission !== undefined) await admission.licensing.authorize(route.permission(query))
  const startedAt = performance.now()
  const body = await receivedBody(context, admission)
  const isSlow = performance.now() - startedAt > slowBody
  const licensing = isSlow ? admission.laterLicensing : admission.licensing
  return callWith(context, { ...admission, licensing }, { query, body })
}

async function replyLater(context: ReadingContext): Promise<Reply> {
  const { route, request } = context
  const call = await callOf(context)
  const mayRepeat = route.method === 'POST' && route.ignoresIdempotencyKey !== true
  const key = mayRepeat && call.credential.kind === 'key' ? request.headers.get('idempotency-key') : null
  return key === null ? route.respond(await runRoute(route, call), call) : replyOnce(route, call, key)
}

function replyWith({ route }: RequestContext, call: RouteCall): Eventual<Reply> {
  return after(runRoute(route, call), (outcome) => route.respond(outcome, call))
}

/** Replies to a GET without a credential. It waits for nothing before storage. */
function replyToAnybody(context: RequestContext): Eventual<Reply> {
  const admission = admitAnybody(context)
  const query = queryOf(context.route, context.request)
  return replyWith(context, callWith(context, admission, { query, body: undefined }))
}

/** Replies to a body without a credential. It waits for nothing but the body before storage. */
function replyToAnybodysBody(context: ReadingContext): Promise<Reply> {
  const { route, request, service, heldBody } = context
  const admission = admitAnybody(context)
  const query = queryOf(route, request)
  const reply = (sent: unknown): Eventual<Reply> =>
    replyWith(context, callWith(context, admission, { query, body: bodyOf(route, sent) }))
  return readBody(request, heldBody, service.bodyTimeoutMs).then(reply)
}

/** Handles a request in the documented order: rate limit, credential, app, permission, query, body, work. */
function replyTo(context: RequestContext, headers: Record<string, string>): Eventual<Reply> {
  const { method, access, permission } = context.route
  const limit = consumeRouteLimit(context)
  for (const name in limit) headers[name] = limit[name]!
  const isOpen = access === 'public' && permission === undefined
  if (isOpen && method === 'GET') return replyToAnybody(context)
  const heldBody = new HeldBody(context.service.bodies)
  const reading = { ...context, heldBody, headers }
  // Until the reply, the work may still use the body.
  return (isOpen ? replyToAnybodysBody(reading) : replyLater(reading)).finally(() => heldBody.release())
}

function replyToError(error: unknown, requestId: string, metrics: Metrics | null): Reply {
  const code = errorCodeOf(error)
  metrics?.failed(code)
  if (code === 'internal_error') log.error('Request {requestId} failed: {error}', { requestId, error })
  return errorReply(error)
}

/** Joins the headers. Those of the reply win: if two limits were counted, the response shows the one that was exceeded. */
function responseOf(
  { status, headers: own, body }: Reply,
  { headers }: ResponseContext,
  requestId: string,
): Response {
  for (const name in own) headers[name] = own[name]!
  headers['x-request-id'] = requestId
  headers['x-content-type-options'] = 'nosniff'
  return new Response(body, { status, headers })
}

function logRequest(
  { request, path: route }: ResponseContext,
  status: number,
  requestId: string,
  startedAt: number,
): void {
  if (!log.isEnabledFor('info')) return
  const path = route === unknownPath ? askedPath(request) : route
  const method = request.method.slice(0, longestMethod)
  const milliseconds = Math.round((performance.now() - startedAt) * 10) / 10
  const properties = { method, path, status, milliseconds, requestId }
  log.info('{method} {path} {status} in {milliseconds} ms, request {requestId}', properties)
}

/** The error of a request that must not reach the route that the framework found. */
function misroutedError(request: Request, route: string): HttpError | null {
  if (isMalformedHost(request)) return new HttpError('invalid_request', 'Host is malformed')
  return isCanonicalPath(request, route) ? null : noSuchRoute()
}

/** Runs `work` and makes a response of its reply or of its error, at once if `work` replies at once. It never rejects. */
export function respond(
  matched: ResponseContext,
  work: (requestId: string) => Eventual<Reply>,
): Eventual<Response> {
  const startedAt = performance.now()
  const { request, metrics } = matched
  const requestId = requestIdOf(request)
  const misrouted = misroutedError(request, matched.path)
  const context = misrouted === null ? matched : { ...matched, path: unknownPath }
  const finish = (reply: Reply): Response => {
    logRequest(context, reply.status, requestId, startedAt)
    metrics?.responded(context, reply.status, performance.now() - startedAt)
    return responseOf(reply, context, requestId)
  }
  const failWith = (error: unknown): Response => finish(replyToError(error, requestId, metrics))
  const fail = (error: unknown): Response => {
    matched.refused?.(error, requestId)
    return failWith(error)
  }
  if (misrouted !== null) return failWith(misrouted)
  let reply: Eventual<Reply>
  try {
    reply = work(requestId)
  } catch (error) {
    return fail(error)
  }
  return reply instanceof Promise ? reply.then(finish, fail) : finish(reply)
}

const noSocket: SocketAddress = () => undefined

/** Handles a request to a route. This is all of our HTTP; the web framework only matches the path. */
export function handleRoute(
  service: HttpService,
  route: Route,
  request: Request,
  params: Readonly<Record<string, string>> = {},
  socketAddress: SocketAddress = noSocket,
): Eventual<Response> {
  const headers = {
    'cache-control': 'no-store',
    ...corsHeaders(request, route.access === 'public', service.origins),
  }
  const refused = (error: unknown, requestId: string): void =>
    service.licensing.noteRefusal(refusalOf({ request, route, params, error, requestId }))
  return respond({ request, path: route.path, headers, metrics: service.metrics, refused }, (requestId) => {
    const rateLimitKey = service.consumeLimit === null ? '' : service.rateLimitKeyOf(request, socketAddress)
    return replyTo({ service, route, request, params, rateLimitKey, requestId }, headers)
  })
}
