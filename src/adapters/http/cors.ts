import { empty, type Reply } from './reply.ts'
import type { Route } from './route.ts'

/** Which origins may call from a browser, beside the public routes that any may. */
export type Origins = ReadonlySet<string>

const preflightAge = 600
const exposed = 'ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id'
const forAnybody = { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposed }

/** What lets a browser show an answer to a page of another origin (Fetch, CORS protocol); never with credentials. */
export function corsHeaders(
  request: Request,
  isPublic: boolean,
  origins: Origins,
): Readonly<Record<string, string>> {
  if (isPublic) return forAnybody
  if (origins.size === 0) return {}
  const origin = request.headers.get('origin')
  if (origin === null || !origins.has(origin)) return { vary: 'Origin' }
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed, vary: 'Origin' }
}

/** The answer to OPTIONS on a path of ours: its methods, and for a preflight what it may send. */
export function preflight(
  request: Request,
  methods: readonly string[],
  routes: readonly Pick<Route, 'method' | 'access'>[],
  origins: Origins,
): Reply {
  const wanted = request.headers.get('access-control-request-method')
  const route = routes.find(({ method }) => method === wanted || (wanted === 'HEAD' && method === 'GET'))
  const cors = corsHeaders(request, route?.access === 'public', origins)
  const allowed = cors['access-control-allow-origin'] === undefined ? {} : permission(route)
  return empty(204, { allow: methods.join(', '), ...cors, ...allowed })
}

function permission(route: Pick<Route, 'method' | 'access'> | undefined): Readonly<Record<string, string>> {
  if (route === undefined) return {}
  const headers =
    route.access === 'public'
      ? 'Content-Type, X-Request-Id'
      : 'Authorization, Content-Type, Idempotency-Key, X-Request-Id'
  return {
    'access-control-allow-methods': route.method,
    'access-control-allow-headers': headers,
    'access-control-max-age': String(preflightAge),
  }
}
