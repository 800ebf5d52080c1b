import { LicensingError } from '../core/errors.ts'
import { readPastedToken } from '../core/token/pasted.ts'
import type { LicenseSeat } from './activation.ts'
import { Listeners, type ClientEvents } from './events.ts'
import { describeMisfit } from './misfit.ts'
import { differs, licenseOf, type ClientLicense } from './license.ts'
import type { LicenseClient } from './license-client.ts'
import type { LicenseFile } from './license-file.ts'
import { readOptions, type ClientSettings, type LicenseClientOptions } from './options.ts'
import { requireCrypto } from './platform.ts'
import type { Tombstone } from './record.ts'
import { deadline, outage, requestRenewal, validateRenewal, type RenewalResult } from './renewal.ts'
import { Seats } from './seats.ts'
import { StateStore } from './state-store.ts'
import {
  isRevoked,
  settle,
  tokenAwaitingKey,
  wantsToken,
  withConfiguredToken,
  withEnteredToken,
  withoutLicense,
  withTime,
  type ProgramState,
} from './state.ts'
import { keepAlive } from './timer.ts'
import { longestSleep, nextAttempt, waitAfter } from './timing.ts'
import { TrustedKeys, type TokenProblem, type VerifiedToken } from './trusted-keys.ts'

type Reducer = (state: ProgramState) => ProgramState

const unfetched =
  'The license token is signed with a newer key, which could not be fetched from the license server'

function refusalOf(problem: TokenProblem, misfit: string | null): LicensingError {
  const reason = problem === 'unfetched' ? unfetched : misfit
  return new LicensingError('invalid_token', reason ?? 'The token is not valid for this program')
}

/** A license file survives a UTF-16 file that was read as UTF-8, with a null beside each character. */
async function readEntered(given: string): Promise<LicenseFile> {
  if (!given.replaceAll('\0', '').includes('BEGIN HEARTWOOD LICENSE'))
    return { token: readPastedToken(given) }
  const { readLicenseFile } = await import('./on-demand.ts')
  return readLicenseFile(given)
}

/** Schedules the work and emits the events. The state itself belongs to its {@link StateStore}. */
class Client<Feature extends string> implements LicenseClient<Feature> {
  readonly #settings: ClientSettings
  readonly #keys: TrustedKeys
  readonly #states: StateStore
  readonly #seats: Seats
  readonly #listeners = new Listeners<Feature>()
  readonly #closing = new AbortController()
  #emitted: ClientLicense<Feature>
  #refreshing: Promise<void> | null = null
  #fetchingKeys: Promise<void> | null = null
  #keyFetch = { dueAt: 0, failures: 0 }
  #cancelTimer = (): void => undefined
  #stopWatching = (): void => undefined

  constructor(settings: ClientSettings, keys: TrustedKeys) {
    this.#settings = settings
    this.#keys = keys
    this.#states = new StateStore(settings.store, keys)
    this.#seats = new Seats(
      settings,
      this.#states,
      (token, signal) => this.#verify(token, signal),
      this.#closing.signal,
    )
    this.#emitted = this.license
    if (keys.follower) keys.follower.onConflict = (seq) => this.#listeners.emit('trust_conflict', { seq })
  }

  get license(): ClientLicense<Feature> {
    const now = this.#settings.now()
    const state = this.#states.noteTime(now)
    const keyAdvice =
      this.#tokenAwaitingKey === null ? null : this.#keys.follower!.isAstray ? 'update' : 'refresh'
    return licenseOf(this.#settings, state, { now, keyAdvice })
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents<Feature>[Name]) => void,
  ): () => void {
    return this.#listeners.on(name, listener)
  }

  async begin(): Promise<void> {
    await this.#states.read()
    // Without the lock: a start must not wait for another program's request.
    await this.#takeConfiguredToken()
    await this.#recordTime((reduce) => this.#states.change(reduce))
    this.#emitIfChanged()
    if (this.#settings.background)
      this.#stopWatching = this.#states.watch(() => void this.#check().catch(() => undefined))
    this.#schedule(0)
  }

  check(): Promise<ClientLicense<Feature>> {
    return keepAlive(this.#check())
  }

  async #check(): Promise<ClientLicense<Feature>> {
    await this.#states.read()
    await this.#recordTime((reduce) => this.#changeAlone(reduce))
    return this.#emitIfChanged()
  }

  async setToken(token: string): Promise<ClientLicense<Feature>> {
    return keepAlive(this.#setToken(`${token}`))
  }

  async #setToken(given: string): Promise<ClientLicense<Feature>> {
    const { token, trust } = await readEntered(given)
    await this.#keys.follower?.follow(trust)
    const next = await this.#verify(token, deadline(this.#closing.signal))
    if (typeof next === 'string') throw refusalOf(next, describeMisfit(token, this.#settings.app))
    await this.#changeAlone((state) => withEnteredToken(state, next))
    this.#emitIfChanged()
    // The license may have been reinstated, which only the server can say.
    if (isRevoked(this.#states.state)) await this.#refresh(false)
    this.#schedule(0)
    return this.license
  }

  activate(key?: string, options?: { readonly name?: string }): Promise<ClientLicense<Feature>> {
    return this.#after(this.#seats.activate(key, options?.name))
  }

  release(): Promise<ClientLicense<Feature>> {
    return this.#after(this.#seats.release())
  }

  releaseSeat(licenseId: string): Promise<ClientLicense<Feature>> {
    return this.#after(this.#seats.releaseOne(licenseId))
  }

  seats(): Promise<readonly LicenseSeat[]> {
    return keepAlive(this.#seats.list())
  }

  /** The client soon tries again what found no server. */
  async #after(work: Promise<void>): Promise<ClientLicense<Feature>> {
    await keepAlive(work).finally(() => this.#schedule(waitAfter(1)))
    return this.#emitIfChanged()
  }

  async clear(): Promise<ClientLicense<Feature>> {
    this.#seats.asked = null
    await keepAlive(this.#changeAlone(withoutLicense))
    return this.#emitIfChanged()
  }

  refresh({ ifDue = false }: { readonly ifDue?: boolean } = {}): Promise<ClientLicense<Feature>> {
    return keepAlive(this.#refresh(ifDue))
  }

  async #refresh(ifDue: boolean): Promise<ClientLicense<Feature>> {
    await this.#fetchKeys(ifDue)
    if (!ifDue || this.#isDue()) {
      this.#refreshing ??= this.#refreshAlone(ifDue).finally(() => {
        this.#refreshing = null
      })
      await this.#refreshing
    }
    return this.#emitIfChanged()
  }

  close(): void {
    this.#closing.abort()
    this.#cancelTimer()
    this.#stopWatching()
  }

  #changeAlone(reduce: Reducer): Promise<void> {
    return this.#states.alone(() => this.#states.change(reduce), this.#closing.signal)
  }

  #emitIfChanged(): ClientLicense<Feature> {
    const license = this.license
    const hasChanged = differs(this.#emitted, license)
    this.#emitted = license
    if (hasChanged) this.#listeners.emit('change', license)
    return license
  }

  /** Fetches newer keys if the token needs one. */
  async #verify(token: string, signal: AbortSignal): Promise<VerifiedToken | TokenProblem> {
    const verified = await this.#keys.verify(token)
    if (verified !== null) return verified
    if (this.#keys.awaitsKey(token)) await this.#keys.follower!.fetch(signal)
    return (await this.#keys.verify(token)) ?? this.#keys.problemOf(token)
  }

  /** Takes the configured token in at once if it is new, and otherwise only if there is no other. */
  async #takeConfiguredToken(): Promise<void> {
    const { token } = this.#settings
    if (token === null || !wantsToken(this.#states.state, token)) return
    const next = await this.#keys.verify(token)
    if (next === null) return
    // A key that has just come may verify the stored token too, which only the read before the change finds out.
    await this.#states.change((state) =>
      wantsToken(state, token) ? withConfiguredToken(state, next) : state,
    )
  }

  /** Once an hour, so that a clock which is set back later is known to be. */
  async #recordTime(change: (reduce: Reducer) => Promise<void>): Promise<void> {
    const { now } = this.#settings
    const { token, seenAt } = this.#states.state.record
    if (token === null || now() < seenAt + longestSleep) return
    await change((state) => withTime(state, now()))
  }

  #nextAttempt(): number {
    const { refreshEvery } = this.#settings
    const now = this.#settings.now()
    const { state } = this.#states
    const hasErrand = this.#seats.mayActivate() || !!state.record.activation?.releasing
    return nextAttempt(state, refreshEvery, now, hasErrand)
  }

  #isDue(): boolean {
    return this.#nextAttempt() <= this.#settings.now()
  }

  async #refreshAlone(ifDue: boolean): Promise<void> {
    const { held: known } = await this.#states.read()
    await this.#states.alone(async () => {
      const state = await this.#states.read()
      // Another tab or process may have asked while this one waited.
      const isDone = state.held?.text !== known?.text || (ifDue && !this.#isDue())
      if (!isDone && !this.#closing.signal.aborted) await this.#renew(state)
    }, this.#closing.signal)
  }

  async #renew({ record, held }: ProgramState): Promise<void> {
    if (!(await this.#seats.sendRelease()) && held === null) return this.#settle(record.revoked, null, outage)
    const result = await this.#requestToken(held)
    if (result !== null) await this.#settle(record.revoked, held, result)
  }

  /** A token that has ended by time cannot be renewed, but its installation can be activated again. */
  async #requestToken(held: VerifiedToken | null): Promise<RenewalResult | null> {
    if (this.#seats.mayActivate()) return this.#seats.request()
    return held && this.#requestRenewal(held)
  }

  async #settle(before: Tombstone | null, asked: VerifiedToken | null, result: RenewalResult): Promise<void> {
    if (this.#closing.signal.aborted) return
    const renewal = { before, asked, at: this.#settings.now(), result }
    await this.#states.change((state) => settle(state, renewal))
    this.#emitOutcome(result)
  }

  async #requestRenewal(asked: VerifiedToken): Promise<RenewalResult> {
    const signal = deadline(this.#closing.signal)
    const response = await requestRenewal(this.#settings, asked, signal)
    if (response.outcome !== 'token') return response
    return validateRenewal(asked, await this.#verify(response.token, signal))
  }

  #emitOutcome(result: RenewalResult): void {
    if (result.outcome === 'unreachable') return
    const license = this.#emitIfChanged()
    if (result.outcome === 'refreshed') this.#listeners.emit('refreshed', license)
    else this.#listeners.emit('refused', { code: result.code })
  }

  get #tokenAwaitingKey(): string | null {
    return tokenAwaitingKey(this.#states.state, this.#settings.token, (token) => this.#keys.awaitsKey(token))
  }

  /** For a token under a newer key, at the first start after a rotation. `ifDue` asks less often while it fails. */
  async #fetchKeys(ifDue: boolean): Promise<void> {
    const token = this.#tokenAwaitingKey
    if (token === null || (ifDue && !this.#isKeyFetchDue())) return
    this.#fetchingKeys ??= this.#fetchKeysFor(token).finally(() => {
      this.#fetchingKeys = null
    })
    await this.#fetchingKeys
  }

  /** A time further away than the longest wait was set by a clock that ran ahead. */
  #isKeyFetchDue(): boolean {
    const wait = this.#keyFetch.dueAt - this.#settings.now()
    return wait <= 0 || wait > longestSleep
  }

  async #fetchKeysFor(token: string): Promise<void> {
    const found = await this.#verify(token, deadline(this.#closing.signal))
    const failures = typeof found === 'string' ? this.#keyFetch.failures + 1 : 0
    this.#keyFetch = { failures, dueAt: this.#settings.now() + waitAfter(failures) }
    if (typeof found === 'string') return
    await this.#states.alone(() => this.#takeConfiguredToken(), this.#closing.signal)
    // Stores the fetched keys.
    await this.#changeAlone((state) => state)
    this.#emitIfChanged()
  }

  /** Never rejects, because no caller awaits it: an unhandled rejection would end the program. */
  async #runScheduled(): Promise<void> {
    if (this.#closing.signal.aborted) return
    try {
      this.#schedule(await this.#runNow())
    } catch {
      this.#schedule(longestSleep)
    }
  }

  /** Resolves to the seconds until the next run. */
  async #runNow(): Promise<number> {
    await this.#check()
    const license = await this.#refresh(true)
    const now = this.#settings.now()
    const keysDueAt = this.#tokenAwaitingKey === null ? Infinity : this.#keyFetch.dueAt
    const next = Math.min(this.#nextAttempt(), keysDueAt, license.changesAt ?? Infinity, now + longestSleep)
    return Math.max(1, next - now)
  }

  #schedule(seconds: number): void {
    this.#cancelTimer()
    if (this.#settings.background && !this.#closing.signal.aborted)
      this.#cancelTimer = this.#settings.schedule(
        () => this.#runScheduled().catch(() => undefined),
        seconds * 1000,
      )
  }
}

/**
 * Opens the license of a program: reads the stored token, verifies it offline, and keeps it fresh in the background.
 * Resolves without waiting for the server, and waits at most five seconds for a store that does not answer. `Feature` may be the union of the feature slugs that the program knows.
 *
 * @throws {TypeError} for unusable options, without a usable public key, and without `crypto.subtle`. Its message repeats no
 * value.
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
  requireCrypto()
  const client = new Client<Feature>(settings, await TrustedKeys.open(settings))
  await keepAlive(client.begin())
  return client
}
