import { decodeJwt, decodeProtectedHeader } from 'jose'
import {
  maxTokenLength,
  readJti,
  verifyToken,
  type LicenseClaims,
  type VerificationKey,
} from '../core/token/token.ts'
import type { Settings } from './options.ts'
import { formatKeys, readBundledKeys, readKeptKeys, readServedKeys } from './public-keys.ts'
import { until } from './timer.ts'

/** A token whose signature and claims hold. Only made here: nothing else in the client goes by a token. */
export interface VerifiedToken {
  readonly text: string
  readonly claims: LicenseClaims
  /** The license's API id, `lic_…`. */
  readonly licenseId: string
  readonly revision: number
  /** Whether a key that the program carries itself signed it. */
  readonly bundled: boolean
}

/**
 * Why a text is no token to go by. `unfetched`: under a key that the server may have, but did not give. `unknown_key`: under
 * one that is not trusted. `foreign`: signed by the app's server, but not for this program. `invalid`: anything else.
 */
export type Doubt = 'unfetched' | 'unknown_key' | 'foreign' | 'invalid'

const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** The name of the key that a text says it is signed with; `null` when it is no token, or names none. */
function kidOf(text: string): string | null {
  try {
    if (text.length > maxTokenLength || !tokenForm.test(text)) return null
    const { alg, kid } = decodeProtectedHeader(text)
    return alg === 'RS256' && typeof kid === 'string' ? kid : null
  } catch {
    return null
  }
}

function isOurs(settings: Settings, claims: LicenseClaims, licenseId: string): boolean {
  const { licenseId: wanted, installationId } = settings
  if (wanted !== null && wanted !== licenseId && wanted !== claims.lic_id) return false
  return installationId === null || installationId === claims.sub
}

function frozen(claims: LicenseClaims): LicenseClaims {
  Object.freeze(claims.features)
  return Object.freeze(claims)
}

/** The keys that a program trusts, and what they say of a token. */
export class KeyRing {
  readonly #settings: Settings
  readonly #bundled: readonly VerificationKey[]
  /** A key once trusted stays so while the program runs: an answer that lacks it takes no license away. */
  #served: readonly VerificationKey[] = []
  #recalled: string | null = null
  readonly #verified = new Map<string, VerifiedToken>()
  /** The fetched keys as the store may hold them; `null` where nothing but memory may. */
  kept: string | null = null

  private constructor(settings: Settings, bundled: readonly VerificationKey[]) {
    this.#settings = settings
    this.#bundled = bundled
  }

  /** @throws {TypeError} when there is no usable key. */
  static async open(settings: Settings): Promise<KeyRing> {
    return new KeyRing(settings, await readBundledKeys(settings.publicKeys))
  }

  /** The token, if it is one of this app, license and installation under a trusted key; else `null`. */
  async verify(text: string | null): Promise<VerifiedToken | null> {
    if (text === null) return null
    const known = this.#verified.get(text)
    if (known !== undefined) return known
    const verified =
      (await this.#under(this.#bundled, text, true)) ?? (await this.#under(this.#served, text, false))
    if (verified !== null) this.#remember(verified)
    return verified
  }

  async #under(
    keys: readonly VerificationKey[],
    text: string,
    bundled: boolean,
  ): Promise<VerifiedToken | null> {
    const { app, issuer } = this.#settings
    const claims = await verifyToken(text, keys, { audience: app, issuer }).catch(() => null)
    const jti = claims === null ? null : readJti(claims.jti)
    if (claims === null || jti === null || !isOurs(this.#settings, claims, jti.licenseId)) return null
    return { text, claims: frozen(claims), licenseId: jti.licenseId, revision: jti.revision, bundled }
  }

  #remember(verified: VerifiedToken): void {
    if (this.#verified.size > 8) this.#verified.clear()
    this.#verified.set(verified.text, verified)
  }

  /** Whether a text is a token under a key that is not known, and that could be fetched and then be trusted. */
  awaitsKey(text: string): boolean {
    const { refreshKeys } = this.#settings
    const kid = kidOf(text)
    if (refreshKeys === null || kid === null || this.#knows(kid)) return false
    return refreshKeys.pin === 'origin' || refreshKeys.pin.includes(kid)
  }

  #knows(kid: string): boolean {
    return [...this.#bundled, ...this.#served].some((key) => key.kid === kid)
  }

  /** Like {@link verify}, and asks the server for newer keys where the options say so and a token needs them. */
  async verifyWithNewKeys(text: string, signal: AbortSignal): Promise<VerifiedToken | Doubt> {
    const verified = await this.verify(text)
    if (verified !== null) return verified
    if (this.awaitsKey(text)) await this.#fetch(signal)
    return (await this.verify(text)) ?? this.#doubt(text)
  }

  async #doubt(text: string): Promise<Doubt> {
    const kid = kidOf(text)
    if (kid === null) return 'invalid'
    if (this.awaitsKey(text)) return 'unfetched'
    if (!this.#knows(kid)) return 'unknown_key'
    return (await this.#isSigned(text)) ? 'foreign' : 'invalid'
  }

  /** Whether a trusted key signed it, whomever it is for. */
  async #isSigned(text: string): Promise<boolean> {
    try {
      const { aud, iss } = decodeJwt(text)
      const expected = { audience: `${aud}`, issuer: `${iss}` }
      await verifyToken(text, [...this.#bundled, ...this.#served], expected)
      return true
    } catch {
      return false
    }
  }

  /** Takes back fetched keys that were kept in the store. */
  async recall(text: string | null): Promise<void> {
    const { refreshKeys } = this.#settings
    if (text === null || text === this.#recalled || refreshKeys === null) return
    this.#recalled = text
    await this.#add(await readKeptKeys(text, refreshKeys).catch(() => []))
  }

  async #add(keys: readonly VerificationKey[]): Promise<void> {
    const fresh = keys.filter(({ kid }) => !this.#knows(kid))
    if (fresh.length === 0) return
    this.#served = [...this.#served, ...fresh]
    if (this.#settings.refreshKeys?.pin !== 'origin') this.kept = await formatKeys(this.#served)
  }

  /** Whatever is no key set (a captive portal's page, say) changes nothing. */
  async #fetch(signal: AbortSignal): Promise<void> {
    const { refreshKeys, appUrl, fetch } = this.#settings
    if (refreshKeys === null) return
    const init = { signal, redirect: 'error', credentials: 'omit', cache: 'no-cache' } as const
    const read = async (): Promise<string> => {
      const response = await fetch(`${appUrl}/${refreshKeys.from}`, init)
      return response.status === 200 ? response.text() : ''
    }
    await until(signal, read)
      .then((body) => readServedKeys(body, refreshKeys))
      .then((keys) => this.#add(keys))
      .catch(() => undefined)
  }
}
