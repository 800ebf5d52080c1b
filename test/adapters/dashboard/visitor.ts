import { licensingServer, type ServerOptions } from '../../../src/adapters/elysia.ts'
import { newShop, type Shop } from '../../support/fixtures.ts'
import type { LicensingOptions } from '../../../src/core/index.ts'

/** The parts of a request of a browser. */
export interface Visit {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A response with its body read. */
export interface Visited {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: { readonly data?: any; readonly error?: { readonly code: string; readonly message: string } }
}

/** A browser at an origin. It keeps the cookies of the dashboard and sends the headers that browsers send. */
export class Visitor {
  readonly #fetch: (request: Request) => Response | Promise<Response>
  readonly origin: string
  readonly cookies: Map<string, string> = new Map()
  lastSetCookie: string = ''

  constructor(fetch: (request: Request) => Response | Promise<Response>, origin: string) {
    this.#fetch = fetch
    this.origin = origin
  }

  /** Sends a request as a script of the page sends it. An empty header takes that header away. */
  async send(method: string, path: string, { body, headers = {} }: Visit = {}): Promise<Visited> {
    const { host } = new URL(this.origin)
    const given: Record<string, string> = {
      host,
      origin: this.origin,
      'sec-fetch-site': 'same-origin',
      ...(this.cookies.size > 0 && { cookie: [...this.cookies].map((pair) => pair.join('=')).join('; ') }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    }
    const sent = Object.entries(given).filter(([, text]) => text !== '')
    // A server sees plain http, whatever a proxy before it speaks.
    const request = new Request(this.origin.replace('https:', 'http:') + path, {
      method,
      headers: sent as [string, string][],
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const response = await this.#fetch(request)
    this.#keep(response.headers.get('set-cookie'))
    const text = await response.text()
    const isJson = response.headers.get('content-type') === 'application/json'
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} }
  }

  signIn(key: string, visit: Visit = {}): Promise<Visited> {
    return this.send('POST', '/dashboard/session', { body: { key }, ...visit })
  }

  follow(link: string, visit: Visit = {}): Promise<Visited> {
    return this.send('POST', '/dashboard/session', { body: { link }, ...visit })
  }

  /** The name in the answer to "who am I?"; `null` for nobody. */
  async id(): Promise<string | null> {
    return (await this.send('GET', '/dashboard/session')).json.data.person?.id ?? null
  }

  #keep(setCookie: string | null): void {
    if (setCookie === null) return
    this.lastSetCookie = setCookie
    const [pair = ''] = setCookie.split(';')
    const [name = '', text = ''] = pair.split('=')
    if (text === '') this.cookies.delete(name)
    else this.cookies.set(name, text)
  }
}

export const here = 'http://localhost'
export const afar = 'https://licenses.example.com'

/** A shop whose dashboard is on, with the secrets of a full key and of a key of the support. */
export interface Desk extends Shop {
  readonly fetch: (request: Request) => Promise<Response>
  visitor(origin?: string): Visitor
  readonly full: { readonly id: string; readonly secret: string }
  readonly support: { readonly id: string; readonly secret: string }
}

export async function newDesk(
  options: ServerOptions = {},
  licensingOptions: Partial<LicensingOptions> = {},
): Promise<Desk> {
  const shop = await newShop(licensingOptions)
  const { apiKeys } = shop.licensing
  const full = await apiKeys.create({ name: 'Founder' })
  const support = await apiKeys.create({ name: 'Ana, support', preset: 'support' })
  const app = licensingServer(shop.licensing, {
    standalone: true,
    dashboard: true,
    clientAddress: () => '192.0.2.1',
    ...options,
  })
  const fetch = async (request: Request): Promise<Response> => app.fetch(request)
  return { ...shop, fetch, full, support, visitor: (origin = here) => new Visitor(fetch, origin) }
}

/** The end of a link, which signs in. */
export function linkOf({ url }: { readonly url: string }): string {
  return url.split('#/in/')[1] ?? ''
}
