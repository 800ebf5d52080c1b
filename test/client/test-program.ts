import { decodeJwt } from 'jose'
import {
  createLicenseClient,
  memoryStore,
  type ClientLicense,
  type LicenseClient,
  type LicenseStore,
  type StoreCondition,
} from '../../src/client/index.ts'
import { VirtualClock } from '../../src/testing/server/clock.ts'
import type { TestLicense } from '../../src/testing/server.ts'
import type { LifecycleCase, Observation, Program, ProgramOptions, Step } from './lifecycle-case.ts'

/** The server's part of a client's options. */
export interface ClientSetup {
  readonly baseUrl: string
  readonly app: string
  readonly publicKeys: string
  readonly token: string
  /** In milliseconds since 1970. */
  readonly now: number
}

/** The server of a case: in this process, or behind HTTP for a browser. Arguments and results are JSON. */
export interface ServerCommands {
  command(name: string, ...args: readonly unknown[]): Promise<unknown>
  fetch(url: string, init: RequestInit): Promise<Response>
}

/** Makes a client: of this version, or of an earlier one. */
export type CreateClient = typeof createLicenseClient

const day = 86_400

function failingStore(): LicenseStore {
  const refuse = (): never => {
    throw new Error('No space left on device')
  }
  return { read: async () => refuse(), write: () => refuse() }
}

const never = <T>(): Promise<T> => new Promise(() => undefined)

/** The store as the client sees it. */
function seenStore(kept: LicenseStore, { silent }: ProgramOptions): LicenseStore {
  const isSilent = (verb: 'read' | 'write'): boolean => silent === 'store' || silent === verb
  return {
    read: isSilent('read') ? never : () => kept.read(),
    write: isSilent('write') ? never : (text) => kept.write(text),
  }
}

/** A program with one client before one server, in a time that passes only when it is told to. */
export class TestProgram implements Program {
  readonly #server: ServerCommands
  readonly #options: ProgramOptions
  readonly #setup: ClientSetup
  #kept: LicenseStore
  #store: LicenseStore
  readonly #clock: VirtualClock
  readonly #versions: readonly CreateClient[]
  starts = 0
  #client: LicenseClient

  private constructor(
    server: ServerCommands,
    options: ProgramOptions,
    setup: ClientSetup,
    versions: readonly CreateClient[],
  ) {
    this.#server = server
    this.#versions = versions
    this.#options = options
    this.#setup = setup
    this.#kept = options.brokenStore === true ? failingStore() : memoryStore()
    this.#store = seenStore(this.#kept, options)
    this.#clock = new VirtualClock(setup.now)
    this.#client = undefined as never
  }

  static async open(
    server: ServerCommands,
    license: TestLicense,
    options: ProgramOptions,
    versions: readonly CreateClient[],
  ): Promise<TestProgram> {
    const opened = (await server.command('open', license)) as ClientSetup
    const carried = options.carriesTrust === true && { publicKeys: (await server.command('trust')) as string }
    const setup = { ...opened, ...carried }
    const program = new TestProgram(server, options, setup, versions)
    if (options.offline === true) await program.onServer('fail', 'outage', null)
    await program.#start()
    const byHand = !['withoutToken', 'configured', 'brokenStore'].some((name) => name in options)
    if (byHand) await program.enterFirstToken()
    return program
  }

  get license(): ClientLicense {
    return this.#client.license
  }

  async #start(): Promise<void> {
    const { baseUrl, app, publicKeys, token } = this.#setup
    const { graceDays, maxOfflineDays, refreshKeys, configured } = this.#options
    const create = this.#versions[this.starts++ % this.#versions.length]!
    if (this.#options.forgets === true) this.#kept = this.#store = memoryStore()
    this.#client = await create({
      baseUrl,
      app,
      publicKeys,
      store: this.#store,
      ...(graceDays !== undefined && { graceDays }),
      ...(maxOfflineDays !== undefined && { maxOfflineDays }),
      ...(refreshKeys !== undefined && { refreshKeys }),
      ...(configured === true && { token }),
      fetch: async (url, init) => {
        await this.#synchronise()
        return this.#server.fetch(url, init)
      },
      now: this.#clock.programNow,
      schedule: this.#clock.schedule,
    })
  }

  #synchronise(): Promise<unknown> {
    return this.#server.command('time', this.#clock.now())
  }

  async onServer(name: string, ...args: readonly unknown[]): Promise<void> {
    await this.#synchronise()
    await this.#server.command(name, ...args)
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

  async skewClock(days: number): Promise<void> {
    this.#clock.skewProgram(Math.round(days * day))
    await this.#client.check()
  }

  async enterNewToken(): Promise<void> {
    await this.#synchronise()
    await this.#enter((await this.#server.command('token')) as string)
  }

  async enterLicenseFile(): Promise<void> {
    await this.#synchronise()
    await this.#enter((await this.#server.command('file')) as string)
  }

  async enterFirstToken(): Promise<void> {
    await this.#enter(this.#setup.token)
  }

  /** A token that the program cannot verify must change nothing. */
  async #enter(token: string): Promise<void> {
    const before = JSON.stringify(this.#client.license)
    await this.#client.setToken(token).catch((error: unknown) => {
      const { code } = error as { readonly code?: unknown }
      if (code !== 'invalid_token' || JSON.stringify(this.#client.license) !== before) throw error
    })
    await this.#clock.advance(0)
  }

  async damageStore(text: string): Promise<void> {
    this.#client.close()
    await this.#kept.write(text)
    await this.#start()
    if (this.license.store !== this.#damagedCondition)
      throw new Error('The client does not say that its store is damaged')
  }

  get #damagedCondition(): StoreCondition {
    if (this.#options.forgets === true) return 'empty'
    const { silent } = this.#options
    return silent === 'store' || silent === 'read' ? 'unavailable' : 'corrupt'
  }

  async damageToken(change: (token: string) => string): Promise<void> {
    this.#client.close()
    const { token = '', ...others } = JSON.parse((await this.#kept.read()) ?? '{}') as { token?: string }
    await this.#kept.write(JSON.stringify({ token: change(token), ...others }))
    await this.#start()
  }

  expectFeature(feature: string): void {
    if (!this.license.has(feature)) throw new Error(`The license does not grant ${feature}`)
  }

  expectNoFeature(feature: string): void {
    if (this.license.has(feature)) throw new Error(`The license grants ${feature}`)
  }

  async observe(): Promise<Observation> {
    const { state, action, code, lastAttempt, claims } = this.license
    await this.#synchronise()
    const asked = claims !== null || state === 'revoked'
    const server = asked ? await this.#server.command('verify', await this.#heldToken(claims?.jti)) : 'none'
    const known = code === null || code === 'token_expired' ? (lastAttempt?.code ?? code ?? 'ok') : code
    const program = `${state} ${action}`
    return known === server || !asked ? [program, `${server}`] : [program, `${server}`, 'unaware']
  }

  /** The token that the program uses, from its store; `null` if it is gone. */
  async #heldToken(jti: string | undefined): Promise<string | null> {
    const isKept = this.#options.silent === undefined
    const text = isKept ? await this.#kept.read().catch(() => null) : null
    const { token, fallback } = JSON.parse(text ?? '{}') as Readonly<Record<string, string | null>>
    return [token, fallback].find((kept) => typeof kept === 'string' && decodeJwt(kept).jti === jti) ?? null
  }

  close(): void {
    this.#client.close()
  }
}

/** The expected and the actual observation after every step. */
export interface CaseResult {
  readonly expected: readonly Observation[]
  readonly observed: readonly Observation[]
  /** The number of times that the program had been started, after every step. */
  readonly starts: readonly number[]
  /** The store's condition at the end. */
  readonly store: StoreCondition
}

/** An error of the step takes the place of the observation, which no case expects. */
async function observeAfter(
  step: Step,
  program: TestProgram,
  expected: Observation[2],
): Promise<Observation> {
  try {
    await step(program)
  } catch (error) {
    return [`${error as Error}`, 'error']
  }
  const [state, code, difference] = await program.observe()
  return difference === undefined ? [state, code] : [state, code, expected ?? difference]
}

/** @param versions The clients that the program starts with, in turn. They share its store. */
export async function runCase(
  { license = {}, options = {}, steps }: LifecycleCase,
  server: ServerCommands,
  versions: readonly CreateClient[] = [createLicenseClient],
): Promise<CaseResult> {
  const program = await TestProgram.open(server, license, options, versions)
  const observed: Observation[] = []
  const starts: number[] = []
  for (const [step, [, , expected]] of steps) {
    observed.push(await observeAfter(step, program, expected))
    starts.push(program.starts)
  }
  const { store } = program.license
  program.close()
  return { expected: steps.map(([, observation]) => observation), observed, starts, store }
}
