import { base64url, type JWK } from 'jose'
import type { VerificationKey } from '../core/token/token.ts'
import type { PlainKeys, PublicKeySet } from './options.ts'
import { bytesOf, pemKeys, type PemKey } from './pem.ts'

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
  const bytes = bytesOf(pem.replace(/-----[^-]+-----|\s/g, ''))
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

export function isKeySet(given: unknown): given is PublicKeySet {
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
export function readEach(given: PlainKeys): readonly Promise<TrustedKey>[] {
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
