import { LicensingError } from '../core/errors.ts'
import {
  activationFailureOf,
  activationOf,
  failureOf,
  readKey,
  seatsIn,
  usualFormOf,
  validateActivation,
  type LicenseSeat,
} from './activation.ts'
import type { ClientSettings } from './options.ts'
import type { StoredActivation } from './record.ts'
import { ask, deadline, fieldOf, outage, tokenOf, type Reply, type RenewalResult } from './renewal.ts'
import type { StateStore } from './state-store.ts'
import { isRevoked, keyOf, withActivation, withEnd, withEnteredToken } from './state.ts'
import type { TokenProblem, VerifiedToken } from './trusted-keys.ts'

type Verify = (token: string, signal: AbortSignal) => Promise<VerifiedToken | TokenProblem>

/** Takes and gives back seats of the program's license key. */
export class Seats {
  readonly #settings: ClientSettings
  readonly #states: StateStore
  readonly #verify: Verify
  readonly #closing: AbortSignal
  /** The license key that the program named last: it may be good although no seat is free. */
  asked: string | null = null

  constructor(settings: ClientSettings, states: StateStore, verify: Verify, closing: AbortSignal) {
    this.#settings = settings
    this.#states = states
    this.#verify = verify
    this.#closing = closing
  }

  /** The license key by which the program activates itself. */
  get key(): string | null {
    return keyOf(this.#settings, this.#states.state)
  }

  /**
   * True if the program should activate itself: it has a license key, and no token that lasts. Only its user brings back a
   * license that was revoked or given back.
   */
  mayActivate(): boolean {
    const { state } = this.#states
    const { exp = Infinity } = state.held?.claims ?? { exp: 0 }
    // Without the store's installation id it would take another seat.
    const isUnknown = state.isUnread && !state.record.activation && !this.#settings.installationId
    return exp <= this.#settings.now() && this.key !== null && !isUnknown && !isRevoked(state)
  }

  /** Activates by the program's own license key. */
  async request(): Promise<RenewalResult> {
    const result = await this.#requestActivation(this.key!, undefined, true)
    const { held, record } = this.#states.state
    // A token that somebody entered beside the license key is of another license, which this does not end.
    const judged = { ...result, isOther: held?.claims.sub !== record.activation!.installationId }
    return judged
  }

  #shownKey(key?: string): string {
    return readKey(`${key ?? this.asked ?? this.key ?? ''}`)
  }

  async activate(key: string | undefined, name: string | undefined): Promise<void> {
    const typed = this.#shownKey(key)
    const usual = usualFormOf(typed)
    try {
      await this.#activateBy(usual, name)
    } catch (error) {
      const isUnknown = error instanceof LicensingError && error.code === 'invalid_license_key'
      // One in 1,024 keys of another shop has right check symbols. The server knows it by the text that was sold.
      if (usual === typed || !isUnknown) throw error
      await this.#activateBy(typed, name)
    }
  }

  async #activateBy(key: string, name: string | undefined): Promise<void> {
    this.asked = key
    await this.#states.alone(() => this.#activateAlone(key, name), this.#closing)
  }

  async #activateAlone(key: string, name?: string): Promise<void> {
    const { record, held } = await this.#states.read()
    const known = record.activation?.licenseKey ?? null
    // A release that waits goes first. Otherwise it would take the new seat away.
    if (!(await this.sendRelease())) throw failureOf(outage)
    const result = await this.#requestActivation(key, name)
    const isGood = result.outcome === 'refreshed'
    // After a lost response the server may count the seat, so only a refusal, or another license, forgets the key.
    const isOpen = result.outcome === 'unreachable' && !(held && known)
    const licenseKey = isGood || isOpen ? key : known
    await this.#states.change((state) =>
      withActivation(isGood ? withEnteredToken(state, result.next) : state, {
        ...state.record.activation!,
        licenseKey,
      }),
    )
    if (!isGood) throw activationFailureOf(result, key)
  }

  /** Stores key and installation id before it asks. */
  async #requestActivation(key: string, name?: string, renewal?: boolean): Promise<RenewalResult> {
    await this.#states.change((state) =>
      withActivation(state, activationOf(this.#settings, state, key, name)),
    )
    // Without a lock another program may have stored its installation id meanwhile.
    const state = await this.#states.read()
    const activation = state.record.activation!
    const signal = deadline(this.#closing)
    const body = {
      license_key: key,
      installation_id: activation.installationId,
      name: activation.name ?? undefined,
      current_token: state.held?.text,
      // Nobody asked for it. So the server does not give back a seat that was given away since.
      renewal: renewal && state.record.token !== null,
    }
    const response = tokenOf(await ask(this.#settings, '/license-keys/activate', body, signal))
    if (response.outcome !== 'token') return response
    return validateActivation(state, activation, await this.#verify(response.token, signal))
  }

  release(): Promise<void> {
    return this.#states.alone(async () => {
      const { held } = await this.#states.read()
      if (held === null) return
      const note = { licenseId: held.licenseId, token: held.text }
      const reply = await this.#askRelease(note.licenseId, { current_token: note.token })
      // Without a license key the token may be of no seat, and nothing would bring it back.
      const later = reply.outcome === 'unreachable' && this.key ? note : null
      if (reply.outcome !== 'data' && !later) throw failureOf(reply)
      await this.#end(held, later)
    }, this.#closing)
  }

  async releaseOne(licenseId: string): Promise<void> {
    const credential = { license_key: this.#shownKey() }
    const reply = await this.#askRelease(licenseId, credential)
    if (reply.outcome !== 'data') throw failureOf(reply)
    const { held } = await this.#states.read()
    if (held?.licenseId === licenseId) await this.#states.alone(() => this.#end(held, null), this.#closing)
  }

  async list(): Promise<readonly LicenseSeat[]> {
    const known = this.#states.state.record.activation?.installationId ?? this.#settings.installationId
    const body = { license_key: this.#shownKey(), installation_id: known ?? undefined }
    return seatsIn(await ask(this.#settings, '/license-keys/seats', body, deadline(this.#closing)))
  }

  #end(held: VerifiedToken, releasing: StoredActivation['releasing']): Promise<void> {
    return this.#states.change((state) => {
      const activation = activationOf(this.#settings, state, state.record.activation?.licenseKey ?? null)
      const ended = withEnd(state, held, this.#settings.now(), true)
      return withActivation(ended, { ...activation, releasing })
    })
  }

  /** Believes a release only from the server's own words. */
  async #askRelease(licenseId: string, credential: object): Promise<Reply> {
    const path = `/licenses/${encodeURIComponent(licenseId)}/release`
    const reply = await ask(this.#settings, path, credential, deadline(this.#closing))
    return reply.outcome === 'data' && fieldOf(reply.data, 'released') !== true ? outage : reply
  }

  /** Sends a release that found no server before. Resolves to false if there is none still. */
  async sendRelease(): Promise<boolean> {
    const note = this.#states.state.record.activation?.releasing
    if (!note) return true
    const { outcome } = await this.#askRelease(note.licenseId, { current_token: note.token })
    if (outcome === 'unreachable') return false
    await this.#states.change((state) =>
      withActivation(state, { ...state.record.activation!, releasing: null }),
    )
    return true
  }
}
