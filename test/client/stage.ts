import { decodeJwt } from 'jose'
import {
  createLicenseClient,
  memoryStore,
  type ClientLicense,
  type LicenseClient,
  type LicenseStore,
} from '../../src/client/index.ts'
import { VirtualClock } from '../../src/testing/server/clock.ts'
import type { TestLicense } from '../../src/testing/server.ts'
import type { Actor, Scenario, Sight, StageOptions } from './scenario.ts'

/** What the server side tells a client that is to be opened. */
export interface Backdrop {
  readonly baseUrl: string
  readonly app: string
  readonly publicKeys: string
  readonly token: string
  /** In milliseconds since 1970. */
  readonly now: number
}

/** The server side of a scenario: in this process, or behind HTTP for a browser. Arguments and answers are JSON. */
export interface Backstage {
  tell(name: string, ...args: readonly unknown[]): Promise<unknown>
  fetch(url: string, init: RequestInit): Promise<Response>
}

const day = 86_400

function brokenStore(): LicenseStore {
  const refuse = (): never => {
    throw new Error('No space left on device')
  }
  return { read: async () => refuse(), write: () => refuse() }
}

/** One client before one server, in a time that only this stage lets pass. */
export class Stage implements Actor {
  readonly #backstage: Backstage
  readonly #options: StageOptions
  readonly #backdrop: Backdrop
  readonly #store: LicenseStore
  readonly #clock: VirtualClock
  #client: LicenseClient

  private constructor(backstage: Backstage, options: StageOptions, backdrop: Backdrop) {
    this.#backstage = backstage
    this.#options = options
    this.#backdrop = backdrop
    this.#store = options.brokenStore === true ? brokenStore() : memoryStore()
    this.#clock = new VirtualClock(backdrop.now)
    this.#client = undefined as never
  }

  static async open(backstage: Backstage, license: TestLicense, options: StageOptions): Promise<Stage> {
    const backdrop = (await backstage.tell('open', license)) as Backdrop
    const stage = new Stage(backstage, options, backdrop)
    if (options.offline === true) await stage.tell('fail', 'outage', null)
    await stage.#start()
    const byHand = !['withoutToken', 'configured', 'brokenStore'].some((name) => name in options)
    if (byHand) await stage.enterFirst()
    return stage
  }

  get license(): ClientLicense {
    return this.#client.license
  }

  async #start(): Promise<void> {
    const { baseUrl, app, publicKeys, token } = this.#backdrop
    const { graceDays, maxOfflineDays, refreshKeys, configured } = this.#options
    this.#client = await createLicenseClient({
      ...{ baseUrl, app, publicKeys, store: this.#store },
      ...(graceDays !== undefined && { graceDays }),
      ...(maxOfflineDays !== undefined && { maxOfflineDays }),
      ...(refreshKeys !== undefined && { refreshKeys }),
      ...(configured === true && { token }),
      fetch: async (url, init) => {
        await this.#synchronise()
        return this.#backstage.fetch(url, init)
      },
      now: this.#clock.programNow,
      schedule: this.#clock.schedule,
    })
  }

  #synchronise(): Promise<unknown> {
    return this.#backstage.tell('time', this.#clock.now())
  }

  async tell(name: string, ...args: readonly unknown[]): Promise<void> {
    await this.#synchronise()
    await this.#backstage.tell(name, ...args)
  }

  async wait(days: number): Promise<void> {
    await this.#clock.advance(Math.round(days * day))
  }

  async restart(): Promise<void> {
    this.#client.close()
    await this.#start()
    await this.#clock.advance(1)
  }

  async refresh(): Promise<void> {
    await this.#client.refresh()
  }

  async skew(days: number): Promise<void> {
    this.#clock.skewProgram(Math.round(days * day))
    await this.#client.check()
  }

  async enterNew(): Promise<void> {
    await this.#synchronise()
    await this.#enter((await this.#backstage.tell('token')) as string)
  }

  async enterFirst(): Promise<void> {
    await this.#enter(this.#backdrop.token)
  }

  /** One that the program cannot verify changes nothing. */
  async #enter(token: string): Promise<void> {
    const before = JSON.stringify(this.#client.license)
    await this.#client.setToken(token).catch((error: unknown) => {
      const { code } = error as { readonly code?: unknown }
      if (code !== 'invalid_token' || JSON.stringify(this.#client.license) !== before) throw error
    })
    await this.#clock.advance(0)
  }

  async damage(text: string): Promise<void> {
    this.#client.close()
    await this.#store.write(text)
    await this.#start()
    if (this.license.store !== 'corrupt') throw new Error('The client does not say that its store is damaged')
  }

  async damageToken(change: (token: string) => string): Promise<void> {
    this.#client.close()
    const { token, ...others } = JSON.parse((await this.#store.read()) ?? '') as { readonly token: string }
    await this.#store.write(JSON.stringify({ token: change(token), ...others }))
    await this.#start()
  }

  grants(feature: string): void {
    if (!this.license.has(feature)) throw new Error(`The license does not grant ${feature}`)
  }

  lacks(feature: string): void {
    if (this.license.has(feature)) throw new Error(`The license grants ${feature}`)
  }

  /** The state and action of the program, what the server says of its token, and whether they mean the same. */
  async sight(): Promise<Sight> {
    const { state, action, code, lastAttempt, claims } = this.license
    await this.#synchronise()
    const asked = claims !== null || state === 'revoked'
    const server = asked ? await this.#backstage.tell('verify', await this.#heldToken(claims?.jti)) : 'none'
    const known = code === null || code === 'token_expired' ? (lastAttempt?.code ?? code ?? 'ok') : code
    const seen = `${state} ${action}`
    return known === server || !asked ? [seen, `${server}`] : [seen, `${server}`, 'unaware']
  }

  /** The token that the program goes by, as its store has it; `null` when it was taken away. */
  async #heldToken(jti: string | undefined): Promise<string | null> {
    const text = await this.#store.read().catch(() => null)
    const { token, fallback } = JSON.parse(text ?? '{}') as Readonly<Record<string, string | null>>
    return [token, fallback].find((kept) => typeof kept === 'string' && decodeJwt(kept).jti === jti) ?? null
  }

  close(): void {
    this.#client.close()
  }
}

/** What a scenario came to: for every step what was to be seen and what was. */
export interface Run {
  readonly expected: readonly Sight[]
  readonly seen: readonly Sight[]
}

/** Plays one row of the table. */
export async function play(scenario: Scenario, backstage: Backstage): Promise<Run> {
  const stage = await Stage.open(backstage, scenario.license ?? {}, scenario.options ?? {})
  const seen: Sight[] = []
  for (const [act, [, , apart]] of scenario.steps) {
    await act(stage)
    const [what, server, differs] = await stage.sight()
    seen.push(differs === undefined ? [what, server] : [what, server, apart ?? differs])
  }
  stage.close()
  return { expected: scenario.steps.map(([, sight]) => sight), seen }
}
