import { maxTokenLength, readJti, verifyToken, type LicenseClaims } from '../core/token/token.ts'
import type { ClientSettings } from './options.ts'
import { formatKeys, readBundledKeys, readKeptKeys, readServedKeys, type TrustedKey } from './public-keys.ts'
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

function isOurs(settings: ClientSettings, claims: LicenseClaims, licenseId: string): boolean {
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
  /** A key once trusted stays so while the program runs: a response without it takes no license away. */
  #fetched: readonly TrustedKey[] = []
  #recalled: string | null = null
  #recalling: Promise<void> = Promise.resolve()
  readonly #verified = new Map<string, VerifiedToken>()
  /** The fetched keys in the form that the store may hold; `null` if it may hold none. */
  storable: string | null = null

  private constructor(settings: ClientSettings, bundled: readonly TrustedKey[]) {
    this.#settings = settings
    this.#bundled = bundled
  }

  /** @throws {TypeError} without a usable key. */
  static async open(settings: ClientSettings): Promise<TrustedKeys> {
    return new TrustedKeys(settings, await readBundledKeys(settings.publicKeys))
  }

  /** The token, if a trusted key signed it for this app, license and installation; otherwise `null`. */
  async verify(text: string | null): Promise<VerifiedToken | null> {
    if (text === null) return null
    const known = this.#verified.get(text)
    if (known !== undefined) return known
    const fetched = this.#fetched
    const verified =
      (await this.#verifyUnder(this.#bundled, text, true)) ?? (await this.#verifyUnder(fetched, text, false))
    if (verified !== null) this.#remember(verified)
    // A key may have come meanwhile.
    return verified === null && fetched !== this.#fetched ? this.verify(text) : verified
  }

  async #verifyUnder(
    keys: readonly TrustedKey[],
    text: string,
    bundled: boolean,
  ): Promise<VerifiedToken | null> {
    const { app, issuer } = this.#settings
    const claims = await verifyToken(text, keys, { audience: app, issuer }).catch(() => null)
    const jti = claims === null ? null : readJti(claims.jti)
    if (claims === null || jti === null || !isOurs(this.#settings, claims, jti.licenseId)) return null
    return {
      text,
      claims: frozen(claims as ClientClaims),
      licenseId: jti.licenseId,
      revision: jti.revision,
      bundled,
    }
  }

  #remember(verified: VerifiedToken): void {
    if (this.#verified.size > 8) this.#verified.clear()
    this.#verified.set(verified.text, verified)
  }

  /** True if the token's key is unknown, but could be fetched and would then be trusted. */
  awaitsKey(text: string): boolean {
    const { refreshKeys } = this.#settings
    const kid = kidOf(text)
    if (refreshKeys === null || kid === null || this.#knows(kid)) return false
    return refreshKeys.pin === 'origin' || refreshKeys.pin.includes(kid)
  }

  #knows(kid: string): boolean {
    return [...this.#bundled, ...this.#fetched].some((key) => key.kid === kid)
  }

  /** Says why {@link verify} gave `null`. */
  async problemOf(text: string): Promise<TokenProblem> {
    const kid = kidOf(text)
    if (kid === null) return 'invalid'
    if (this.awaitsKey(text)) return 'unfetched'
    if (!this.#knows(kid)) return 'unknown_key'
    return (await this.#isSignedForAnybody(text)) ? 'foreign' : 'invalid'
  }

  async #isSignedForAnybody(text: string): Promise<boolean> {
    try {
      const { aud, iss } = unverifiedPart(text, 1)
      const expected = { audience: `${aud}`, issuer: `${iss}` }
      await verifyToken(text, [...this.#bundled, ...this.#fetched], expected)
      return true
    } catch {
      return false
    }
  }

  /** Takes back fetched keys from the store. Two reads at once both wait until the keys are there. */
  recall(text: string | null): Promise<void> {
    const { refreshKeys } = this.#settings
    if (text === null || refreshKeys === null) return Promise.resolve()
    if (text !== this.#recalled) {
      this.#recalled = text
      this.#recalling = readKeptKeys(text, refreshKeys).then(
        (keys) => this.#add(keys),
        () => undefined,
      )
    }
    return this.#recalling
  }

  #add(keys: readonly TrustedKey[]): void {
    const fresh = keys.filter(({ kid }) => !this.#knows(kid))
    if (fresh.length === 0) return
    this.#fetched = [...this.#fetched, ...fresh]
    if (this.#settings.refreshKeys?.pin !== 'origin') this.storable = formatKeys(this.#fetched)
  }

  /** A body that is no key set (a captive portal's page, say) changes nothing. */
  async fetch(signal: AbortSignal): Promise<void> {
    const { refreshKeys, appUrl, fetch } = this.#settings
    if (refreshKeys === null) return
    const init = { signal, redirect: 'error', credentials: 'omit', cache: 'no-cache' } as const
    const request = async (): Promise<string> => {
      const response = await fetch(`${appUrl}/${refreshKeys.from}`, init)
      return response.status === 200 ? readBody(response) : ''
    }
    await until(signal, request)
      .then((body) => readServedKeys(body, refreshKeys))
      .then((keys) => this.#add(keys))
      .catch(() => undefined)
  }
}
