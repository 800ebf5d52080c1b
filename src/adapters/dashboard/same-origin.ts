import { HttpError } from '../http/errors.ts'

/** The host of an origin with its port, as `Host` states it. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}

/**
 * True if a page of this very origin sent a request. Browsers say so to https and to their own computer by `Sec-Fetch-Site`
 * (Fetch Metadata), and elsewhere by `Origin`. A page on another port is of the same site, but of another origin.
 */
export function isSameOrigin({ headers }: Request): boolean {
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  const origin = headers.get('origin')
  const host = origin === null ? null : hostOf(origin)
  return host !== null && host === headers.get('host')
}

function hasJson({ headers }: Request): boolean {
  const [type = ''] = (headers.get('content-type') ?? '').split(';')
  return type.trim().toLowerCase() === 'application/json'
}

/** Changes nothing (RFC 9110 section 9.2.1). */
const safeMethods: readonly string[] = ['GET', 'HEAD']

/**
 * Accepts a request that a cookie goes along with, if it changes nothing or the dashboard itself sent it. No form can send JSON,
 * and no page of another origin can send DELETE without asking.
 *
 * @throws {HttpError} `forbidden`, `unsupported_media_type`
 */
export function checkSentByPage(request: Request): void {
  if (safeMethods.includes(request.method)) return
  if (!isSameOrigin(request))
    throw new HttpError('forbidden', 'Only a page of this server may send this with its sign-in')
  if (request.method !== 'DELETE' && !hasJson(request))
    throw new HttpError('unsupported_media_type', 'Request body must be application/json')
}
