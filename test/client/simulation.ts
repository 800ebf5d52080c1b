import { setImmediate } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import {
  createLicenseClient,
  memoryStore,
  type LicenseClient,
  type LicenseStore,
} from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'

/** Repeats the same numbers for the same seed (mulberry32). */
export class Random {
  #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  /** A whole number below `bound`. */
  below(bound: number): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), this.#seed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

/** A token's license and revision, both counted from 0. */
export interface Place {
  readonly license: number
  readonly revision: number
}

/** The tokens of two licenses, by license and revision. */
export interface Tokens {
  readonly publicKeys: string
  /** Whole seconds since 1970. */
  readonly start: number
  readonly ids: readonly string[]
  readonly texts: readonly (readonly string[])[]
  readonly placeOfJti: ReadonlyMap<string | undefined, Place>
  readonly placeOfText: ReadonlyMap<string | null, Place>
}

/** Issues at most nine tokens: a client that has verified them all then never verifies again. */
export async function issueTokens(): Promise<Tokens> {
  const server = await createTestServer()
  const texts: string[][] = []
  const ids: string[] = []
  for (const revisions of [6, 2]) {
    const { id, token } = await server.issue({ forever: true })
    const issued = [token]
    while (issued.length < revisions) {
      await server.licensing.licenses.regenerate(server.app, id)
      issued.push((await server.licensing.licenses.token(server.app, id))!)
    }
    ids.push(id)
    texts.push(issued)
  }
  const { publicKeys } = await server.clientOptions()
  const places = texts.flatMap((issued, license) =>
    issued.map((token, revision) => [token, { license, revision }] as const),
  )
  const placeOfJti = new Map(places.map(([token, place]) => [decodeJwt(token).jti, place]))
  return {
    publicKeys,
    start: server.clock.now() / 1000,
    ids,
    texts,
    placeOfJti,
    placeOfText: new Map(places),
  }
}

/** The parts of a record that a test judges. */
interface Stored {
  readonly token: string | null
  readonly revoked: { readonly licenseId: string; readonly revision: number } | null
}

/** Says what a write takes back of the text before it: a newer token, or a revocation. */
function lossOf({ placeOfText }: Tokens, before: string | null, after: string): string | null {
  if (before === null) return null
  const [old, next] = [before, after].map((text) => JSON.parse(text) as Stored) as [Stored, Stored]
  const [from, to] = [placeOfText.get(old.token), placeOfText.get(next.token)]
  if (from !== undefined && from.license === to?.license && to.revision < from.revision)
    return `Revision ${from.revision} was replaced by ${to.revision}`
  const revokedUpTo = [old, next].map(({ revoked }) => revoked?.revision ?? -1) as [number, number]
  return revokedUpTo[1] < revokedUpTo[0]
    ? `A revocation up to revision ${revokedUpTo[0]} was taken back`
    : null
}

/** The kind of store that the programs share. */
export interface SimulationOptions {
  /** `slow`: a read or write takes effect at one time and is answered at another. `instant`: like `localStorage`. */
  readonly store: 'slow' | 'instant'
  /** True if the store keeps other programs out while one works. */
  readonly locks: boolean
  /** True if reads and writes fail now and then. */
  readonly fails: boolean
}

/** Unlike the platform's, its body is there at once. */
function respond(status: number, body: object): Response {
  return { status, headers: new Headers(), text: async () => JSON.stringify(body) } as Response
}

/** One store, one server and one clock. A step waits in a queue until the test lets it go. */
export class Simulation {
  readonly tokens: Tokens
  readonly #random: Random
  readonly #options: SimulationOptions
  readonly #waiting: (() => void)[] = []
  #lock: Promise<unknown> = Promise.resolve()
  #text: string | null = null
  /** The newest revision of each license. */
  readonly #revisions: number[]
  /** True while the first license is revoked on the server. */
  isRevoked = false
  isDown = false
  isFailing: boolean
  /** Whole seconds since 1970. */
  now: number
  readonly losses: string[] = []

  constructor(tokens: Tokens, random: Random, options: SimulationOptions) {
    this.tokens = tokens
    this.#random = random
    this.#options = options
    this.#revisions = tokens.texts.map(() => 0)
    this.isFailing = options.fails
    this.now = tokens.start
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  letOneGo(): void {
    this.#waiting.splice(this.#random.below(this.#waiting.length), 1)[0]?.()
  }

  /** Waits for `work`, while `watch` looks after every step. */
  async finish<T>(work: Promise<T>, watch: () => void = () => undefined): Promise<T> {
    await setImmediate()
    while (this.#waiting.length > 0) {
      this.letOneGo()
      await setImmediate()
      watch()
    }
    return work
  }

  async #storeTurn(): Promise<void> {
    if (this.#options.store === 'slow') await this.#turn()
    if (this.isFailing && this.#random.below(8) === 0) throw new Error('No space left on device')
  }

  #store(): LicenseStore {
    const store: LicenseStore = {
      read: async () => {
        await this.#storeTurn()
        const text = this.#text
        await this.#storeTurn()
        return text
      },
      write: async (text) => {
        await this.#storeTurn()
        const loss = lossOf(this.tokens, this.#text, text)
        if (loss !== null) this.losses.push(loss)
        this.#text = text
        await this.#storeTurn()
      },
    }
    return this.#options.locks ? { ...store, alone: (work) => this.#alone(work) } : store
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lock.then(work)
    this.#lock = turn.catch(() => undefined)
    return turn
  }

  readonly #fetch = async (_: string, { body }: RequestInit): Promise<Response> => {
    const { current_token: shown } = JSON.parse(body as string) as { readonly current_token: string }
    await this.#turn()
    const response = this.#renew(this.tokens.placeOfText.get(shown)!.license)
    await this.#turn()
    return response
  }

  #renew(license: number): Response {
    if (this.isDown) return respond(503, {})
    if (license === 0 && this.isRevoked)
      return respond(400, { error: { code: 'license_revoked', message: 'Revoked' } })
    const texts = this.tokens.texts[license]!
    const revision = Math.min(this.#revisions[license]! + 1, texts.length - 1)
    this.#revisions[license] = revision
    return respond(200, { data: { token: texts[revision] } })
  }

  /** Opens a client that has verified every token, so that from here on none of its work takes real time. */
  async open(): Promise<LicenseClient> {
    let store = memoryStore()
    const client = await createLicenseClient({
      baseUrl: 'https://licenses.example.com',
      app: 'desktop-app',
      publicKeys: this.tokens.publicKeys,
      background: false,
      now: () => this.now * 1000,
      fetch: this.#fetch,
      store: {
        read: () => store.read(),
        write: (text) => store.write(text),
        alone: async (work) => (store.alone === undefined ? work() : store.alone(work)),
      },
    })
    for (const token of this.tokens.texts.flat()) await client.setToken(token)
    await client.clear()
    store = this.#store()
    return client
  }
}
