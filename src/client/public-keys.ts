import { calculateJwkThumbprint, exportJWK, importJWK, importSPKI, type CryptoKey, type JWK } from 'jose'
import type { VerificationKey } from '../core/token/token.ts'
import type { KeySource, PublicKeys, PublicKeySet } from './options.ts'

/** A key beside the form in which it is stored. */
export interface TrustedKey extends VerificationKey {
  readonly jwk: JWK
}

const pemKey = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g
const minModulusLength = 2048
const maxBodyLength = 256 * 1024

function unusable(): TypeError {
  return new TypeError('publicKeys must be RSA public keys: PEM (SubjectPublicKeyInfo) or a JWK Set')
}

async function trustedKey(publicKey: CryptoKey): Promise<TrustedKey> {
  const { modulusLength = 0 } = publicKey.algorithm as { readonly modulusLength?: number }
  if (publicKey.type !== 'public' || modulusLength < minModulusLength) throw unusable()
  const jwk = await exportJWK(publicKey)
  return { kid: await calculateJwkThumbprint(jwk), publicKey, jwk }
}

async function keyOfPem(pem: string): Promise<TrustedKey> {
  return trustedKey(await importSPKI(pem, 'RS256', { extractable: true }))
}

async function keyOfJwk({ kty = '', n = '', e = '' }: JWK): Promise<TrustedKey> {
  const key = await importJWK({ kty, n, e }, 'RS256', { extractable: true })
  return trustedKey(key as CryptoKey)
}

function isKeySet(given: unknown): given is PublicKeySet {
  return typeof given === 'object' && given !== null && 'keys' in given && Array.isArray(given.keys)
}

function keysOfSet({ keys }: PublicKeySet): Promise<readonly TrustedKey[]> {
  return Promise.all(keys.map((jwk) => keyOfJwk(jwk as JWK)))
}

function keysOfPem(text: string): Promise<readonly TrustedKey[]> {
  return Promise.all((text.match(pemKey) ?? []).map(keyOfPem))
}

/** Guards against a private key in a place from which it would be shipped to every customer. */
function holdsPrivateKey(given: PublicKeys): boolean {
  if (isKeySet(given)) return given.keys.some((jwk) => 'd' in Object(jwk))
  return /PRIVATE KEY/.test(`${given}`)
}

/** Reads the keys that a program carries. @throws {TypeError} if none of them is usable. */
export async function readBundledKeys(given: PublicKeys): Promise<readonly TrustedKey[]> {
  if (holdsPrivateKey(given))
    throw new TypeError('publicKeys holds a private key, which must never be shipped')
  const keys = await (isKeySet(given) ? keysOfSet(given) : keysOfPem(`${given}`)).catch(() => [])
  if (keys.length === 0) throw unusable()
  return keys
}

/** A later server may list keys for other uses, which a reader ignores (RFC 7517 section 5). */
function signsTokens(jwk: unknown): boolean {
  const { kty, alg = 'RS256', use = 'sig' } = Object(jwk) as JWK
  return kty === 'RSA' && alg === 'RS256' && use === 'sig'
}

function keysOfText(text: string, from: KeySource['from']): Promise<readonly TrustedKey[]> {
  if (from === 'public-key') return keysOfPem(text)
  const value: unknown = JSON.parse(text)
  return isKeySet(value) ? keysOfSet({ keys: value.keys.filter(signsTokens) }) : Promise.resolve([])
}

function trusted(keys: readonly TrustedKey[], { pin }: KeySource): readonly TrustedKey[] {
  return pin === 'origin' ? keys : keys.filter(({ kid }) => pin.includes(kid))
}

/** Reads the keys that the pin trusts from a response. @throws if it holds no key: it is then not the server's. */
export async function readServedKeys(body: string, source: KeySource): Promise<readonly TrustedKey[]> {
  const keys = body.length > maxBodyLength ? [] : await keysOfText(body, source.from)
  if (keys.length === 0) throw unusable()
  return trusted(keys, source)
}

/** Writes keys as a JWK Set. Anybody may change it in the store, so they count by their thumbprints alone. */
export function formatKeys(keys: readonly TrustedKey[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })
}

/** Reads the text of {@link formatKeys}. Gives no key that somebody has changed, and none without thumbprints. */
export async function readKeptKeys(text: string, source: KeySource): Promise<readonly TrustedKey[]> {
  if (source.pin === 'origin') return []
  return trusted(await keysOfText(text, 'jwks.json'), source)
}
