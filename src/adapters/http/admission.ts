import { mayCreateApps, mayManageKeys, type Principal } from '../../core/api-keys/principal.ts'
import { appSlugPattern } from '../../core/ids.ts'
import type { Licensing } from '../../core/licensing.ts'
import { authenticate } from './authenticate.ts'
import { readBody } from './body.ts'
import { HttpError } from './errors.ts'
import type { Route } from './route.ts'
import type { HttpService } from './service.ts'

/** A request that was matched to a route. */
export interface RequestContext {
  readonly service: HttpService
  readonly route: Route
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  /** The key under which the sender's requests are counted. */
  readonly rateLimitKey: string
}

/** The result of a successful admission. */
export interface Admission {
  /** `null` on a public route and for a renewal by token. */
  readonly principal: Principal | null
  /** The app of the path: its id if a key was shown, otherwise its slug. */
  readonly app: string
  /** The body, if it holds the credential and therefore was read. */
  readonly body?: unknown
}

const appSlug = new RegExp(appSlugPattern)
const pathPart = /^[A-Za-z0-9_-]{1,128}$/

function notFound(): HttpError {
  return new HttpError('not_found', 'Not found')
}

/** Rejects path parameters that cannot be an id or a slug. */
function checkParams(params: RequestContext['params']): void {
  const { slug, ...others } = params
  if (slug !== undefined && !appSlug.test(slug)) throw notFound()
  if (!Object.values(others).every((part) => pathPart.test(part))) throw notFound()
}

/** Counts bad keys only, so that an address that guesses keys is limited and a working key never is. */
async function identify({ service, request, rateLimitKey }: RequestContext): Promise<Principal> {
  try {
    return await authenticate(service.licensing, request)
  } catch (error) {
    const isGuess = error instanceof HttpError && request.headers.has('authorization')
    if (isGuess) await service.consumeLimit?.('failedKey', rateLimitKey)
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

async function admitByKey(context: RequestContext): Promise<Admission> {
  const { service, route, params } = context
  const principal = await identify(context)
  checkParams(params)
  const { slug } = params
  const app = slug === undefined ? '' : await service.licensing.apiKeys.visibleApp(principal, slug)
  checkPermission(route, principal)
  return { principal, app }
}

async function checkToken(licensing: Licensing, app: string, token: unknown): Promise<void> {
  const { code } = await licensing.verification.verifyToken(app, token)
  if (code === 'invalid_token') throw new HttpError('invalid_token', 'Invalid license token')
}

/** Admits a renewal by its token. An expired or revoked license passes: the use case rejects it with its own code. */
async function admitByToken({ service, request, params }: RequestContext): Promise<Admission> {
  const body = await readBody(request)
  const { current_token: token = null } = Object(body) as { readonly current_token?: unknown }
  if (token === null) throw new HttpError('unauthorized', 'Invalid or missing API key')
  checkParams(params)
  // Query and body are validated later: only the holder of a genuine token learns their rules.
  await checkToken(service.licensing, params.slug ?? '', token)
  return { principal: null, app: params.slug ?? '', body }
}

/** True if the request renews a license by the license's own token. An Authorization header always takes precedence. */
export function isByToken({ route, request }: Pick<RequestContext, 'route' | 'request'>): boolean {
  return route.access === 'renewal' && !request.headers.has('authorization')
}

/** Admits a request to its route, in the documented order: credential, app, permission. @throws {HttpError} */
export async function admit(context: RequestContext): Promise<Admission> {
  if (isByToken(context)) return admitByToken(context)
  if (context.route.access !== 'public') return admitByKey(context)
  checkParams(context.params)
  return { principal: null, app: context.params.slug ?? '' }
}
