/** A request as srvx makes it on Node. The `url` of such a request has dot segments and backslashes resolved. */
interface NodeRequest extends Request {
  readonly runtime?: { readonly node?: { readonly req?: { readonly url?: string } } }
}

/** The scheme and the authority, which a request to a proxy names too (RFC 9112 section 3.2.2). */
const authority = /^https?:\/\/[^/?#\\]*(?=[/?#]|$)/i

/**
 * A spelling that a proxy may read as another path: an empty segment, a dot segment, a backslash, a fragment, or an
 * unreserved character behind a percent sign (RFC 3986 sections 2.3 and 6.2.2).
 */
const otherSpelling =
  /^(?!\/)|\/(?:\.|%2e){0,2}(?=\/)|\/(?:\.|%2e){1,2}$|[\\#]|%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f|7e)/i

/** Nearly every path, alone or in its URL. It has one spelling, and no slash at its end. */
const plainTarget = /^(?:https?:\/\/[\w.:-]+)?(?:\/[\w-]+)+(?:\?|$)/

/** Routes that reply to a slash at their end themselves. */
const repliesToSlash = /^\/(?:(?:swagger|dashboard)\/?)?$/

/** A path and its query, or a whole URL. */
function sentTarget(request: Request): string {
  return (request as NodeRequest).runtime?.node?.req?.url ?? request.url
}

/** The path and the query exactly as they were sent. `new URL()` is not used, because a malformed Host makes it throw. */
export function pathAndQuery(request: Request): readonly [path: string, query: string] {
  const sent = sentTarget(request)
  const target = sent.startsWith('/') ? sent : sent.replace(authority, '')
  const end = target.indexOf('?')
  return end === -1 ? [target, ''] : [target.slice(0, end), target.slice(end)]
}

/**
 * True if the path of a request has its one canonical spelling. A slash at its end is another spelling: some frameworks,
 * and some settings of a host, take `/apps/` for `/apps`.
 */
export function isCanonicalPath(request: Request, route: string): boolean {
  if (plainTarget.test(sentTarget(request))) return true
  const [path] = pathAndQuery(request)
  return !otherSpelling.test(path) && (!path.endsWith('/') || repliesToSlash.test(route))
}

/** Nearly every request of a server has the same Host. */
let goodHost = ''

/** True if a Host could change the path of the URL that a runtime builds with it. */
export function isMalformedHost(request: Request): boolean {
  const host = request.headers.get('host') ?? ''
  if (host === goodHost) return false
  if (/[/?#\\\s]/.test(host)) return true
  goodHost = host
  return false
}
