import { LicensingError } from '../core/errors.ts'
import { Listeners, type ClientEvents } from './events.ts'
import { Keeper } from './keeper.ts'
import { KeyRing, type Doubt, type VerifiedToken } from './key-ring.ts'
import { differs, licenseOf, type ClientLicense } from './license.ts'
import { readOptions, tokenOf, type LicenseClientOptions, type Settings } from './options.ts'
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
import { awaited } from './timer.ts'
import { longestSleep, nextAttempt, waitAfter } from './timing.ts'

type Change = (record: LicenseRecord) => LicenseRecord | Promise<LicenseRecord>

/** The license of this program, kept fresh. */
export interface LicenseClient<Feature extends string = string> {
  /** The license as it stands at this moment, by the verified token alone: no request, no waiting. */
  readonly license: ClientLicense<Feature>
  /**
   * Takes in a token that the user entered, whatever white space it has picked up. Of two tokens of a license the one with
   * the higher revision is kept.
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

const doubts: Readonly<Partial<Record<Doubt, string>>> = {
  unfetched: 'The token is signed with a newer key, which could not be fetched from the license server',
}

function refusalOf(doubt: Doubt): LicensingError {
  return new LicensingError('invalid_token', doubts[doubt] ?? 'The token is not valid for this program')
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
  #fetchingKeys: Promise<void> | null = null
  #keysDueAt = 0
  #keyFailures = 0
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
      ...{ seenAt: this.#latest, awaitsKey: this.#waiting !== null },
    })
  }

  /** The latest time that is known to have passed. */
  get #latest(): number {
    return Math.max(this.#seenAt, this.#keeper.record.seenAt)
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents<Feature>[Name]) => void,
  ): () => void {
    return this.#listeners.on(name, listener)
  }

  async begin(): Promise<void> {
    await this.#keeper.read()
    // Nobody is kept out of the store meanwhile: a start must not wait for another program's request.
    await this.#takeGiven()
    await this.#mark((change) => this.#write(change))
    await this.#look()
    if (this.#settings.background) this.#stopWatching = this.#keeper.watch(() => void this.check())
    this.#sleep(0)
  }

  async check(): Promise<ClientLicense<Feature>> {
    await this.#keeper.read()
    await this.#mark((change) => this.#change(change))
    return this.#look()
  }

  async setToken(token: string): Promise<ClientLicense<Feature>> {
    return awaited(this.#setToken(tokenOf(token)))
  }

  async #setToken(token: string): Promise<ClientLicense<Feature>> {
    const next = await this.#keys.verifyWithNewKeys(token, deadline(this.#closing.signal))
    if (typeof next === 'string') throw refusalOf(next)
    await this.#change(async (record) => withToken(record, await this.#heldOf(record), next))
    await this.#look()
    // A revoked license may have been reinstated; that is for the server to say.
    if (isRevoked(this.#keeper.record, this.#held)) await this.#refresh(false)
    this.#sleep(0)
    return this.license
  }

  async clear(): Promise<ClientLicense<Feature>> {
    await awaited(this.#change(({ seenAt, given, keys }) => ({ ...emptyRecord, seenAt, given, keys })))
    return this.#look()
  }

  refresh({ ifDue = false }: { readonly ifDue?: boolean } = {}): Promise<ClientLicense<Feature>> {
    return awaited(this.#refresh(ifDue))
  }

  async #refresh(ifDue: boolean): Promise<ClientLicense<Feature>> {
    await this.#fetchKeys(ifDue)
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
    await this.#keys.recall(record.keys)
    return (await this.#keys.verify(record.token)) ?? this.#keys.verify(record.fallback)
  }

  #change(change: Change): Promise<void> {
    return this.#keeper.alone(() => this.#write(change), this.#closing.signal)
  }

  /** Changes the record, and has it hold the fetched keys that it may hold. */
  #write(change: Change): Promise<void> {
    return this.#keeper.change(async (record) => {
      const next = await change(record)
      return { ...next, keys: this.#keys.kept ?? next.keys }
    })
  }

  /** Verifies the token that stands, until there is no other. */
  async #see(): Promise<void> {
    let record: LicenseRecord
    do {
      record = this.#keeper.record
      this.#held = await this.#heldOf(record)
    } while (record !== this.#keeper.record)
  }

  /** Sees the license anew, and tells when it has changed. */
  async #look(): Promise<ClientLicense<Feature>> {
    await this.#see()
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
    await this.#write(async (current) => {
      const taken = withToken(current, await this.#heldOf(current), next)
      return { ...taken, given: markOf(token) }
    })
  }

  /** Keeps the time that has been seen, once an hour: a clock that is set back later is then known to be. */
  async #mark(write: (change: Change) => Promise<void>): Promise<void> {
    const { now } = this.#settings
    if (this.#keeper.record.token === null || now() < this.#keeper.record.seenAt + longestSleep) return
    await write((record) => ({ ...record, seenAt: Math.max(record.seenAt, now()) }))
  }

  #nextAttempt(): number {
    const { refreshEvery, now } = this.#settings
    if (this.#held === null) return Infinity
    const times = { now: now(), seenAt: this.#latest }
    return nextAttempt(this.#held, this.#keeper.record.attempt, refreshEvery, times)
  }

  #isDue(): boolean {
    return this.#nextAttempt() <= this.#settings.now()
  }

  async #refreshOnce(ifDue: boolean): Promise<void> {
    const known = await this.#heldOf(await this.#keeper.read())
    await this.#keeper.alone(async () => {
      const before = await this.#keeper.read()
      await this.#see()
      // While this one waited, another tab or process may have asked.
      const isDone = this.#held?.text !== known?.text || (ifDue && !this.#isDue())
      if (this.#held !== null && !isDone && !this.#closing.signal.aborted) await this.#ask(before, this.#held)
    }, this.#closing.signal)
  }

  async #ask(before: LicenseRecord, asked: VerifiedToken): Promise<void> {
    const signal = deadline(this.#closing.signal)
    const answer = await this.#judge(asked, signal)
    if (this.#closing.signal.aborted) return
    const at = this.#settings.now()
    await this.#write(async (record) =>
      settle(record, await this.#heldOf(record), { before, asked, at, answer }),
    )
    await this.#tell(answer)
  }

  /** What the server's answer is worth: a token counts when it verifies, is of this license, and is newer. */
  async #judge(asked: VerifiedToken, signal: AbortSignal): Promise<Outcome> {
    const answer = await askForToken(this.#settings, asked, signal)
    if (answer.outcome !== 'token') return answer
    const next = await this.#keys.verifyWithNewKeys(answer.token, signal)
    if (next === 'unknown_key') return { outcome: 'refused', code: next }
    if (next === 'foreign') return { outcome: 'refused', code: 'foreign_token' }
    // No token, or one under a key that could not be fetched: no word of the server's, or none yet.
    if (typeof next === 'string') return { outcome: 'unreachable', retryAfter: null }
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

  /** The token of the store or of the options that waits for a key which is yet to be fetched. */
  get #waiting(): string | null {
    const { token, given } = this.#keeper.record
    if (token !== null && token !== this.#held?.text && this.#keys.awaitsKey(token)) return token
    const { token: option } = this.#settings
    const isWanted = option !== null && (this.#held === null || given !== markOf(option))
    return isWanted && this.#keys.awaitsKey(option) ? option : null
  }

  /** After a rotation, at the first start without the old key. With `ifDue` less and less often while it fails. */
  async #fetchKeys(ifDue: boolean): Promise<void> {
    const text = this.#waiting
    if (text === null || (ifDue && !this.#areKeysDue())) return
    this.#fetchingKeys ??= this.#fetchKeysFor(text).finally(() => {
      this.#fetchingKeys = null
    })
    await this.#fetchingKeys
  }

  /** An instant that is further away than the longest wait was set by a clock that ran ahead. */
  #areKeysDue(): boolean {
    const wait = this.#keysDueAt - this.#settings.now()
    return wait <= 0 || wait > longestSleep
  }

  async #fetchKeysFor(text: string): Promise<void> {
    const found = await this.#keys.verifyWithNewKeys(text, deadline(this.#closing.signal))
    this.#keyFailures = typeof found === 'string' ? this.#keyFailures + 1 : 0
    this.#keysDueAt = this.#settings.now() + waitAfter(this.#keyFailures)
    if (typeof found === 'string') return
    await this.#keeper.alone(() => this.#takeGiven(), this.#closing.signal)
    await this.#change((record) => record)
    await this.#look()
  }

  async #wake(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await this.check()
    const license = await this.#refresh(true)
    const now = this.#settings.now()
    const keysDueAt = this.#waiting === null ? Infinity : this.#keysDueAt
    const next = Math.min(this.#nextAttempt(), keysDueAt, license.changesAt ?? Infinity, now + longestSleep)
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
