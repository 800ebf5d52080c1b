import type { Licensing } from '../../core/licensing.ts'
import { mayCreateApps, mayManageKeys, type Principal } from '../../core/api-keys/principal.ts'
import { authenticate } from './authenticate.ts'
import { readBody } from './body.ts'
import { HttpError } from './errors.ts'
import type { Route } from './route.ts'
import type { Server } from './server.ts'

/** A request to a route, and who sent it. */
export interface Exchange {
  readonly server: Server
  readonly route: Route
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  /** Under what its sender is counted. */
  readonly caller: string
}

/** What admits a caller: a key, or a body that carries a token. */
export interface Admission {
  readonly principal: Principal | null
  /** The app of the path: its id, as the caller may see it; its slug where no key was shown. */
  readonly app: string
  /** The body, where it had to be read to know the caller. */
  readonly body?: unknown
}

const appSlug = /^[a-z0-9-]{1,63}$/
const pathPart = /^[A-Za-z0-9_-]{1,128}$/

function notFound(): HttpError {
  return new HttpError('not_found', 'Not found')
}

/** Nothing that no id and no slug looks like gets any further. */
function checkParams(params: Exchange['params']): void {
  const { slug, ...others } = params
  if (slug !== undefined && !appSlug.test(slug)) throw notFound()
  if (!Object.values(others).every((part) => pathPart.test(part))) throw notFound()
}

/** Refuses a bad key; an address that goes on guessing is told to wait, which no working key ever is. */
async function identify({ server, request, caller }: Exchange): Promise<Principal> {
  try {
    return await authenticate(server.licensing, request)
  } catch (error) {
    const isGuess = error instanceof HttpError && request.headers.has('authorization')
    if (isGuess) await server.limit?.('failedKey', caller)
    throw error
  }
}

/** @throws {HttpError} `forbidden` */
function checkPermission({ access }: Route, principal: Principal): void {
  if (access !== 'read' && principal.type !== 'sk')
    throw new HttpError('forbidden', 'Write access requires a secret key (sk_*)')
  if (access === 'apps' && !mayCreateApps(principal))
    throw new HttpError('forbidden', 'This API key may not create apps')
  if (access === 'keys' && !mayManageKeys(principal))
    throw new HttpError('forbidden', 'This API key may not manage keys')
}

async function admitByKey(exchange: Exchange): Promise<Admission> {
  const { server, route, params } = exchange
  const principal = await identify(exchange)
  checkParams(params)
  const { slug } = params
  const app = slug === undefined ? '' : await server.licensing.apiKeys.visibleApp(principal, slug)
  checkPermission(route, principal)
  return { principal, app }
}

async function checkToken(licensing: Licensing, app: string, token: unknown): Promise<void> {
  const { code } = await licensing.verification.verifyToken(app, token)
  if (code === 'invalid_token') throw new HttpError('invalid_token', 'Invalid license token')
}

/** Admits a renewal by its token; the work itself verifies it. */
async function admitByToken({ server, request, params }: Exchange): Promise<Admission> {
  const body = await readBody(request)
  const { current_token: token = null } = Object(body) as { readonly current_token?: unknown }
  if (token === null) throw new HttpError('unauthorized', 'Invalid or missing API key')
  checkParams(params)
  // The rules of query and body are told only to whoever holds a token that was good.
  await checkToken(server.licensing, params.slug ?? '', token)
  return { principal: null, app: params.slug ?? '', body }
}

/** Whether a request renews a license by the license's own token: an Authorization header, where there is one, decides. */
export function isByToken({ route, request }: Pick<Exchange, 'route' | 'request'>): boolean {
  return route.access === 'renewal' && !request.headers.has('authorization')
}

/** Admits a request to its route, in the documented order: credential, app, permission. @throws {HttpError} */
export async function admit(exchange: Exchange): Promise<Admission> {
  if (isByToken(exchange)) return admitByToken(exchange)
  if (exchange.route.access !== 'public') return admitByKey(exchange)
  checkParams(exchange.params)
  return { principal: null, app: exchange.params.slug ?? '' }
}
