import { base64url, type JWK } from 'jose'
import type { VerificationKey } from '../core/token/token.ts'
import type { KeySource, PlainKeys, PublicKeySet } from './options.ts'
import { pemKeys, type PemKey } from './pem.ts'

/** A key beside the form in which it is stored. */
export interface TrustedKey extends VerificationKey {
  readonly jwk: JWK
}

const minModulusLength = 2048

const rule = 'must be RSA public keys: PEM (SubjectPublicKeyInfo) or a JWK Set'

/** RS256 (RFC 7518 section 3.3). */
const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

/** The name of an RSA key: SHA-256 of its members in this order (RFC 7638 section 3). */
async function thumbprint({ e, kty, n }: JWK): Promise<string> {
  const members = new TextEncoder().encode(JSON.stringify({ e, kty, n }))
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', members)))
}

async function trustedKey(publicKey: CryptoKey): Promise<TrustedKey> {
  const { modulusLength = 0 } = publicKey.algorithm as { readonly modulusLength?: number }
  if (publicKey.type !== 'public') throw new TypeError('is no public key')
  if (modulusLength < minModulusLength) throw new TypeError(`has less than ${minModulusLength} bits`)
  // Earlier versions stored what jose left of the platform's export, in its order.
  const exported = await crypto.subtle.exportKey('jwk', publicKey)
  const { ext: _ext, key_ops: _uses, alg: _alg, use: _use, ...jwk } = exported as JWK
  return { kid: await thumbprint(jwk), publicKey, jwk }
}

/** Reads SubjectPublicKeyInfo in PEM (RFC 7468 section 13). */
async function importPem(pem: string): Promise<CryptoKey> {
  const text = atob(pem.replace(/-----[^-]+-----|\s/g, ''))
  const bytes = Uint8Array.from(text, (byte) => byte.charCodeAt(0))
  return crypto.subtle.importKey('spki', bytes, algorithm, true, ['verify'])
}

/** @throws {TypeError} that says what the key is. */
async function keyOfPem(key: PemKey): Promise<TrustedKey> {
  if ('fault' in key) throw new TypeError(key.fault)
  const publicKey = await importPem(key.pem).catch((cause: unknown) => {
    throw new TypeError('is damaged, cut short, or no RSA key', { cause })
  })
  return trustedKey(publicKey)
}

/** @throws {TypeError} that says what the key is. */
async function keyOfJwk(jwk: unknown): Promise<TrustedKey> {
  const { kty = '', n = '', e = '' } = Object(jwk) as JWK
  if (kty !== 'RSA') throw new TypeError('is no RSA key')
  const key = await crypto.subtle
    .importKey('jwk', { kty, n, e }, algorithm, true, ['verify'])
    .catch((cause: unknown) => {
      throw new TypeError('is damaged', { cause })
    })
  return trustedKey(key)
}

function isKeySet(given: unknown): given is PublicKeySet {
  return typeof given === 'object' && given !== null && 'keys' in given && Array.isArray(given.keys)
}

/** Guards against a private key in a place from which it would be shipped to every customer. */
function holdsPrivateKey(given: PlainKeys): boolean {
  if (isKeySet(given)) return given.keys.some((jwk) => 'd' in Object(jwk))
  return /PRIVATE KEY/.test(`${given}`)
}

/** An item of a list that holds no key at all is one of the unusable keys. */
function pemKeysOf(given: PlainKeys): readonly PemKey[] {
  if (!Array.isArray(given)) return pemKeys(`${given}`)
  return given.flatMap((item) => {
    const keys = pemKeys(`${item}`)
    return keys.length === 0 ? [{ fault: 'is no key' }] : keys
  })
}

/** Reads the keys of a program, or of its server, one by one. */
function readEach(given: PlainKeys): readonly Promise<TrustedKey>[] {
  return isKeySet(given) ? given.keys.map(keyOfJwk) : pemKeysOf(given).map(keyOfPem)
}

async function named(key: Promise<TrustedKey>, at: number): Promise<TrustedKey> {
  return key.catch((cause: unknown) => {
    const fault = cause instanceof TypeError ? cause.message : 'cannot be read'
    throw new TypeError(`publicKeys ${rule}, but key ${at + 1} ${fault}`, { cause })
  })
}

/**
 * Reads the keys that a program carries. One that is dropped would be missed only at the next rotation, by every program.
 * @throws {TypeError} if one of them is not usable, or if there is none. It says which one, and what it is.
 */
export async function readBundledKeys(given: PlainKeys): Promise<readonly TrustedKey[]> {
  if (holdsPrivateKey(given))
    throw new TypeError('publicKeys holds a private key, which must never be shipped')
  const keys = readEach(given)
  if (keys.length === 0) throw new TypeError(`publicKeys ${rule}`)
  return Promise.all(keys.map(named))
}

/** Reads the usable keys. A server of a later version may serve keys of another kind beside them (RFC 7517 section 5). */
async function usable(given: PlainKeys): Promise<readonly TrustedKey[]> {
  const read = await Promise.allSettled(readEach(given))
  return read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/** A later server may list keys for other uses, which a reader ignores (RFC 7517 section 5). */
function signsTokens(jwk: unknown): boolean {
  const { kty, alg = 'RS256', use = 'sig' } = Object(jwk) as JWK
  return kty === 'RSA' && alg === 'RS256' && use === 'sig'
}

function keysOfText(text: string, from: KeySource['from']): Promise<readonly TrustedKey[]> {
  if (from === 'public-key') return usable(text)
  const value: unknown = JSON.parse(text)
  return isKeySet(value) ? usable({ keys: value.keys.filter(signsTokens) }) : Promise.resolve([])
}

function trusted(keys: readonly TrustedKey[], { pin }: KeySource): readonly TrustedKey[] {
  return pin === 'origin' ? keys : keys.filter(({ kid }) => pin.includes(kid))
}

/** Reads the keys that the pin trusts from a response. @throws if it holds no key: it is then not the server's. */
export async function readServedKeys(body: string, source: KeySource): Promise<readonly TrustedKey[]> {
  const keys = await keysOfText(body, source.from)
  if (keys.length === 0) throw new TypeError('The response holds no usable key')
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
