import { empty, type Reply } from './reply.ts'
import { ignoresAuthorization, type Route } from './route.ts'

/** Origins whose pages may call every route. Any origin may call the public routes. */
export type Origins = ReadonlySet<string>

/** True for the exact form that a browser sends for a page of the web: no path, no default port. */
function isWebOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

/** The origin of the pages of an app or an extension, such as `tauri://localhost`, or of a page without an origin. */
const otherOrigin = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$|^null$/

function isKnownOrigin(value: unknown): boolean {
  return typeof value === 'string' && (isWebOrigin(value) || otherOrigin.test(value))
}

/** Reads the option. @throws {TypeError} for an origin that no browser sends. */
export function readOrigins(given: readonly string[] = []): Origins {
  const texts = Array.isArray(given) ? given.map(String) : []
  if (texts.some((text) => text.includes('*')))
    throw new TypeError(
      'corsOrigins must name every origin whole, because a browser never sends one with an asterisk',
    )
  if (!Array.isArray(given) || !given.every(isKnownOrigin))
    throw new TypeError(
      'corsOrigins must be a list of origins without paths, such as https://shop.example.com or tauri://localhost',
    )
  return new Set(given)
}

const preflightAge = 600
const exposed = 'ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id'
const anyOrigin = { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposed }

/** Headers that let a page of another origin read a response (Fetch, CORS protocol). They never allow credentials. */
export function corsHeaders(
  request: Request,
  isPublic: boolean,
  origins: Origins,
): Readonly<Record<string, string>> {
  if (isPublic) return anyOrigin
  if (origins.size === 0) return {}
  const origin = request.headers.get('origin')
  if (origin === null || !origins.has(origin)) return { vary: 'Origin' }
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed, vary: 'Origin' }
}

/** The response to OPTIONS: the methods of the path and, for a preflight, the permission to send one of them. */
export function preflight(
  request: Request,
  methods: readonly string[],
  routes: readonly Crossed[],
  origins: Origins,
): Reply {
  const wanted = request.headers.get('access-control-request-method')
  const route = routes.find(({ method }) => method === wanted || (wanted === 'HEAD' && method === 'GET'))
  const cors = corsHeaders(request, route?.access === 'public', origins)
  const permission = cors['access-control-allow-origin'] === undefined ? {} : permissionFor(route)
  return empty(204, { allow: methods.join(', '), ...cors, ...permission })
}

/** The part of a row that decides on its preflight. */
type Crossed = Pick<Route, 'method' | 'access' | 'notesClient'>

function allowedHeaders(route: Crossed): string {
  const headers = ignoresAuthorization(route)
    ? 'Content-Type, X-Request-Id'
    : 'Authorization, Content-Type, Idempotency-Key, X-Request-Id'
  return route.notesClient === true ? `${headers}, Heartwood-Client` : headers
}

function permissionFor(route: Crossed | undefined): Readonly<Record<string, string>> {
  if (route === undefined) return {}
  return {
    'access-control-allow-methods': route.method,
    'access-control-allow-headers': allowedHeaders(route),
    'access-control-max-age': String(preflightAge),
  }
}
