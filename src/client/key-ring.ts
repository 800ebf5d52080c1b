import { calculateJwkThumbprint, exportJWK, importJWK, importSPKI, type CryptoKey, type JWK } from 'jose'
import { readJti, verifyToken, type LicenseClaims, type VerificationKey } from '../core/token.ts'
import type { KeySource, PublicKeys, PublicKeySet, Settings } from './options.ts'

/** A token whose signature and claims hold. Only made here: nothing else in the client reads a token. */
export interface VerifiedToken {
  readonly text: string
  readonly claims: LicenseClaims
  /** The license's API id, `lic_…`. */
  readonly licenseId: string
  readonly revision: number
  /** Whether a key that the program carries itself signed it. */
  readonly bundled: boolean
}

const pemKey = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g
const leastModulus = 2048

function unusable(): TypeError {
  return new TypeError('publicKeys must be RSA public keys: PEM (SubjectPublicKeyInfo) or a JWK Set')
}

async function verificationKey(publicKey: CryptoKey): Promise<VerificationKey> {
  const { modulusLength = 0 } = publicKey.algorithm as { readonly modulusLength?: number }
  if (publicKey.type !== 'public' || modulusLength < leastModulus) throw unusable()
  return { kid: await calculateJwkThumbprint(await exportJWK(publicKey)), publicKey }
}

async function keyOfPem(pem: string): Promise<VerificationKey> {
  return verificationKey(await importSPKI(pem, 'RS256', { extractable: true }))
}

async function keyOfJwk({ kty = '', n = '', e = '' }: JWK): Promise<VerificationKey> {
  const key = await importJWK({ kty, n, e }, 'RS256', { extractable: true })
  return verificationKey(key as CryptoKey)
}

function pemsOf(text: string): readonly string[] {
  return text.match(pemKey) ?? []
}

function isKeySet(given: PublicKeys): given is PublicKeySet {
  return typeof given === 'object' && given !== null && 'keys' in given && Array.isArray(given.keys)
}

async function readKeys(given: PublicKeys): Promise<readonly VerificationKey[]> {
  if (isKeySet(given)) return Promise.all(given.keys.map((jwk) => keyOfJwk(jwk as JWK)))
  return Promise.all(pemsOf(`${given}`).map(keyOfPem))
}

/** Whether somebody has put a private key where it would be shipped to every customer. */
function holdsPrivateKey(given: PublicKeys): boolean {
  if (isKeySet(given)) return given.keys.some((jwk) => 'd' in Object(jwk))
  return /PRIVATE KEY/.test(`${given}`)
}

/** The keys of a text or a JWK Set. @throws {TypeError} when there is none, or a private one among them. */
export async function readBundledKeys(given: PublicKeys): Promise<readonly VerificationKey[]> {
  if (holdsPrivateKey(given))
    throw new TypeError('publicKeys holds a private key, which must never be shipped')
  const keys = await readKeys(given).catch(() => [])
  if (keys.length === 0) throw unusable()
  return keys
}

/** The keys that an answer of the server holds; none if it is anything else. */
async function readServedKeys(body: string, { from, pin }: KeySource): Promise<readonly VerificationKey[]> {
  const keys = await readKeys(from === 'public-key' ? body : (JSON.parse(body) as PublicKeys))
  return pin === 'origin' ? keys : keys.filter(({ kid }) => pin.includes(kid))
}

function isOurs(settings: Settings, claims: LicenseClaims, licenseId: string): boolean {
  const { licenseId: wanted, installationId } = settings
  if (wanted !== null && wanted !== licenseId && wanted !== claims.lic_id) return false
  return installationId === null || installationId === claims.sub
}

/** The keys that a program trusts, and what they say of a token. */
export class KeyRing {
  readonly #settings: Settings
  readonly #bundled: readonly VerificationKey[]
  /** Held in memory alone: whoever may write the store must not be able to add a key. */
  #served: readonly VerificationKey[] = []
  readonly #verified = new Map<string, VerifiedToken>()

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
    return { text, claims, licenseId: jti.licenseId, revision: jti.revision, bundled }
  }

  #remember(verified: VerifiedToken): void {
    if (this.#verified.size > 8) this.#verified.clear()
    this.#verified.set(verified.text, verified)
  }

  /** Like {@link verify}, and asks the server for newer keys where the options say so and a token needs them. */
  async verifyWithNewKeys(text: string, signal: AbortSignal): Promise<VerifiedToken | null> {
    return (await this.verify(text)) ?? ((await this.#refresh(signal)) ? this.verify(text) : null)
  }

  async #refresh(signal: AbortSignal): Promise<boolean> {
    const { refreshKeys, appUrl, fetch } = this.#settings
    if (refreshKeys === null) return false
    const init = { signal, redirect: 'error', credentials: 'omit', cache: 'no-cache' } as const
    try {
      const response = await fetch(`${appUrl}/${refreshKeys.from}`, init)
      if (response.status !== 200) return false
      this.#served = await readServedKeys(await response.text(), refreshKeys)
      this.#verified.clear()
      return true
    } catch {
      return false
    }
  }
}
