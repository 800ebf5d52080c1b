import { calculateJwkThumbprint, exportJWK, importJWK, importSPKI, type CryptoKey, type JWK } from 'jose'
import type { VerificationKey } from '../core/token/token.ts'
import type { KeySource, PublicKeys, PublicKeySet } from './options.ts'

const pemKey = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g
const leastModulus = 2048
const longestBody = 256 * 1024

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

function isKeySet(given: unknown): given is PublicKeySet {
  return typeof given === 'object' && given !== null && 'keys' in given && Array.isArray(given.keys)
}

function keysOfSet({ keys }: PublicKeySet): Promise<readonly VerificationKey[]> {
  return Promise.all(keys.map((jwk) => keyOfJwk(jwk as JWK)))
}

function keysOfPem(text: string): Promise<readonly VerificationKey[]> {
  return Promise.all((text.match(pemKey) ?? []).map(keyOfPem))
}

/** Whether somebody has put a private key where it would be shipped to every customer. */
function holdsPrivateKey(given: PublicKeys): boolean {
  if (isKeySet(given)) return given.keys.some((jwk) => 'd' in Object(jwk))
  return /PRIVATE KEY/.test(`${given}`)
}

/** The keys that a program carries. @throws {TypeError} when there is none that can be used. */
export async function readBundledKeys(given: PublicKeys): Promise<readonly VerificationKey[]> {
  if (holdsPrivateKey(given))
    throw new TypeError('publicKeys holds a private key, which must never be shipped')
  const keys = await (isKeySet(given) ? keysOfSet(given) : keysOfPem(`${given}`)).catch(() => [])
  if (keys.length === 0) throw unusable()
  return keys
}

function keysOfText(text: string, from: KeySource['from']): Promise<readonly VerificationKey[]> {
  if (from === 'public-key') return keysOfPem(text)
  const value: unknown = JSON.parse(text)
  return isKeySet(value) ? keysOfSet(value) : Promise.resolve([])
}

function trusted(keys: readonly VerificationKey[], { pin }: KeySource): readonly VerificationKey[] {
  return pin === 'origin' ? keys : keys.filter(({ kid }) => pin.includes(kid))
}

/** The keys of an answer that the pin trusts. @throws when it holds no key at all: it is then not the server's. */
export async function readServedKeys(body: string, source: KeySource): Promise<readonly VerificationKey[]> {
  const keys = body.length > longestBody ? [] : await keysOfText(body, source.from)
  if (keys.length === 0) throw unusable()
  return trusted(keys, source)
}

/** Keys as a JWK Set, to be kept where anybody may write: read back, they count by their thumbprints alone. */
export async function formatKeys(keys: readonly VerificationKey[]): Promise<string> {
  return JSON.stringify({ keys: await Promise.all(keys.map(({ publicKey }) => exportJWK(publicKey))) })
}

/** Reads what {@link formatKeys} wrote; none if somebody has changed it, or where there are no thumbprints to go by. */
export async function readKeptKeys(text: string, source: KeySource): Promise<readonly VerificationKey[]> {
  if (source.pin === 'origin') return []
  return trusted(await keysOfText(text, 'jwks.json'), source)
}
