import {
  maxTokenLength,
  readJti,
  verifyToken,
  type ExpectedToken,
  type LicenseClaims,
} from '../core/token/token.ts'
import type { KeyFollower } from './key-follower.ts'
import type { ClientSettings, PlainKeys } from './options.ts'
import { readBundledKeys, type TrustedKey } from './public-keys.ts'
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

function expectedBy({ app, issuer }: ClientSettings): ExpectedToken {
  return { audience: app, issuer }
}

/** Freezes all levels, because a claim that is not known here may hold an object. */
function frozen<Value>(value: Value): Readonly<Value> {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen)
  return Object.freeze(value)
}

/** The keys that a program trusts: those that it carries, and those that its follower brings. */
export class TrustedKeys {
  readonly #settings: ClientSettings
  readonly #bundled: readonly TrustedKey[]
  /** `null` for a program that trusts its own keys alone. */
  readonly follower: KeyFollower | null
  #known: unknown
  readonly #verified = new Map<string, VerifiedToken>()

  private constructor(
    settings: ClientSettings,
    bundled: readonly TrustedKey[],
    follower: KeyFollower | null = null,
  ) {
    this.#settings = settings
    this.#bundled = bundled
    this.follower = follower
  }

  /** @throws {TypeError} without a usable key. */
  static async open(settings: ClientSettings): Promise<TrustedKeys> {
    const { publicKeys, refreshKeys } = settings
    if (refreshKeys === undefined)
      return new TrustedKeys(settings, await readBundledKeys(publicKeys as PlainKeys))
    const { openFollower } = await import('./on-demand.ts')
    const follower = await openFollower(settings, refreshKeys)
    return new TrustedKeys(settings, follower.bundled, follower)
  }

  get #trusted(): readonly TrustedKey[] {
    return [...this.#bundled, ...(this.follower?.keys ?? [])]
  }

  /** The token, if a trusted key signed it for this app, license and installation; otherwise `null`. */
  async verify(text: string | null): Promise<VerifiedToken | null> {
    if (text === null) return null
    const keys = this.follower?.keys
    if (keys !== this.#known || this.#verified.size > 8) this.#verified.clear()
    this.#known = keys
    const known = this.#verified.get(text)
    if (known !== undefined) return known
    const verified = await this.#verifyFor(expectedBy(this.#settings), text)
    // The keys may have changed meanwhile.
    if (keys !== this.follower?.keys) return this.verify(text)
    if (verified === null || !isOurs(this.#settings, verified)) return null
    this.#verified.set(text, verified)
    return verified
  }

  async #verifyFor(expected: ExpectedToken, text: string): Promise<VerifiedToken | null> {
    for (const key of this.#trusted) {
      const claims = await verifyToken(text, [key], expected).catch(() => null)
      // The key itself counts, because a token need not name it.
      if (claims === null || this.follower?.refuses(key.kid, claims.iat)) continue
      const bundled = this.#bundled.includes(key)
      return { text, claims: frozen(claims as ClientClaims), ...readJti(claims.jti)!, bundled }
    }
    return null
  }

  /** True if the token's key is unknown, but could be fetched and would then be trusted. */
  awaitsKey(text: string): boolean {
    const kid = kidOf(text)
    return kid !== null && !this.#knows(kid) && this.follower?.awaits(kid) === true
  }

  #knows(kid: string): boolean {
    return this.#trusted.some((key) => key.kid === kid)
  }

  /** Says why {@link verify} gave `null`. */
  async problemOf(text: string): Promise<TokenProblem> {
    const kid = kidOf(text)
    if (kid === null) return 'invalid'
    if (this.awaitsKey(text) && !this.follower!.isAstray) return 'unfetched'
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
}
