import {
  createLicenseClient,
  memoryStore,
  type LicenseClient,
  type LicenseClientOptions,
  type LicenseStore,
} from '../../src/client/index.ts'
import { start } from '../support/statements.ts'

/** A server of which nothing but `trust.json` is there. */
export interface TrustServer {
  /** The body of `trust.json`; `null` responds as a server without succession. */
  body: unknown
  isUp: boolean
  readonly paths: string[]
}

export function trustServer(body: unknown = null): TrustServer {
  return { body, isUp: true, paths: [] }
}

const noSuchRoute = { error: { code: 'no_such_route', message: 'No such route' } }

/** A program before that server. By default it is built with one PEM and follows `trust.json`. */
export async function openProgram(
  server: TrustServer,
  options: Partial<LicenseClientOptions> & Pick<LicenseClientOptions, 'publicKeys'>,
  store: LicenseStore = memoryStore(),
): Promise<LicenseClient> {
  return createLicenseClient({
    baseUrl: 'https://licenses.example.com',
    app: 'desktop-app',
    refreshKeys: { from: 'trust.json' },
    store,
    background: false,
    now: () => (start + 7_200) * 1000,
    fetch: async (url) => {
      const path = url.slice(url.lastIndexOf('/') + 1)
      server.paths.push(path)
      if (!server.isUp) throw new TypeError('offline')
      const isServed = path === 'trust.json' && server.body !== null
      if (typeof server.body === 'string' && isServed) return new Response(server.body)
      return isServed ? Response.json(server.body) : Response.json(noSuchRoute, { status: 404 })
    },
    ...options,
  })
}

/** Enters a token or a license file. Gives the state, otherwise the message of the refusal. */
export async function enter(client: LicenseClient, text: string): Promise<string> {
  return client.setToken(text).then(
    ({ state }) => state,
    (error: unknown) => (error as Error).message,
  )
}

/** The numbers in the events `trust_conflict` so far. */
export function conflictsOf(client: LicenseClient): readonly number[] {
  const seen: number[] = []
  client.on('trust_conflict', ({ seq }) => seen.push(seq))
  return seen
}
