import { calculateJwkThumbprint, exportJWK, importPKCS8, importSPKI, type JWK } from 'jose'
import { generateKeyPair } from 'node:crypto'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { macSecret, signatureKey, type MacSecret, type SignatureKey } from '../runtime/crypto.ts'
import type { KeyPair } from '../runtime/key-pool.ts'
import type { Sealer } from '../runtime/sealer.ts'
import type { AppRecord, SigningKeyRecord } from '../storage/index.ts'
import type { RsaJwk } from '../token/statement.ts'
import { canonicalPem } from './pem.ts'
import { privateKeyPurpose, tokenSecretPurpose } from './purposes.ts'

const modulusLength = 4096
/** 4096 bits are 512 bytes, or 683 characters of base64url. */
const modulusCharacters = 683

/**
 * Makes an RSA-4096 key pair, with 65537 as its exponent, off the event loop. Takes 0.4 to 4 seconds of one core.
 *
 * @example
 * ```ts
 * import { createLicensing, generateRsaKeyPair } from 'heartwood'
 * import { memoryStorage } from 'heartwood/storage/memory'
 *
 * const masterKey = crypto.getRandomValues(new Uint8Array(32))
 * const licensing = await createLicensing({ storage: memoryStorage(), masterKey })
 * const keyPair = await generateRsaKeyPair()
 * await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' }, { keyPair })
 * ```
 */
export function generateRsaKeyPair(): Promise<KeyPair> {
  const options = {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  } as const
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', options, (error, publicKeyPem, privateKeyPem) =>
      error === null ? resolve({ publicKeyPem, privateKeyPem }) : reject(error),
    )
  })
}

/** The given pair, otherwise one of ours. @throws {TypeError} in a host's transaction, which must not wait for a pair. */
export async function keyPairFor(
  context: Context,
  given: KeyPair | undefined,
  source: 'take' | 'fresh',
): Promise<KeyPair> {
  if (given !== undefined) return given
  if (context.inHostTransaction) throw new TypeError('Give a ready keyPair inside a transaction')
  const make = context.runtime.keyPairs[source]
  return context.unit === null ? make() : context.unit.keyPair(make)
}

/** @throws {TypeError} unless it is an RSA key with 4096 bits. */
async function publicJwk(publicKeyPem: string): Promise<JWK> {
  const jwk = await exportJWK(await importSPKI(publicKeyPem, 'RS256', { extractable: true }))
  if (jwk.kty !== 'RSA' || jwk.n?.length !== modulusCharacters)
    throw new TypeError('A signing key pair must be RSA with 4096 bits')
  return jwk
}

function statementJwk({ n = '' }: JWK): RsaJwk {
  return { kty: 'RSA', n, e: 'AQAB' }
}

/** The public half as a statement names it. @throws {TypeError} unless it is an RSA key with 4096 bits. */
export async function rsaJwk(publicKeyPem: string): Promise<RsaJwk> {
  return statementJwk(await publicJwk(publicKeyPem))
}

/** A caller may combine the halves of two pairs, and then no token of the app would ever verify. */
async function privateHalfOf({ n, e }: JWK, privateKeyPem: string): Promise<CryptoKey> {
  const privateKey = await importPKCS8(privateKeyPem, 'RS256', { extractable: true })
  const own = await exportJWK(privateKey)
  if (own.n !== n || own.e !== e || e !== 'AQAB')
    throw new TypeError('The halves of a signing key pair must belong together, with 65537 as exponent')
  return privateKey
}

/** The same pair in the one spelling that is stored. @throws {TypeError} unless both halves are in PEM. */
function canonicalPair({ publicKeyPem, privateKeyPem }: KeyPair): KeyPair {
  const halves = [canonicalPem(publicKeyPem, 'PUBLIC KEY'), canonicalPem(privateKeyPem, 'PRIVATE KEY')]
  const [publicHalf, privateHalf] = halves
  if (!publicHalf || !privateHalf)
    throw new TypeError('A signing key pair must be in PEM: a PUBLIC KEY and a PRIVATE KEY')
  return { publicKeyPem: publicHalf, privateKeyPem: privateHalf }
}

/** An app's next signing key. It is not written yet. */
export interface NextKey {
  /** Its private half is sealed to this app and key. */
  readonly record: SigningKeyRecord
  readonly jwk: RsaJwk
  readonly privateKey: CryptoKey
}

/** Seals the pair of an app's next signing key. @throws {TypeError} unless it is a whole pair of RSA-4096. */
export async function sealSigningKey(context: Context, appId: string, given: KeyPair): Promise<NextKey> {
  const pair = canonicalPair(given)
  const jwk = await publicJwk(pair.publicKeyPem)
  const imported = await privateHalfOf(jwk, pair.privateKeyPem)
  const kid = await calculateJwkThumbprint(jwk, 'sha256')
  const privateKey = context.runtime.sealer.seal(
    new TextEncoder().encode(pair.privateKeyPem),
    privateKeyPurpose(appId, kid),
  )
  const record = {
    kid,
    appId,
    publicKeyPem: pair.publicKeyPem,
    privateKey,
    createdAt: context.runtime.now(),
    acceptedUntil: null,
    retiredAt: null,
    retiredReason: null,
  }
  return { record, jwk: statementJwk(jwk), privateKey: imported }
}

/** A private key under the first master key; `null` if it is already. @throws {LicensingError} `master_key`. */
export function resealPrivateKey(sealer: Sealer, key: SigningKeyRecord): string | null {
  return key.privateKey === null ? null : sealer.reseal(key.privateKey, privateKeyPurpose(key.appId, key.kid))
}

/** Every app has a key, so an app without one was deleted after it was read. */
export function appGone(): LicensingError {
  return new LicensingError('not_found', 'App not found')
}

/** The key that signs for an app. @throws {LicensingError} `not_found` if the app is gone. */
export async function activeKey(context: Context, appId: string): Promise<SigningKeyRecord> {
  const key = await context.storage.findActiveKey(appId)
  if (key === null) throw appGone()
  return key
}

export function privateKeyOf(context: Context, key: SigningKeyRecord): Promise<CryptoKey> {
  return context.runtime.caches.privateKeys.get(key.kid, async () => {
    const pem = context.runtime.sealer.open(key.privateKey ?? '', privateKeyPurpose(key.appId, key.kid))
    return importPKCS8(new TextDecoder().decode(pem), 'RS256')
  })
}

/** The active key, and the keys in their grace period. */
function acceptedRecords(context: Context, keys: readonly SigningKeyRecord[]): readonly SigningKeyRecord[] {
  const now = context.runtime.now()
  return keys.filter((key) => key.privateKey !== null || (key.acceptedUntil ?? 0) > now)
}

/** The keys of an app whose tokens are accepted now. */
export function acceptedKeys(context: Context, keys: readonly SigningKeyRecord[]): readonly SignatureKey[] {
  const { publicKeys } = context.runtime.caches
  return acceptedRecords(context, keys).map(({ kid, publicKeyPem }) =>
    publicKeys.get(kid, () => signatureKey(kid, publicKeyPem)),
  )
}

/** A key of a JWK Set (RFC 7517), as `jwks.json` serves it. `kid` is its thumbprint (RFC 7638). */
export interface PublicJwk {
  readonly kty: string
  readonly n: string
  readonly e: string
  readonly kid: string
  readonly alg: 'RS256'
  readonly use: 'sig'
}

/** The accepted public keys of an app as JWKs (RFC 7517), the active key first. @throws {LicensingError} `not_found`. */
export async function publicJwks(context: Context, appId: string): Promise<readonly PublicJwk[]> {
  const records = acceptedRecords(context, await context.storage.listSigningKeys(appId))
  if (records.length === 0) throw appGone()
  return Promise.all(
    records.map(async ({ kid, publicKeyPem }) => {
      const { n = '', e = '' } = await publicJwk(publicKeyPem)
      return { kty: 'RSA', n, e, kid, alg: 'RS256', use: 'sig' } as const
    }),
  )
}

/** A fresh secret for the `jti`s of an app, sealed. A rotation leaves it alone. */
export function sealTokenSecret(context: Context, appId: string): string {
  return context.runtime.sealer.seal(crypto.getRandomValues(new Uint8Array(32)), tokenSecretPurpose(appId))
}

/** A token secret under the first master key; `null` if it is already. @throws {LicensingError} `master_key`. */
export function resealTokenSecret(sealer: Sealer, { id, tokenSecret }: AppRecord): string | null {
  return sealer.reseal(tokenSecret, tokenSecretPurpose(id))
}

export function tokenSecretOf(context: Context, app: AppRecord): MacSecret {
  const { caches, sealer } = context.runtime
  return caches.tokenSecrets.get(app.id, () =>
    macSecret(sealer.open(app.tokenSecret, tokenSecretPurpose(app.id))),
  )
}
