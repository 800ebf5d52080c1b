import type { BunFetchHandler, ServerHandler, ServerRequest } from 'srvx'
import type { DirectPath } from '../adapters/direct-path.ts'

/** A request as Bun's router makes it. */
interface RoutedRequest extends Request {
  /** The segments of the path, decoded. */
  readonly params?: Readonly<Record<string, string>>
}

/** More than any route has. A longer path is none of ours. */
const mostSegments = 12

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** The path and query of a URL that Bun made. It has no host if the Host of the request is empty or malformed. */
function targetOf(url: string): readonly [path: string, query: string] {
  const target = url.replace(/^https?:\/\/[^/]*/, '')
  const end = target.indexOf('?')
  return end === -1 ? [target, ''] : [target.slice(0, end), target.slice(end)]
}

function showTarget(request: Request, target: string): void {
  Object.defineProperty(request, 'url', { value: `http://localhost${target}` })
}

/** The place of the path in a URL that Bun made, which has a host. */
function pathStart(url: string): number {
  return url.indexOf('/', url.indexOf('//') + 2)
}

/** True if a URL shows these segments as they were sent. Nearly every request ends here, so it splits nothing. */
function isPlain(url: string, sent: readonly string[]): boolean {
  const start = pathStart(url)
  const path = `/${sent.join('/')}`
  const next = url[start + path.length]
  return start > 0 && url.startsWith(path, start) && (next === undefined || next === '?')
}

/** Corrects the URL of a request, whose path Bun's router has seen as these segments. */
function showSegments(request: RoutedRequest, sent: readonly string[]): void {
  if (isPlain(request.url, sent)) return
  const [path, query] = targetOf(request.url)
  const shown = path.replace(/\/$/, '').split('/').slice(1)
  const isShown = sent.length === shown.length && sent.every((text, at) => text === decoded(shown[at] ?? ''))
  const sentPath = `/${sent.map(encodeURIComponent).join('/')}`.replaceAll('%5C', '\\')
  if (!isShown) showTarget(request, sentPath + query)
}

/** Corrects the URL of a request that Bun's router could not split: if it shows a path of ours, that was not sent. */
function showNoPathOfOurs(request: Request): void {
  const [path, query] = targetOf(request.url)
  const segments = path.replace(/\/$/, '').split('/').slice(1)
  if (segments.length <= mostSegments && segments.every((text) => text !== ''))
    showTarget(request, `/${path}${query}`)
}

/** Gives an URL to a request whose Host is empty or malformed. Bun shows its target as it was sent. */
function showHostless(request: Request): boolean {
  const isHostless = request.url.startsWith('/')
  if (isHostless) showTarget(request, request.url)
  return isHostless
}

/** Is told the server of each request, before anything looks at the request: only the server knows the address of its socket. */
export type NoteServer = (server: Parameters<BunFetchHandler>[1]) => void

/**
 * Routes for Bun's server that pass every request on with the path that was sent. In `request.url`, Bun resolves `..` and
 * reads `\` as a slash. Its router alone still has the segments.
 */
export function bunRoutes(
  handle: ServerHandler,
  direct: DirectPath | null,
  note: NoteServer,
): Record<string, BunFetchHandler> {
  const after =
    (show: (request: RoutedRequest) => void): BunFetchHandler =>
    (request, server) => {
      note(server)
      if (!showHostless(request)) show(request)
      return handle(request)
    }
  const patterns = Array.from({ length: mostSegments }, (_, last) =>
    Array.from({ length: last + 1 }, (__, at) => `/:s${at}`).join(''),
  )
  const split = ['/', ...patterns, ...patterns.map((path) => `${path}/`)]
  const bySegments = after((request) => showSegments(request, Object.values(request.params ?? {})))
  return {
    ...Object.fromEntries(split.map((path) => [path, bySegments])),
    '/*': after(showNoPathOfOurs),
    ...(direct !== null && { [direct.pattern]: directRoute(direct, after, note) }),
  }
}

/**
 * The route of the direct path. Bun's router compares the segments as they were sent, except for the parameter. So the URL is
 * the sent one if it shows the same parameter.
 */
function directRoute(
  { pattern, respond }: DirectPath,
  after: (show: (request: RoutedRequest) => void) => BunFetchHandler,
  note: NoteServer,
): BunFetchHandler {
  const segments = pattern.split('/').slice(1)
  const otherwise = after((request) =>
    showSegments(
      request,
      segments.map((segment) => (segment === ':slug' ? (request.params?.['slug'] ?? '') : segment)),
    ),
  )
  return (request: RoutedRequest, server) => {
    note(server)
    const { url } = request
    const slug = request.params?.['slug']
    const response = slug === undefined ? null : respond(request, url.slice(pathStart(url)), slug)
    return response ?? otherwise(request, server)
  }
}

/**
 * Gives a request on Node the path that was sent, and returns it. srvx resolves `..` there, and fails at a malformed Host.
 * `null` if the request names a whole URL.
 */
export function showSentPath(request: ServerRequest): string | null {
  const sent = request.runtime?.node?.req.url
  if (sent?.startsWith('/') !== true) return null
  showTarget(request, sent)
  return sent
}
