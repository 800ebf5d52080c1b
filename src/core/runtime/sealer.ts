import { base64url } from 'jose'
import { LicensingError } from '../errors.ts'
import { derivedSecret, sealingSecret, type SealingSecret } from './crypto.ts'

/** 32 bytes, as bytes or in base64. The first key of a list seals, and every key opens. */
export type MasterKey = Uint8Array | string | readonly (Uint8Array | string)[]

/** Seals secrets at rest by AES-256-GCM (NIST SP 800-38D) under the master key. */
export interface Sealer {
  /** The id of the first master key, which reveals nothing about it. */
  readonly id: string
  /** Seals under the first master key. `purpose` names the secret and its place, and is authenticated with it. */
  seal(secret: Uint8Array, purpose: string): string
  /** @throws {LicensingError} `master_key` if no configured key made it, or it was altered or moved. */
  open(sealed: string, purpose: string): Uint8Array<ArrayBuffer>
  /**
   * The same secret under the first master key; `null` if it is already.
   * @throws {LicensingError} `master_key` if no configured key made it, or it was altered or moved.
   */
  reseal(sealed: string, purpose: string): string | null
  /** A secret from each master key by HKDF-SHA-256 (RFC 5869), that of the first key first. Each `context` gives others. */
  derive(context: string): readonly [DerivedSecret, ...DerivedSecret[]]
}

/** A secret that a master key determines. */
export interface DerivedSecret {
  /** The id of the master key. It reveals nothing about the key. */
  readonly keyId: string
  /** 32 bytes. */
  readonly bytes: Uint8Array
}

interface IdentifiedKey {
  readonly id: string
  readonly bytes: Uint8Array
  readonly secret: SealingSecret
}

const wanted = 'Master key must be 32 random bytes, or the same in base64 (44 characters), and not all zero'
const version = 'v1'

/** Takes `unknown`, because a key often comes from an environment variable that is not set. */
function readMasterKey(key: unknown): Uint8Array {
  const bytes = typeof key === 'string' ? decodeBase64(key) : key
  if (!(bytes instanceof Uint8Array) || bytes.length !== 32 || bytes.every((byte) => byte === 0))
    throw new LicensingError('master_key', wanted)
  return Uint8Array.from(bytes)
}

function decodeBase64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) throw new LicensingError('master_key', wanted)
  return base64url.decode(text.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_'))
}

/** The id of a key stands in every text that it sealed, and reveals nothing about the key. */
async function identify(bytes: Uint8Array): Promise<IdentifiedKey> {
  const label = new TextEncoder().encode('heartwood master key id')
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array([...label, ...bytes]))
  const id = base64url.encode(new Uint8Array(digest).subarray(0, 9))
  return { id, bytes, secret: sealingSecret(bytes) }
}

function sealWith(key: IdentifiedKey, secret: Uint8Array, purpose: string): string {
  const nonce = crypto.getRandomValues(new Uint8Array(12))
  const aad = new TextEncoder().encode(`${version} ${purpose}`)
  const ciphertext = key.secret.encrypt(secret, nonce, aad)
  return [version, key.id, base64url.encode(nonce), base64url.encode(ciphertext)].join('.')
}

function openWith(
  keys: readonly IdentifiedKey[],
  sealed: string,
  purpose: string,
): Uint8Array<ArrayBuffer> | null {
  const parts = sealed.split('.')
  const [form, id, nonce = '', ciphertext = ''] = parts
  const key = keys.find((candidate) => candidate.id === id)
  if (form !== version || key === undefined || parts.length !== 4) return null
  try {
    const aad = new TextEncoder().encode(`${version} ${purpose}`)
    const bytes = base64url.decode(nonce)
    return bytes.length === 12 ? key.secret.decrypt(base64url.decode(ciphertext), bytes, aad) : null
  } catch {
    return null
  }
}

function derivedFrom({ id, bytes }: IdentifiedKey, context: string): DerivedSecret {
  return { keyId: id, bytes: derivedSecret(bytes, context) }
}

/** @throws {LicensingError} `master_key` if a key is malformed. */
export async function createSealer(masterKey: MasterKey): Promise<Sealer> {
  const given: readonly unknown[] = Array.isArray(masterKey) ? masterKey : [masterKey]
  const keys = await Promise.all(given.map((key) => identify(readMasterKey(key))))
  const [first] = keys
  if (first === undefined) throw new LicensingError('master_key', wanted)
  const open: Sealer['open'] = (sealed, purpose) => {
    const secret = openWith(keys, sealed, purpose)
    if (secret === null)
      throw new LicensingError('master_key', 'Sealed secret does not open with this master key')
    return secret
  }
  return {
    id: first.id,
    seal: (secret, purpose) => sealWith(first, secret, purpose),
    open,
    reseal: (sealed, purpose) =>
      sealed.startsWith(`${version}.${first.id}.`) ? null : sealWith(first, open(sealed, purpose), purpose),
    derive: (context) => [
      derivedFrom(first, context),
      ...keys.slice(1).map((key) => derivedFrom(key, context)),
    ],
  }
}
