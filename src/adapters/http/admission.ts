import { appSlugPattern } from '../../core/ids.ts'
import type { TokenCredential } from '../../core/licenses/check-token.ts'
import type { RestrictedLicensing } from '../../core/restricted.ts'
import type { Permission, Principal } from '../../core/principal.ts'
import { authenticate } from './authenticate.ts'
import type { HeldBody } from './body-memory.ts'
import { readBody } from './body.ts'
import { HttpError } from './errors.ts'
import type { Access, Route } from './route.ts'
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

/** A request whose body may be read. */
export interface ReadingContext extends RequestContext {
  /** Counts the bytes of the body. */
  readonly heldBody: HeldBody
}

/** The credential that a request was admitted by. `public` routes need none. */
export type Credential =
  | { readonly kind: 'public' }
  | { readonly kind: 'key'; readonly principal: Principal }
  | { readonly kind: 'token'; readonly token: TokenCredential }

/** The result of a successful admission. */
export interface Admission {
  readonly credential: Credential
  /** Licensing as the credential allows. It does not read the app of the path again. */
  readonly licensing: RestrictedLicensing
  /** The same for work that begins later: it reads the app again. */
  readonly laterLicensing: RestrictedLicensing
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
  for (const name in params) {
    const form = name === 'slug' ? appSlug : pathPart
    if (!form.test(params[name]!)) throw notFound()
  }
}

/** Counts bad keys only, so that an address that guesses keys is limited and a working key never is. */
async function identify({ service, request, rateLimitKey }: RequestContext): Promise<Principal> {
  try {
    return await authenticate(service.licensing, request)
  } catch (error) {
    const isGuess = error instanceof HttpError && request.headers.has('authorization')
    if (isGuess) service.consumeLimit?.('failedKey', rateLimitKey)
    throw error
  }
}

/** The permission that each kind of route requires of a key. */
const permissions: Readonly<Record<Exclude<Access, 'public'>, Permission>> = {
  read: 'read',
  write: 'write',
  apps: 'apps',
  keys: 'keys',
  renewal: 'write',
}

async function admitByKey(context: RequestContext, access: Exclude<Access, 'public'>): Promise<Admission> {
  const { service, params } = context
  const principal = await identify(context)
  checkParams(params)
  const restricted = service.licensing.restrictedTo(principal)
  const { licensing, app } = await restricted.authorize(permissions[access], params.slug)
  return { credential: { kind: 'key', principal }, licensing, laterLicensing: restricted, app: app ?? '' }
}

/** Admits a renewal by its token. An expired or revoked license passes: the use case rejects it with its own code. */
async function admitByToken({ service, request, params, heldBody }: ReadingContext): Promise<Admission> {
  const { licensing, bodyTimeoutMs } = service
  const body = await readBody(request, heldBody, bodyTimeoutMs)
  const { current_token: currentToken = null } = Object(body) as { readonly current_token?: unknown }
  if (currentToken === null) throw new HttpError('unauthorized', 'Invalid or missing API key')
  checkParams(params)
  const { slug: app = '' } = params
  // Query and body are validated later: only the holder of a genuine token learns their rules.
  const token = await licensing.licenses.authenticate(app, currentToken)
  return { credential: { kind: 'token', token }, licensing, laterLicensing: licensing, app, body }
}

/** True if the request renews a license by the license's own token. An Authorization header always takes precedence. */
export function isByToken({ route, request }: Pick<RequestContext, 'route' | 'request'>): boolean {
  return route.access === 'renewal' && !request.headers.has('authorization')
}

const noCredential: Credential = { kind: 'public' }

/** Admits anybody. @throws {HttpError} `not_found` */
export function admitAnybody({ service: { licensing }, params }: RequestContext): Admission {
  checkParams(params)
  return { credential: noCredential, licensing, laterLicensing: licensing, app: params.slug ?? '' }
}

/**
 * Admits a request to its route, in the documented order: credential, app, permission.
 *
 * @throws {HttpError | LicensingError}
 */
export async function admit(context: ReadingContext): Promise<Admission> {
  const { access } = context.route
  if (isByToken(context)) return admitByToken(context)
  return access === 'public' ? admitAnybody(context) : admitByKey(context, access)
}
