import { LicensingError } from '../core/errors.ts'
import { Listeners, type ClientEvents } from './events.ts'
import { Keeper } from './keeper.ts'
import { KeyRing, type VerifiedToken } from './key-ring.ts'
import { differs, licenseOf, type ClientLicense } from './license.ts'
import { readOptions, type LicenseClientOptions, type Settings } from './options.ts'
import {
  emptyRecord,
  markOf,
  settle,
  withToken,
  isRevoked,
  type LicenseRecord,
  type Outcome,
} from './record.ts'
import { askForToken, deadline } from './renewal.ts'
import { longestSleep, nextAttempt } from './timing.ts'

/** The license of this program, kept fresh. */
export interface LicenseClient<Feature extends string = string> {
  /** The license as it stands at this moment, by the verified token alone: no request, no waiting. */
  readonly license: ClientLicense<Feature>
  /**
   * Takes in a token that the user entered. Of two tokens of a license the one with the higher revision is kept.
   * @throws {LicensingError} `invalid_token` when it is not a token of this app under a trusted key; nothing changes then.
   */
  setToken(token: string): Promise<ClientLicense<Feature>>
  /**
   * Asks the server for a new token now, or with `ifDue` only when it is time to. Never throws: without a server nothing
   * changes. Takes ten seconds at most, and waits for another tab or process that asks already.
   */
  refresh(options?: { readonly ifDue?: boolean }): Promise<ClientLicense<Feature>>
  /** Looks at the clock and at the store, which another program may have written. */
  check(): Promise<ClientLicense<Feature>>
  /** Forgets the token, here and in the store. */
  clear(): Promise<ClientLicense<Feature>>
  /** Calls `listener` at every such event; answers how to stop that. */
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents<Feature>[Name]) => void,
  ): () => void
  /** Stops refreshing, and gives up a request that is under way. */
  close(): void
}

class Client<Feature extends string> implements LicenseClient<Feature> {
  readonly #settings: Settings
  readonly #keys: KeyRing
  readonly #keeper: Keeper
  readonly #listeners = new Listeners<Feature>()
  readonly #closing = new AbortController()
  #held: VerifiedToken | null = null
  #seenAt = 0
  #told: ClientLicense<Feature>
  #refreshing: Promise<void> | null = null
  #keysAskedAt = -Infinity
  #stopTimer = (): void => undefined
  #stopWatching = (): void => undefined

  constructor(settings: Settings, keys: KeyRing) {
    this.#settings = settings
    this.#keys = keys
    this.#keeper = new Keeper(settings.store)
    this.#told = this.license
  }

  get license(): ClientLicense<Feature> {
    const now = this.#settings.now()
    this.#seenAt = Math.max(this.#seenAt, now)
    const { record, condition } = this.#keeper
    return licenseOf({
      ...{ settings: this.#settings, record, held: this.#held, condition, now },
      seenAt: Math.max(this.#seenAt, record.seenAt),
    })
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents<Feature>[Name]) => void,
  ): () => void {
    return this.#listeners.on(name, listener)
  }

  async begin(): Promise<void> {
    await this.#keeper.read()
    await this.#takeGiven()
    await this.#look()
    if (this.#settings.background) this.#stopWatching = this.#keeper.watch(() => void this.check())
    this.#sleep(0)
  }

  async check(): Promise<ClientLicense<Feature>> {
    await this.#keeper.read()
    await this.#mark()
    return this.#look()
  }

  async setToken(token: string): Promise<ClientLicense<Feature>> {
    const next = await this.#keys.verifyWithNewKeys(token, deadline(this.#closing.signal))
    if (next === null) throw new LicensingError('invalid_token', 'The token is not valid for this program')
    await this.#change(async (record) => withToken(record, await this.#heldOf(record), next))
    await this.#look()
    // A revoked license may have been reinstated; that is for the server to say.
    if (isRevoked(this.#keeper.record, this.#held)) await this.refresh()
    this.#sleep(0)
    return this.license
  }

  async clear(): Promise<ClientLicense<Feature>> {
    await this.#change(({ seenAt, given }) => ({ ...emptyRecord, seenAt, given }))
    return this.#look()
  }

  async refresh({ ifDue = false }: { readonly ifDue?: boolean } = {}): Promise<ClientLicense<Feature>> {
    if (!ifDue || this.#isDue()) {
      this.#refreshing ??= this.#refreshOnce(ifDue).finally(() => {
        this.#refreshing = null
      })
      await this.#refreshing
    }
    return this.#look()
  }

  close(): void {
    this.#closing.abort()
    this.#stopTimer()
    this.#stopWatching()
  }

  /** The newest token of a record that verifies. */
  async #heldOf(record: LicenseRecord): Promise<VerifiedToken | null> {
    return (await this.#keys.verify(record.token)) ?? this.#keys.verify(record.fallback)
  }

  #change(change: (record: LicenseRecord) => LicenseRecord | Promise<LicenseRecord>): Promise<void> {
    return this.#keeper.alone(() => this.#keeper.change(change))
  }

  /** Sees the license anew, and tells when it has changed. */
  async #look(): Promise<ClientLicense<Feature>> {
    this.#held = await this.#heldOf(this.#keeper.record)
    const license = this.license
    const changed = differs(this.#told, license)
    this.#told = license
    if (changed) this.#listeners.emit('change', license)
    return license
  }

  /** Takes in the token of the options: at once when it is a new one, else only where there is no other. */
  async #takeGiven(): Promise<void> {
    const { token } = this.#settings
    const { record } = this.#keeper
    const held = await this.#heldOf(record)
    if (token === null || (record.given === markOf(token) && held !== null)) return
    const next = await this.#keys.verify(token)
    if (next === null) return
    await this.#keeper.change(async (current) => {
      const taken = withToken(current, await this.#heldOf(current), next)
      return { ...taken, given: markOf(token) }
    })
  }

  /** Keeps the time that has been seen, once an hour: a clock that is set back later is then known to be. */
  async #mark(): Promise<void> {
    const { now } = this.#settings
    if (this.#keeper.record.token === null || now() < this.#keeper.record.seenAt + longestSleep) return
    await this.#change((record) => ({ ...record, seenAt: Math.max(record.seenAt, now()) }))
  }

  #nextAttempt(): number {
    const { refreshEvery, now } = this.#settings
    if (this.#held === null) return Infinity
    return nextAttempt(this.#held, this.#keeper.record.attempt, refreshEvery, now())
  }

  #isDue(): boolean {
    return this.#nextAttempt() <= this.#settings.now()
  }

  async #refreshOnce(ifDue: boolean): Promise<void> {
    const known = this.#held?.text
    await this.#keeper.alone(async () => {
      const before = await this.#keeper.read()
      this.#held = await this.#heldOf(before)
      // While this one waited, another tab or process may have asked.
      const isDone = this.#held?.text !== known || (ifDue && !this.#isDue())
      if (this.#held !== null && !isDone && !this.#closing.signal.aborted) await this.#ask(before, this.#held)
    })
  }

  async #ask(before: LicenseRecord, asked: VerifiedToken): Promise<void> {
    const signal = deadline(this.#closing.signal)
    const answer = await this.#judge(asked, signal)
    if (this.#closing.signal.aborted) return
    const at = this.#settings.now()
    await this.#keeper.change(async (record) =>
      settle(record, await this.#heldOf(record), { before, asked, at, answer }),
    )
    await this.#tell(answer)
  }

  /** What the server's answer is worth: a token counts when it verifies, is of this license, and is newer. */
  async #judge(asked: VerifiedToken, signal: AbortSignal): Promise<Outcome> {
    const answer = await askForToken(this.#settings, asked, signal)
    if (answer.outcome !== 'token') return answer
    const next = await this.#keys.verifyWithNewKeys(answer.token, signal)
    if (next === null) return { outcome: 'refused', code: 'unknown_key' }
    const isNewer = next.licenseId === asked.licenseId && next.revision > asked.revision
    return isNewer ? { outcome: 'refreshed', next } : { outcome: 'unreachable', retryAfter: null }
  }

  async #tell(answer: Outcome): Promise<void> {
    if (answer.outcome === 'unreachable') return
    // The server has just given the time, or its word: what a wrong clock showed before is forgotten.
    if (answer.outcome === 'refreshed') this.#seenAt = 0
    const license = await this.#look()
    if (answer.outcome === 'refreshed') this.#listeners.emit('refreshed', license)
    else this.#listeners.emit('refused', { code: answer.code })
  }

  /** A token in the store under a key that is not known yet: after a rotation, at the first start without the old key. */
  async #fetchKeys(): Promise<void> {
    const { token } = this.#keeper.record
    const now = this.#settings.now()
    if (token === null || this.#held?.text === token || now < this.#keysAskedAt + longestSleep) return
    this.#keysAskedAt = now
    await this.#keys.verifyWithNewKeys(token, deadline(this.#closing.signal))
  }

  async #wake(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await this.check()
    await this.#fetchKeys()
    const license = await this.refresh({ ifDue: true })
    const now = this.#settings.now()
    const next = Math.min(this.#nextAttempt(), license.changesAt ?? Infinity, now + longestSleep)
    this.#sleep(Math.max(1, next - now))
  }

  #sleep(seconds: number): void {
    this.#stopTimer()
    if (this.#settings.background && !this.#closing.signal.aborted)
      this.#stopTimer = this.#settings.schedule(() => this.#wake(), seconds * 1000)
  }
}

/**
 * Opens the license of a program: reads the stored token, verifies it offline, and keeps it fresh in the background.
 * Resolves without waiting for the server. `Feature` may be the union of the feature slugs that the program knows.
 *
 * @throws {TypeError} for options that cannot be used, and without a usable public key.
 *
 * @example
 * ```ts
 * import { createLicenseClient, localStorageStore } from 'heartwood/client'
 *
 * export async function start(publicKeys: string): Promise<boolean> {
 *   const client = await createLicenseClient<'webhooks' | 'api_access'>({
 *     baseUrl: 'https://licenses.example.com',
 *     app: 'desktop-app',
 *     publicKeys,
 *     store: localStorageStore(),
 *   })
 *   client.on('change', ({ state, reason }) => console.log(state, reason))
 *   return client.license.has('webhooks')
 * }
 * ```
 */
export async function createLicenseClient<Feature extends string = string>(
  options: LicenseClientOptions,
): Promise<LicenseClient<Feature>> {
  const settings = readOptions(options)
  const client = new Client<Feature>(settings, await KeyRing.open(settings))
  await client.begin()
  return client
}
