import { LicensingError } from '../../core/errors.ts'
import type { LicenseKeyCredential } from '../../core/license-keys/credential.ts'
import type { TokenCredential } from '../../core/licenses/check-token.ts'
import type { Licensing } from '../../core/licensing.ts'
import type { RestrictedLicensing } from '../../core/restricted.ts'
import type { Permission, Principal } from '../../core/principal.ts'
import { checkSentByPage } from '../dashboard/same-origin.ts'
import { authenticate } from './authenticate.ts'
import type { HeldBody } from './body-memory.ts'
import { readBody } from './body.ts'
import { HttpError } from './errors.ts'
import { namesApp, shownTokens } from './refusal.ts'
import { permissionOf, type Route } from './route.ts'
import type { HttpService } from './service.ts'

/** A request that was matched to a route. */
export interface RequestContext {
  readonly service: HttpService
  readonly route: Route
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  /** The key under which the sender's requests are counted. */
  readonly rateLimitKey: string
  /** The id that the response and the audit log name. */
  readonly requestId: string
}

/** A request whose body may be read. */
export interface ReadingContext extends RequestContext {
  /** Counts the bytes of the body. */
  readonly heldBody: HeldBody
  /** Headers of the response, to which the sign-in of the dashboard may add its cookie. */
  readonly headers: Record<string, string>
}

/** The credential that a request was admitted by. `public` routes need none, and the bad one of `anyLicenseKey` is none. */
export type Credential =
  | { readonly kind: 'public' }
  | { readonly kind: 'licenseKey'; readonly licenseKey: LicenseKeyCredential }
  | { readonly kind: 'key'; readonly principal: Principal }
  | { readonly kind: 'token'; readonly token: TokenCredential }

/** The result of a successful admission. */
export interface Admission {
  readonly credential: Credential
  /** Licensing as the credential allows. It does not read the app of the path again. */
  readonly licensing: RestrictedLicensing
  /** The same for work that begins later: it reads the app again. */
  readonly laterLicensing: RestrictedLicensing
  /** The app of the path: its id if a key was shown, otherwise its slug or id. */
  readonly app: string
  /** The body, if it holds the credential and therefore was read. */
  readonly body?: unknown
}

const pathPart = /^[A-Za-z0-9_-]{1,128}$/

function notFound(): HttpError {
  return new HttpError('not_found', 'Not found')
}

/** Rejects path parameters that cannot be an id or a slug. */
function checkParams(params: RequestContext['params']): void {
  for (const name in params) {
    const part = params[name]!
    const isGood = name === 'slug' ? namesApp(part) : pathPart.test(part)
    if (!isGood) throw notFound()
  }
}

/** The holder of an API key, or a person. The audit log keeps the name that `licensing` acts in. */
interface Caller {
  readonly principal: Principal
  readonly licensing: Licensing
}

/**
 * The person who is signed in to the dashboard; `null` for nobody. An Authorization header always takes precedence.
 *
 * @throws {HttpError} `forbidden` if another page than the dashboard's may have sent the request.
 */
async function findPerson({ service, request, headers }: ReadingContext): Promise<Caller | null> {
  if (service.people === null || request.headers.has('authorization')) return null
  const person = await service.people.find(request)
  if (person === null) return null
  checkSentByPage(request)
  if (person.cookie !== null) headers['set-cookie'] = person.cookie
  const { principal, userId, name: label } = person
  const { licensing } = service
  return {
    principal,
    licensing: userId === null ? licensing : licensing.as({ type: 'user', id: userId, label }),
  }
}

/** Counts bad keys only, so that an address that guesses keys is limited and a working key never is. */
async function identify(context: ReadingContext): Promise<Caller> {
  const person = await findPerson(context)
  if (person !== null) return person
  const { service, request, rateLimitKey } = context
  try {
    const { licensing } = service
    return { principal: await authenticate(licensing, request), licensing }
  } catch (error) {
    const isGuess = error instanceof HttpError && request.headers.has('authorization')
    if (isGuess) service.consumeLimit?.('failedKey', rateLimitKey)
    throw error
  }
}

/** The permission that the request needs of its key. Every key may do to itself what an `ownKey` route does. */
function neededBy({ route, params }: RequestContext, { id }: Principal): Permission {
  return route.access === 'ownKey' && params.id === id ? 'me' : permissionOf(route)
}

async function admitByKey(context: ReadingContext): Promise<Admission> {
  const { params } = context
  const { principal, licensing: own } = await identify(context)
  checkParams(params)
  const restricted = own.restrictedTo(principal, context.requestId)
  const { licensing, app } = await restricted.authorize(neededBy(context, principal), params.slug)
  return { credential: { kind: 'key', principal }, licensing, laterLicensing: restricted, app: app ?? '' }
}

/** The credentials that a body may hold. */
interface BodyCredentials {
  readonly license_key?: unknown
  readonly current_token?: unknown
}

async function credentialsIn({ service, request, heldBody }: ReadingContext) {
  const body = await readBody(request, heldBody, service.bodyTimeoutMs)
  const { license_key: licenseKey = null, current_token: currentToken = null } = Object(
    body,
  ) as BodyCredentials
  return { body, licenseKey, currentToken }
}

/** Licensing for the holder of a credential in the body. Query and body are validated later: nobody else learns their rules. */
function admitHolder(
  { service, params: { slug: app = '' }, requestId }: RequestContext,
  credential: Credential,
  body: unknown,
): Admission {
  const licensing = service.licensing.forRequest(requestId)
  return { credential, licensing, laterLicensing: licensing, app, body }
}

/** Admits a renewal by its token. An expired or revoked license passes: the use case rejects it with its own code. */
async function admitByToken(
  { service, route, params, request }: RequestContext,
  currentToken: unknown,
): Promise<{ readonly kind: 'token'; readonly token: TokenCredential }> {
  checkParams(params)
  shownTokens.set(request, currentToken)
  const counts = route.counts === 'renew' ? route.counts : undefined
  return {
    kind: 'token',
    token: await service.licensing.licenses.authenticate(params.slug ?? '', currentToken, counts),
  }
}

function missingKey(): HttpError {
  return new HttpError('unauthorized', 'Invalid or missing API key')
}

/** Admits a person who is signed in to the dashboard, if the body shows no credential. */
async function admitWithoutCredential(context: ReadingContext, body: unknown): Promise<Admission> {
  return { ...(await admitByKey(context)), body }
}

async function admitRenewal(context: ReadingContext): Promise<Admission> {
  const { body, licenseKey, currentToken } = await credentialsIn(context)
  if (currentToken === null && licenseKey === null) return admitWithoutCredential(context, body)
  if (currentToken === null) throw missingKey()
  return admitHolder(context, await admitByToken(context, currentToken), body)
}

/** Counts bad license keys only, by address. A good one never meets that limit, and counts against its own. */
async function identifyLicenseKey(
  context: RequestContext,
  { licenseKeys }: RestrictedLicensing,
  text: unknown,
): Promise<LicenseKeyCredential> {
  const { service, route, params, rateLimitKey } = context
  try {
    const counts = route.counts === 'activate' ? route.counts : undefined
    const licenseKey = await licenseKeys.authenticate(params.slug ?? '', text, counts)
    if (route.licenseKeyLimit !== undefined) service.consumeLimit?.(route.licenseKeyLimit, licenseKey.key.id)
    return licenseKey
  } catch (error) {
    if (isBadLicenseKey(error)) service.consumeLimit?.('failedLicenseKey', rateLimitKey)
    throw error
  }
}

function isBadLicenseKey(error: unknown): boolean {
  return error instanceof LicensingError && error.code === 'invalid_license_key'
}

async function admitLicenseKey(context: ReadingContext): Promise<Admission> {
  const { route, params, service } = context
  checkParams(params)
  const { licensing } = await service.licensing.authorize('public', params.slug)
  const { body, licenseKey } = await credentialsIn(context)
  const admitted = identifyLicenseKey(context, licensing, licenseKey).then((good): Credential => ({
    kind: 'licenseKey',
    licenseKey: good,
  }))
  const credential = await admitted.catch((error: unknown): Credential => {
    if (route.access === 'anyLicenseKey' && isBadLicenseKey(error)) return { kind: 'public' }
    throw error
  })
  return admitHolder(context, credential, body)
}

/** Admits a release by a license key or, without one, by the seat's own token. */
async function admitRelease(context: ReadingContext): Promise<Admission> {
  const { service, route, rateLimitKey } = context
  const { body, licenseKey, currentToken } = await credentialsIn(context)
  if (licenseKey !== null) {
    checkParams(context.params)
    const good = await identifyLicenseKey(context, service.licensing, licenseKey)
    return admitHolder(context, { kind: 'licenseKey', licenseKey: good }, body)
  }
  if (currentToken === null) return admitWithoutCredential(context, body)
  // A signature costs as much to check here as in a renewal.
  service.consumeLimit?.('renewal', rateLimitKey)
  const credential = await admitByToken(context, currentToken)
  const { license } = credential.token
  if (route.licenseKeyLimit !== undefined && license !== null)
    service.consumeLimit?.(route.licenseKeyLimit, license.licenseKeyId ?? license.id)
  return admitHolder(context, credential, body)
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
  if (access === 'public') return admitAnybody(context)
  if (access === 'licenseKey' || access === 'anyLicenseKey') return admitLicenseKey(context)
  const isHolder = !context.request.headers.has('authorization')
  if (access === 'renewal' && isHolder) return admitRenewal(context)
  if (access === 'release' && isHolder) return admitRelease(context)
  return admitByKey(context)
}
