/**
 * A license server inside a test, with a clock that passes when told to and faults on demand: for programs that use
 * `heartwood/client`. Needs no network, no file and no waiting.
 *
 * @module
 */
import { licensingServer } from '../adapters/elysia.ts'
import { generateRsaKeyPair } from '../core/keys/signing-keys.ts'
import { createLicensing, type Licensing } from '../core/licensing.ts'
import type { RotationOptions } from '../core/keys/rotation.ts'
import { memoryStorage } from '../storage/memory.ts'
import { VirtualClock } from './server/clock.ts'
import { suffer, type Fault } from './server/fault.ts'
import { publishedKeyPairs } from './server/key-pairs.ts'

export { VirtualClock } from './server/clock.ts'
export type { Fault } from './server/fault.ts'

export interface TestServerOptions {
  /** The app's slug; default `desktop-app`. */
  readonly app?: string
  /** The features of the one tier there is, `pro`; default none. */
  readonly features?: readonly string[]
  /** When the test begins, in milliseconds since 1970; default 2026-01-23T10:00:00Z. */
  readonly start?: number
  /** Pages of these origins may renew licenses, as `https://example.com`; default none. */
  readonly corsOrigins?: readonly string[]
}

/** A license to issue: 30 days for a new installation, unless said otherwise. */
export interface TestLicense {
  readonly installationId?: string
  /** In days from now. */
  readonly durationDays?: number
  readonly forever?: boolean
  /** Features beyond those of the tier. */
  readonly customFeatures?: readonly string[]
}

/** What a program's client is to be opened with, beside its own options. */
export interface TestClientOptions {
  readonly baseUrl: string
  readonly app: string
  readonly publicKeys: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly now: () => number
  readonly schedule: VirtualClock['schedule']
}

/** A request that reached the server or a fault, and its status; `null` when there was no answer. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly status: number | null
}

/** A license server for tests. */
export interface TestServer {
  readonly clock: VirtualClock
  /** All of Heartwood's core on the server's storage, to revoke, reinstate, extend and delete with. */
  readonly licensing: Licensing
  /** The app's slug. */
  readonly app: string
  /** What a client is to be opened with; its key is the one the app has now. */
  clientOptions(): Promise<TestClientOptions>
  /** Issues a license. */
  issue(license?: TestLicense): Promise<{ readonly id: string; readonly token: string }>
  /** Replaces the app's key pair; answers the new public key in PEM. */
  rotateKeys(options?: RotationOptions): Promise<string>
  /** Puts a fault before the server, for so many requests; by default until `recover`. */
  fail(fault: Fault, requests?: number): void
  /** Takes the fault away. */
  recover(): void
  /** Answers a request as the server does, or as the fault does. */
  handle(request: Request): Promise<Response>
  /** All requests so far. */
  readonly requests: readonly SeenRequest[]
}

const baseUrl = 'http://localhost'
const defaultStart = Date.UTC(2026, 0, 23, 10)

/** First the published pairs, which cost nothing; then fresh ones. */
function keyPairs(): () => ReturnType<typeof generateRsaKeyPair> {
  let used = 0
  return async () => publishedKeyPairs[used++] ?? generateRsaKeyPair()
}

/** What the server was opened with. */
interface Shop {
  readonly app: string
  readonly customerId: string
  readonly corsOrigins: readonly string[]
}

class InProcessServer implements TestServer {
  readonly clock: VirtualClock
  readonly licensing: Licensing
  readonly app: string
  readonly requests: SeenRequest[] = []
  readonly #customerId: string
  readonly #answer: (request: Request) => Promise<Response>
  #fault: Fault | null = null
  #remaining = 0

  constructor(clock: VirtualClock, licensing: Licensing, shop: Shop) {
    this.clock = clock
    this.licensing = licensing
    this.app = shop.app
    this.#customerId = shop.customerId
    const server = licensingServer(licensing, { corsOrigins: shop.corsOrigins })
    this.#answer = async (request) => server.handle(request)
  }

  async clientOptions(): Promise<TestClientOptions> {
    const { clock, app } = this
    return {
      baseUrl,
      app,
      publicKeys: await this.licensing.apps.publicKey(app),
      fetch: (url, init) => this.handle(new Request(url, init)),
      now: clock.programNow,
      schedule: clock.schedule,
    }
  }

  async issue(license: TestLicense = {}): Promise<{ readonly id: string; readonly token: string }> {
    const {
      installationId = crypto.randomUUID(),
      durationDays = 30,
      forever = false,
      customFeatures,
    } = license
    const { id, token } = await this.licensing.licenses.create(this.app, {
      ...{ installationId, customerId: this.#customerId, tierId: 'pro' },
      ...(forever ? { forever } : { durationDays }),
      ...(customFeatures !== undefined && { customFeatures }),
    })
    return { id, token: token ?? '' }
  }

  async rotateKeys(options?: RotationOptions): Promise<string> {
    return (await this.licensing.rotateKeys(this.app, options)).publicKeyPem
  }

  fail(fault: Fault, requests = Infinity): void {
    this.#fault = fault
    this.#remaining = requests
  }

  recover(): void {
    this.#fault = null
  }

  async handle(request: Request): Promise<Response> {
    const seen = { method: request.method, path: new URL(request.url).pathname }
    const at = this.requests.push({ ...seen, status: null }) - 1
    const response = await this.#respond(request)
    this.requests[at] = { ...seen, status: response.status }
    return response
  }

  #respond(request: Request): Promise<Response> {
    const fault = this.#fault
    if (--this.#remaining <= 0) this.#fault = null
    return fault === null ? this.#answer(request) : suffer(fault, () => this.#answer(request))
  }
}

/**
 * Opens a license server with one app, one tier (`pro`) and one customer.
 *
 * @example
 * ```ts
 * import { createLicenseClient } from 'heartwood/client'
 * import { createTestServer } from 'heartwood/testing/server'
 *
 * const server = await createTestServer({ features: ['webhooks'] })
 * const { id, token } = await server.issue({ durationDays: 365 })
 * const client = await createLicenseClient({ ...(await server.clientOptions()), token })
 * console.log(client.license.has('webhooks')) // true
 *
 * await server.licensing.licenses.revoke(server.app, id)
 * await server.clock.advance(86_400)
 * console.log(client.license.state) // revoked
 * ```
 */
export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { app = 'desktop-app', features = [], start = defaultStart, corsOrigins = [] } = options
  const clock = new VirtualClock(start)
  const masterKey = crypto.getRandomValues(new Uint8Array(32))
  const licensing = await createLicensing({
    ...{ storage: memoryStorage(), masterKey, now: clock.now },
    newKeyPair: keyPairs(),
  })
  await licensing.apps.create({ name: app, slug: app })
  await licensing.tiers.create(app, { name: 'Pro', slug: 'pro', features })
  const customer = await licensing.customers.create(app, { email: 'customer@example.com' })
  return new InProcessServer(clock, licensing, { app, customerId: customer.id, corsOrigins })
}
