import { HttpError } from '../http/errors.ts'

/**
 * The place of a session: a cookie that goes over https alone, or one of this computer. Only the former has the prefix of
 * RFC 6265bis that no other host can set, and a session of the one never opens as the other.
 */
export type Place = 'https' | 'loopback'

/** A cookie that may hold a session. */
export interface FoundCookie {
  readonly name: string
  readonly text: string
  readonly place: Place
}

const prefixes: Readonly<Record<Place, string>> = {
  https: '__Host-heartwood-',
  loopback: 'heartwood-',
}

/** The attributes of each. The prefix asks for the whole host as the path. */
const attributes: Readonly<Record<Place, string>> = {
  https: 'Path=/; HttpOnly; SameSite=Strict; Secure',
  loopback: 'Path=/; HttpOnly; SameSite=Strict',
}

/** The host of a URL or of `Host`, without its port. */
const loopback = /^(?:localhost|[\w-]+(?:\.[\w-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i

/** True for a name or an address of this computer. */
export function isLoopback(host: string): boolean {
  return loopback.test(host)
}

/**
 * The place in which a browser may keep a session. Every browser sends `Origin` with a POST, and no page can forge it, so the
 * answer needs no word of a proxy.
 *
 * @throws {HttpError} `forbidden` for plain http to another computer, which would show the session to the network.
 */
export function placeFor({ headers }: Request): Place {
  const origin = headers.get('origin') ?? ''
  const { protocol = '', host = '' } = URL.canParse(origin) ? new URL(origin) : {}
  if (protocol === 'https:') return 'https'
  if (protocol === 'http:' && isLoopback(host)) return 'loopback'
  throw new HttpError('forbidden', 'Sign in over https, or on the computer of the server')
}

function cookieOf(pair: string, place: Place): FoundCookie | null {
  const [name = '', text = ''] = pair.split('=', 2).map((part) => part.trim())
  return name.startsWith(prefixes[place]) ? { name, text, place } : null
}

/**
 * The cookies of a request that may hold a session. Several servers of one host share its cookies, and a plain one counts on
 * this computer alone: elsewhere another host of the same site could have set it.
 */
export function findCookies({ headers }: Request): readonly FoundCookie[] {
  const header = headers.get('cookie')
  if (header === null || !header.includes('heartwood-')) return []
  const places: readonly Place[] = isLoopback(headers.get('host') ?? '') ? ['https', 'loopback'] : ['https']
  const pairs = header.split(';')
  return places.flatMap((place) =>
    pairs.map((pair) => cookieOf(pair, place)).filter((found) => found !== null),
  )
}

/** `Set-Cookie` for a session of the server of this name. */
export function setCookie(place: Place, name: string, text: string, seconds: number): string {
  return `${prefixes[place]}${name}=${text}; Max-Age=${seconds}; ${attributes[place]}`
}

/** `Set-Cookie` that takes a cookie out of the browser. */
export function clearCookie({ name, place }: Pick<FoundCookie, 'name' | 'place'>): string {
  return `${name}=; Max-Age=0; ${attributes[place]}`
}
