/**
 * A license server for the tests of a program that uses `heartwood/client`. The test moves its clock and orders its faults.
 * It needs no network, no file and no waiting.
 *
 * @module
 */
import { licensingServer } from '../adapters/elysia.ts'
import { checkOptions, isAnything, isInteger, type OptionRules } from '../core/input/options.ts'
import { generateRsaKeyPair } from '../core/keys/signing-keys.ts'
import { createLicensing, type Licensing } from '../core/licensing.ts'
import type { Limits } from '../core/limits.ts'
import type { RotationOptions } from '../core/keys/rotation.ts'
import { memoryStorage } from '../storage/memory.ts'
import { VirtualClock } from './server/clock.ts'
import { respondWithFault, type Fault } from './server/fault.ts'
import { publishedKeyPairs } from './server/key-pairs.ts'

export { VirtualClock } from './server/clock.ts'
export type { Fault } from './server/fault.ts'

/** Differs from every wait of the client, so that a test which speeds up one of those leaves the server alone. */
const bodyTimeoutMs = 45_000

/** The options of {@link createTestServer}. All are optional. */
export interface TestServerOptions {
  /** The slug of the app; default `desktop-app`. */
  readonly app?: string
  /** The features of the tier `pro`, the only tier; default none. */
  readonly features?: readonly string[]
  /** The limits of the tier `pro` by slug; default none. */
  readonly limits?: Limits
  /** The first time of the clock, in milliseconds since 1970; default 2026-01-23T10:00:00Z. */
  readonly start?: number
  /** The origins whose pages may renew licenses, such as `https://example.com`; default none. */
  readonly corsOrigins?: readonly string[]
}

/** A license to issue. By default it lasts 30 days, for a new installation. */
export interface TestLicense {
  /** A UUID; default a new one. */
  readonly installationId?: string
  /** The days until it expires; default 30. */
  readonly durationDays?: number
  /** True for a license that never expires; then `durationDays` has no effect. */
  readonly forever?: boolean
  /** Features beyond those of the tier; default none. */
  readonly customFeatures?: readonly string[]
  /** Limits that override those of the tier; default none. */
  readonly customLimits?: Limits
  /** The license covers versions released until then, in seconds since 1970; default all. */
  readonly updatesUntil?: number
}

/** A license key to sell. By default it has one seat and lasts 30 days. */
export interface TestLicenseKey extends Omit<TestLicense, 'installationId'> {
  /** The number of seats, from 1; default 1. */
  readonly seats?: number
  /** The number of releases by holders in a year; `null` for any; default 12. */
  readonly releasesPerYear?: number | null
}

/** The options that connect a client to the test server. Add the program's own options. */
export interface TestClientOptions {
  readonly baseUrl: string
  /** The slug of the app. */
  readonly app: string
  /** The public key of the app, as PEM. */
  readonly publicKeys: string
  /** Sends a request to the test server. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** The clock of the program's computer, in milliseconds since 1970. */
  readonly now: () => number
  /** Runs the client's work when the test's clock reaches its time. */
  readonly schedule: VirtualClock['schedule']
}

/** A request that reached the server or a fault. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** The HTTP status, or `null` without a response. */
  readonly status: number | null
}

/** A license server for tests. */
export interface TestServer {
  readonly clock: VirtualClock
  /** The server's licensing, to revoke, reinstate, extend and delete licenses. */
  readonly licensing: Licensing
  /** The slug of the app. */
  readonly app: string
  /** Resolves to the options of a client. Their public key is the app's key at the time of the call. */
  clientOptions(): Promise<TestClientOptions>
  /** Issues a license. Resolves to its id, `lic_…`, and its token. @throws {LicensingError} for invalid input. */
  issue(license?: TestLicense): Promise<{ readonly id: string; readonly token: string }>
  /**
   * Sells a license key, for `client.activate`. Resolves to its id, `lkey_…`, and its text. @throws {LicensingError} for invalid
   * input.
   */
  sell(licenseKey?: TestLicenseKey): Promise<{ readonly id: string; readonly key: string }>
  /** Replaces the app's key pair. Resolves to the new public key as PEM. @throws {LicensingError} for invalid options. */
  rotateKeys(options?: RotationOptions): Promise<string>
  /** Puts a fault in front of the server for this number of requests; default until `recover`. */
  fail(fault: Fault, requests?: number): void
  /** Removes the fault. */
  recover(): void
  /** Responds as the server does, or as the fault does. @throws {Error} as `fetch` does, if the fault gives no response. */
  handle(request: Request): Promise<Response>
  /** All requests so far, oldest first. */
  readonly requests: readonly SeenRequest[]
}

const baseUrl = 'http://localhost'
const defaultStart = Date.UTC(2026, 0, 23, 10)

/** Uses the published pairs first, because generating a pair takes seconds. */
function keyPairs(): () => ReturnType<typeof generateRsaKeyPair> {
  let used = 0
  return async () => publishedKeyPairs[used++] ?? generateRsaKeyPair()
}

const optionRules: OptionRules<TestServerOptions> = {
  app: isAnything,
  features: isAnything,
  limits: isAnything,
  start: isInteger(0),
  corsOrigins: isAnything,
}

interface ServerSetup {
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
  readonly #respond: (request: Request) => Promise<Response>
  #fault: Fault | null = null
  #remaining = 0

  constructor(clock: VirtualClock, licensing: Licensing, setup: ServerSetup) {
    this.clock = clock
    this.licensing = licensing
    this.app = setup.app
    this.#customerId = setup.customerId
    const server = licensingServer(licensing, { corsOrigins: setup.corsOrigins, bodyTimeoutMs })
    this.#respond = async (request) => server.handle(request)
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
    const { installationId = crypto.randomUUID(), durationDays = 30, forever = false, ...terms } = license
    const { id, token } = await this.licensing.licenses.create(this.app, {
      installationId,
      customerId: this.#customerId,
      tierId: 'pro',
      ...(forever ? { forever } : { durationDays }),
      ...terms,
    })
    return { id, token: token ?? '' }
  }

  async sell(licenseKey: TestLicenseKey = {}): Promise<{ readonly id: string; readonly key: string }> {
    const { durationDays = 30, forever = false, ...terms } = licenseKey
    const { id, key } = await this.licensing.licenseKeys.create(this.app, {
      customerId: this.#customerId,
      tierId: 'pro',
      ...(forever ? { forever } : { durationDays }),
      ...terms,
    })
    return { id, key }
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
    const response = await this.#respondOrFail(request)
    this.requests[at] = { ...seen, status: response.status }
    return response
  }

  #respondOrFail(request: Request): Promise<Response> {
    const fault = this.#fault
    if (--this.#remaining <= 0) this.#fault = null
    return fault === null ? this.#respond(request) : respondWithFault(fault, () => this.#respond(request))
  }
}

/**
 * Creates a license server with one app, one tier (`pro`) and one customer.
 *
 * @throws {LicensingError} if a slug is invalid.
 * @throws {TypeError} that names an unknown or unusable option.
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
  checkOptions(options, optionRules)
  const { app = 'desktop-app', features = [], limits = {}, start = defaultStart, corsOrigins = [] } = options
  const clock = new VirtualClock(start)
  const masterKey = crypto.getRandomValues(new Uint8Array(32))
  const licensing = await createLicensing({
    storage: memoryStorage(),
    masterKey,
    now: clock.now,
    newKeyPair: keyPairs(),
  })
  await licensing.apps.create({ name: app, slug: app })
  await licensing.tiers.create(app, { name: 'Pro', slug: 'pro', features, limits })
  const customer = await licensing.customers.create(app, { email: 'customer@example.com' })
  return new InProcessServer(clock, licensing, { app, customerId: customer.id, corsOrigins })
}
