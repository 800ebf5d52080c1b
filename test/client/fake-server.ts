import { recoveryKeyId, signWithRecoveryKey, type Recover } from '../../src/core/index.ts'
import { createTestServer, type Fault, type TestLicense, type TestServer } from '../../src/testing/server.ts'
import { recoveryKeys } from '../support/keys.ts'
import type { ClientSetup, ServerCommands } from './test-program.ts'

const recover: Recover = async (payload) => [
  await signWithRecoveryKey(payload, recoveryKeys[0]!.privateKeyPem),
]

type Arguments = readonly unknown[]

/** A test server that takes its commands by name, so that a page in a browser can give them over HTTP. */
export class FakeServer implements ServerCommands {
  readonly #baseUrl: string
  readonly #origins: readonly string[]
  readonly #create: typeof createTestServer
  #server: TestServer | null = null
  #licenseId = ''
  #lastToken = ''

  /** @param create Makes the server: of this version, or of an earlier one. */
  constructor(
    baseUrl = 'http://localhost',
    origins: readonly string[] = [],
    create: typeof createTestServer = createTestServer,
  ) {
    this.#baseUrl = baseUrl
    this.#origins = origins
    this.#create = create
  }

  get server(): TestServer {
    if (this.#server === null) throw new Error('The server has not been opened')
    return this.#server
  }

  async handle(request: Request): Promise<Response> {
    const response = await this.server.handle(request)
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => null)
    const { data } = Object(body) as { readonly data?: { readonly token?: unknown } }
    if (typeof data?.token === 'string') this.#lastToken = data.token
    return response
  }

  fetch(url: string, init: RequestInit): Promise<Response> {
    return this.handle(new Request(url, init))
  }

  async command(name: string, ...args: Arguments): Promise<unknown> {
    const command = this.#commands[name]
    if (command === undefined) throw new Error(`Unknown command ${name}`)
    return command(...args)
  }

  /** Runs a command that came over HTTP, as `remoteServer` sends it. */
  async respondToCommand(body: string): Promise<Response> {
    const { name, args } = JSON.parse(body) as { readonly name: string; readonly args: Arguments }
    return Response.json({ result: (await this.command(name, ...args)) ?? null })
  }

  async #open(license: TestLicense): Promise<ClientSetup> {
    this.#server = await this.#create({ corsOrigins: this.#origins })
    const { id, token } = await this.server.issue(license)
    this.#licenseId = id
    this.#lastToken = token
    const { app, publicKeys, now } = await this.server.clientOptions()
    return { baseUrl: this.#baseUrl, app, publicKeys, token, now: now() }
  }

  /** The server's code for a token, or for the last that it gave out. */
  async #verify(token: string | null): Promise<string> {
    const { licensing, app } = this.server
    const { code } = await licensing.verification.verifyToken(app, token ?? this.#lastToken)
    return code ?? 'ok'
  }

  readonly #commands: Readonly<Record<string, (...args: any[]) => unknown>> = {
    open: (license: TestLicense) => this.#open(license),
    time: (now: number) => this.server.clock.advance((now - this.server.clock.now()) / 1000),
    fail: (fault: Fault, requests: number | null) => this.server.fail(fault, requests ?? Infinity),
    recover: () => this.server.recover(),
    verify: (token: string | null) => this.#verify(token),
    token: async () => {
      const { licensing, app } = this.server
      const token = await licensing.licenses.token(app, this.#licenseId)
      this.#lastToken = token ?? this.#lastToken
      return token
    },
    rotate: (gracePeriodDays: number) => this.server.rotateKeys({ gracePeriodDays }),
    compromise: () => this.server.rotateKeys({ compromised: true }),
    setRecovery: async () => {
      const recovery = { threshold: 1, kids: [await recoveryKeyId(recoveryKeys[0]!.privateKeyPem)] }
      await this.server.licensing.recovery.set(this.server.app, recovery, recover)
    },
    revokeRetiredKeys: async () => {
      const { licensing, app } = this.server
      const retired = (await licensing.apps.keys(app)).filter(({ state }) => state !== 'active')
      await licensing.recovery.revoke(
        app,
        retired.map(({ kid }) => kid),
        recover,
      )
    },
    trust: async () => JSON.stringify(await this.server.licensing.apps.trust(this.server.app)),
    file: async () => {
      const { licensing, app } = this.server
      this.#lastToken = (await licensing.licenses.token(app, this.#licenseId)) ?? this.#lastToken
      return licensing.licenses.file(app, this.#licenseId)
    },
    revoke: () => this.server.licensing.licenses.revoke(this.server.app, this.#licenseId),
    reinstate: async () => {
      const { licensing, app } = this.server
      await licensing.licenses.reinstate(app, this.#licenseId)
      await licensing.licenses.regenerate(app, this.#licenseId)
    },
    delete: () => this.server.licensing.licenses.delete(this.server.app, this.#licenseId),
    deleteTier: () => this.server.licensing.tiers.delete(this.server.app, 'pro'),
    addFeature: (slug: string) =>
      this.server.licensing.tiers.addFeature(this.server.app, 'pro', { name: slug, slug }),
    invalidatePrevious: () =>
      this.server.licensing.licenses.regenerate(this.server.app, this.#licenseId, {
        invalidatePrevious: true,
      }),
    extend: (days: number) =>
      this.server.licensing.licenses.update(this.server.app, this.#licenseId, {
        expiresAt: Math.round(this.server.clock.now() / 1000 + days * 86_400),
      }),
  }
}
