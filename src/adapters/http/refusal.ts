import { appSlugPattern, isTypeId } from '../../core/ids.ts'
import type { Refusal } from '../../core/runtime/refusals.ts'
import { parseToken } from '../../core/token/token.ts'
import { errorCodeOf } from './errors.ts'
import type { Route } from './route.ts'

/** The tokens that requests showed as their credential. A refusal tells the `kid` of its token, and nothing more of it. */
export const shownTokens: WeakMap<Request, unknown> = new WeakMap()

const appSlug = new RegExp(appSlugPattern)
const thumbprint = /^[A-Za-z0-9_-]{43}$/

/** True for text that may be the slug or the id of an app. */
export function namesApp(text: string): boolean {
  return appSlug.test(text) || isTypeId('app', text)
}

/** Anybody may have written the token, so only the form of a thumbprint is taken from it. */
function kidIn(token: unknown): string | null {
  try {
    const { kid = '' } = parseToken(token)
    return thumbprint.test(kid) ? kid : null
  } catch {
    return null
  }
}

/** A refused request to a route. */
export interface RefusedRequest {
  readonly request: Request
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
  readonly error: unknown
  readonly requestId: string
}

/** A refusal as `licensing.status` shows it: without a parameter of the path, a credential or an address. */
export function refusalOf({
  request,
  route: { method, path },
  params,
  error,
  requestId,
}: RefusedRequest): Omit<Refusal, 'time'> {
  const { slug = '' } = params
  return {
    route: `${method} ${path}`,
    code: errorCodeOf(error),
    app: namesApp(slug) ? slug : null,
    kid: shownTokens.has(request) ? kidIn(shownTokens.get(request)) : null,
    requestId,
  }
}
