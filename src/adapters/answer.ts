import { getLogger } from '@logtape/logtape'
import { Type } from '@sinclair/typebox'
import type { Principal } from '../core/principal.ts'
import { input } from '../core/input.ts'
import type { Licensing } from '../core/licensing.ts'
import { authenticate } from './authenticate.ts'
import { readBody } from './body.ts'
import { HttpError, errorResponse, isRefusal } from './errors.ts'
import { answerOnce } from './idempotency.ts'
import type { Call, Route } from './route.ts'
import { fromQuery, fromWire } from './wire.ts'

type Params = Readonly<Record<string, string>>

/** What admits a caller: a key, or a body that carries a token. */
interface Admission {
  readonly principal: Principal | null
  readonly app: string
  /** The body, where it had to be read to know the caller. */
  readonly body?: unknown
}

/** What answers: licensing, and how it is served. */
export interface Server {
  readonly licensing: Licensing
}

const noQuery = input<object>()(Type.Object({}))
const log = getLogger(['heartwood', 'http'])
const requestIdForm = /^[A-Za-z0-9._-]{1,128}$/
const appSlug = /^[a-z0-9-]{1,63}$/
const pathPart = /^[A-Za-z0-9_-]{1,128}$/

function requestIdOf(request: Request): string {
  const given = request.headers.get('x-request-id') ?? ''
  return requestIdForm.test(given) ? given : crypto.randomUUID()
}

function notFound(): HttpError {
  return new HttpError('not_found', 'Not found')
}

/** Nothing that no id and no slug looks like gets any further. */
function checkParams(params: Params): void {
  const { slug, ...others } = params
  if (slug !== undefined && !appSlug.test(slug)) throw notFound()
  if (!Object.values(others).every((part) => pathPart.test(part))) throw notFound()
}

async function admitByKey(
  { licensing }: Server,
  route: Route,
  request: Request,
  params: Params,
): Promise<Admission> {
  const principal = await authenticate(licensing, request)
  checkParams(params)
  const { slug } = params
  const app = slug === undefined ? '' : await licensing.apiKeys.visibleApp(principal, slug)
  if (route.access !== 'read' && principal.type !== 'sk')
    throw new HttpError('forbidden', 'Write access requires a secret key (sk_*)')
  return { principal, app }
}

/** Admits a renewal by its token; the work itself verifies it. */
async function admitByToken({ licensing }: Server, request: Request, params: Params): Promise<Admission> {
  const body = await readBody(request)
  const { current_token: token = null, ...others } = Object(body) as { readonly current_token?: unknown }
  if (token === null) throw new HttpError('unauthorized', 'Invalid or missing API key')
  checkParams(params)
  // The body's other rules are told only to whoever holds a good token.
  if (Object.keys(others).length > 0) await checkToken(licensing, params.slug ?? '', token)
  return { principal: null, app: params.slug ?? '', body }
}

async function checkToken(licensing: Licensing, app: string, token: unknown): Promise<void> {
  const { code } = await licensing.verification.verifyToken(app, token)
  if (code === 'invalid_token') throw new HttpError('invalid_token', 'Invalid license token')
}

function admitPublic(params: Params): Admission {
  checkParams(params)
  return { principal: null, app: params.slug ?? '' }
}

async function admit(server: Server, route: Route, request: Request, params: Params): Promise<Admission> {
  if (route.access === 'public') return admitPublic(params)
  if (route.access === 'renewal' && !request.headers.has('authorization'))
    return admitByToken(server, request, params)
  return admitByKey(server, route, request, params)
}

function queryOf(route: Route, request: Request): unknown {
  const at = request.url.indexOf('?')
  const parameters = new URLSearchParams(at === -1 ? '' : request.url.slice(at + 1))
  return route.query === undefined
    ? noQuery.parse(fromQuery(noQuery, parameters))
    : fromQuery(route.query, parameters)
}

async function bodyOf(route: Route, request: Request, admission: Admission): Promise<unknown> {
  if (route.body === undefined) return undefined
  return fromWire(route.body, admission.body ?? (await readBody(request)))
}

/** The documented order: credential, app, permission, then query and body, then the work. */
async function handle(server: Server, route: Route, request: Request, params: Params): Promise<Response> {
  const { principal, app, ...rest } = await admit(server, route, request, params)
  const query = queryOf(route, request)
  const body = await bodyOf(route, request, { principal, app, ...rest })
  const call: Call = { licensing: server.licensing, request, params, principal, app, query, body }
  const key = route.method === 'POST' && principal !== null ? request.headers.get('idempotency-key') : null
  if (key === null) return route.answer(await route.run(call), call)
  return answerOnce(route, call, key)
}

function report(error: unknown, requestId: string): Response {
  if (!isRefusal(error)) log.error('Request {requestId} failed: {error}', { requestId, error })
  return errorResponse(error)
}

function finish(
  response: Response,
  request: Request,
  requestId: string,
  path: string,
  began: number,
): Response {
  response.headers.set('x-request-id', requestId)
  response.headers.set('x-content-type-options', 'nosniff')
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
  const milliseconds = Math.round((performance.now() - began) * 10) / 10
  log.info('{method} {path} {status} in {milliseconds} ms, request {requestId}', {
    ...{ method: request.method, path, status: response.status, milliseconds, requestId },
  })
  return response
}

/** Runs `work` and makes an answer of whatever comes of it: nothing is ever thrown out of here. */
export async function respond(
  request: Request,
  path: string,
  work: () => Promise<Response>,
): Promise<Response> {
  const began = performance.now()
  const requestId = requestIdOf(request)
  const response = await work().catch((error: unknown) => report(error, requestId))
  return finish(response, request, requestId, path, began)
}

/** Answers a request to a route: all of HTTP that is ours, whatever framework matched it. */
export function answer(
  server: Server,
  route: Route,
  request: Request,
  params: Params = {},
): Promise<Response> {
  return respond(request, route.path, () => handle(server, route, request, params))
}
