import {
  maxTokenLength,
  readJti,
  verifyToken,
  type ExpectedToken,
  type LicenseClaims,
} from '../core/token/token.ts'
import type { KeyChain } from './key-chain.ts'
import { isTrustFile, type ClientSettings } from './options.ts'
import { formatKeys, readBundledKeys, readKeptKeys, readServedKeys, type TrustedKey } from './public-keys.ts'
import type { StoredState } from './record.ts'
import { fieldOf } from './renewal.ts'
import { readBody } from './response-body.ts'
import { until } from './timer.ts'
import { unverifiedPart } from './unverified.ts'

/**
 * The claims of the held token. A server of a later version may add claims that this client does not know. They are here
 * too, as `unknown`.
 *
 * @example
 * ```ts
 * import type { ClientClaims } from 'heartwood/client'
 *
 * export const isTrial = (claims: ClientClaims): boolean => claims['trial'] === true
 * ```
 */
export interface ClientClaims extends LicenseClaims {
  readonly [laterClaim: string]: unknown
}

/** A token whose signature and claims hold. Only {@link TrustedKeys} makes one, and the client acts on no other token. */
export interface VerifiedToken {
  readonly text: string
  readonly claims: ClientClaims
  /** The license's API id, `lic_…`. */
  readonly licenseId: string
  readonly revision: number
  /** True if a key that the program carries itself signed it. */
  readonly bundled: boolean
}

/**
 * Says why a text is no usable token. `unfetched`: its key may be on the server, but was not fetched. `unknown_key`: its
 * key is not trusted. `foreign`: the app's server signed it for another program. `invalid`: anything else.
 */
export type TokenProblem = 'unfetched' | 'unknown_key' | 'foreign' | 'invalid'

const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]+$/

function kidOf(text: string): string | null {
  try {
    if (text.length > maxTokenLength || !tokenForm.test(text)) return null
    const { alg, kid } = unverifiedPart(text, 0)
    return alg === 'RS256' && typeof kid === 'string' ? kid : null
  } catch {
    return null
  }
}

function isOurs(settings: ClientSettings, { claims, licenseId }: VerifiedToken): boolean {
  const { licenseId: wanted, installationId } = settings
  if (wanted !== null && wanted !== licenseId && wanted !== claims.lic_id) return false
  return installationId === null || installationId === claims.sub
}

/** Freezes all levels, because a claim that is not known here may hold an object. */
function frozen<Value>(value: Value): Readonly<Value> {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen)
  return Object.freeze(value)
}

/** The keys that a program trusts: those that it carries, and those that it has fetched. */
export class TrustedKeys {
  readonly #settings: ClientSettings
  readonly #bundled: readonly TrustedKey[]
  /** `null` for a program that follows no statements. */
  readonly #chain: KeyChain | null
  /** A key once trusted stays so while the program runs: a response without it takes no license away. */
  #fetched: readonly TrustedKey[] = []
  #recalled: unknown = null
  #recalling: Promise<void> = Promise.resolve()
  readonly #verified = new Map<string, VerifiedToken>()
  /** The fetched keys in the form that the store may hold; `null` if it may hold none. */
  #storable: string | null = null
  /** True if the server's statements lead elsewhere than those that the program follows. */
  isAstray = false
  /** Called with the first `seq` at which the server's statements contradict those that the program follows. */
  onConflict: (seq: number) => void = () => undefined

  private constructor(settings: ClientSettings, bundled: readonly TrustedKey[], chain: KeyChain | null) {
    this.#settings = settings
    this.#bundled = bundled
    this.#chain = chain
  }

  /** @throws {TypeError} without a usable key. */
  static async open(settings: ClientSettings): Promise<TrustedKeys> {
    const { app, issuer, publicKeys, followsTrust } = settings
    const isFile = isTrustFile(publicKeys)
    const bundled = isFile ? [] : await readBundledKeys(publicKeys)
    if (!isFile && !followsTrust) return new TrustedKeys(settings, bundled, null)
    const { KeyChain } = await import('./key-chain.ts')
    const chain = new KeyChain({ audience: app, issuer }, bundled)
    if (isFile) await chain.carry(publicKeys)
    return new TrustedKeys(settings, isFile ? chain.keys : bundled, chain)
  }

  /** The token, if a trusted key signed it for this app, license and installation; otherwise `null`. */
  async verify(text: string | null): Promise<VerifiedToken | null> {
    if (text === null) return null
    const known = this.#verified.get(text)
    if (known !== undefined) return known
    const fetched = this.#fetched
    const { app: audience, issuer } = this.#settings
    const verified = await this.#verifyFor({ audience, issuer }, text)
    // The keys may have changed meanwhile.
    if (fetched !== this.#fetched) return this.verify(text)
    if (verified === null || !isOurs(this.#settings, verified)) return null
    if (this.#verified.size > 8) this.#verified.clear()
    this.#verified.set(text, verified)
    return verified
  }

  async #verifyFor(expected: ExpectedToken, text: string): Promise<VerifiedToken | null> {
    for (const key of [...this.#bundled, ...this.#fetched]) {
      const claims = await verifyToken(text, [key], expected).catch(() => null)
      // The key itself is asked for, because a token need not name it.
      if (claims === null || this.#chain?.refuses(key.kid, claims.iat) === true) continue
      const bundled = this.#bundled.includes(key)
      return { text, claims: frozen(claims as ClientClaims), ...readJti(claims.jti)!, bundled }
    }
    return null
  }

  /** True if the token's key is unknown, but could be fetched and would then be trusted. */
  awaitsKey(text: string): boolean {
    const { refreshKeys, followsTrust } = this.#settings
    const kid = kidOf(text)
    if (kid === null || this.#knows(kid)) return false
    return followsTrust || refreshKeys?.pin === 'origin' || refreshKeys?.pin.includes(kid) === true
  }

  #knows(kid: string): boolean {
    return [...this.#bundled, ...this.#fetched].some((key) => key.kid === kid)
  }

  /** Says why {@link verify} gave `null`. */
  async problemOf(text: string): Promise<TokenProblem> {
    const kid = kidOf(text)
    if (kid === null) return 'invalid'
    if (this.awaitsKey(text) && !this.isAstray) return 'unfetched'
    if (!this.#knows(kid)) return 'unknown_key'
    return (await this.#isSignedForAnybody(text)) ? 'foreign' : 'invalid'
  }

  async #isSignedForAnybody(text: string): Promise<boolean> {
    try {
      const { aud, iss } = unverifiedPart(text, 1)
      return (await this.#verifyFor({ audience: `${aud}`, issuer: `${iss}` }, text)) !== null
    } catch {
      return false
    }
  }

  /** Takes back fetched keys from the store. Two reads at once both wait until the keys are there. */
  recall({ keys, others }: StoredState): Promise<void> {
    const kept = this.#settings.followsTrust ? others['trust'] : keys
    const mark = fieldOf(kept, 'hash') ?? kept
    if (mark !== this.#recalled) {
      this.#recalled = mark
      this.#recalling = this.#take(kept, true).catch(() => undefined)
    }
    return this.#recalling
  }

  /** The record with the fetched keys that the store may hold, so that a start needs no network. */
  withKeys(record: StoredState): StoredState {
    const trust = this.#chain?.stored
    const others = trust ? { ...record.others, trust } : record.others
    return { ...record, keys: this.#storable ?? record.keys, others }
  }

  /** Takes in a key set, or statements. @throws if it is neither. */
  async #take(given: unknown, isKept: boolean): Promise<void> {
    const { refreshKeys, followsTrust } = this.#settings
    if (followsTrust) await this.#follow(given, isKept)
    else if (refreshKeys !== null)
      this.#add(await (isKept ? readKeptKeys : readServedKeys)(given as string, refreshKeys))
  }

  async #follow(file: unknown, isKept: boolean): Promise<void> {
    const chain = this.#chain!
    const offered = await chain.offer(file)
    if (this.#fetched !== chain.keys) this.#verified.clear()
    this.#fetched = chain.keys
    if (isKept || offered === null) return
    this.isAstray = offered.isAstray
    if (offered.conflict !== null) this.onConflict(offered.conflict)
  }

  #add(keys: readonly TrustedKey[]): void {
    const fresh = keys.filter(({ kid }) => !this.#knows(kid))
    if (fresh.length === 0) return
    this.#fetched = [...this.#fetched, ...fresh]
    if (this.#settings.refreshKeys?.pin !== 'origin') this.#storable = formatKeys(this.#fetched)
  }

  /** Follows the statements of a license file, if the program follows any. */
  async follow(trust: unknown): Promise<void> {
    if (this.#settings.followsTrust) await this.#follow(trust, false)
  }

  /** A body that is no key set (a captive portal's page, say) changes nothing. */
  async fetch(signal: AbortSignal): Promise<void> {
    const { refreshKeys, followsTrust, appUrl, fetch } = this.#settings
    const init = { signal, redirect: 'error', credentials: 'omit', cache: 'no-cache' } as const
    const request = async (): Promise<string> => {
      const response = await fetch(`${appUrl}/${refreshKeys?.from ?? 'trust.json'}`, init)
      return response.status === 200 ? readBody(response, followsTrust ? 4_000_000 : undefined) : ''
    }
    await until(signal, request)
      .then((body) => this.#take(followsTrust ? JSON.parse(body) : body, false))
      .catch(() => undefined)
  }
}
