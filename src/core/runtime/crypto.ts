import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  createSecretKey,
  hash,
  hkdfSync,
  verify,
  type KeyObject,
} from 'node:crypto'

// Web Crypto takes a promise and a thread for each of these, which cost several times the work itself.

/** SHA-256 (FIPS 180-4) of a text in UTF-8, in base64url. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** A secret for HMAC-SHA-256 (RFC 2104). It is no type of Node, so that programs without those types can use the package. */
export interface MacSecret {
  mac(message: Uint8Array): Uint8Array
}

export function macSecret(bytes: Uint8Array): MacSecret {
  const key = createSecretKey(bytes)
  return { mac: (message) => createHmac('sha256', key).update(message).digest() }
}

/** A secret that chains texts by HMAC-SHA-256 (RFC 2104): each code covers the code before it. */
export interface ChainSecret {
  /** The code of a text in UTF-8 after the code `before`. Both codes are 32 bytes in base64url. */
  next(before: string, text: string): string
}

export function chainSecret(bytes: Uint8Array): ChainSecret {
  const key = createSecretKey(bytes)
  return {
    next: (before, text) =>
      createHmac('sha256', key).update(before, 'base64url').update(text, 'utf8').digest('base64url'),
  }
}

/** Derives 32 bytes from a secret by HKDF-SHA-256 (RFC 5869) without a salt. Each `context` gives others. */
export function derivedSecret(secret: Uint8Array, context: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), context, 32))
}

const aes = 'aes-256-gcm'
const tagLength = 16

/** A secret for AES-256-GCM (NIST SP 800-38D). A nonce has 12 bytes, and serves once. */
export interface SealingSecret {
  /** The ciphertext, and after it the tag of 16 bytes. */
  encrypt(plain: Uint8Array, nonce: Uint8Array, aad: Uint8Array): Uint8Array
  /** @throws {Error} if ciphertext, tag, nonce or associated data are others. */
  decrypt(sealed: Uint8Array, nonce: Uint8Array, aad: Uint8Array): Uint8Array<ArrayBuffer>
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function sealingSecret(bytes: Uint8Array): SealingSecret {
  const key = createSecretKey(bytes)
  const options = { authTagLength: tagLength }
  return {
    encrypt: (plain, nonce, aad) => {
      const cipher = createCipheriv(aes, key, nonce, options).setAAD(aad)
      return joined(cipher.update(plain), cipher.final(), cipher.getAuthTag())
    },
    decrypt: (sealed, nonce, aad) => {
      const end = sealed.length - tagLength
      if (end < 0) throw new TypeError('The ciphertext is shorter than its tag')
      const cipher = createDecipheriv(aes, key, nonce, options).setAAD(aad)
      cipher.setAuthTag(sealed.subarray(end))
      return joined(cipher.update(sealed.subarray(0, end)), cipher.final())
    },
  }
}

/** A public key that checks RS256 signatures (RFC 7518 section 3.3). */
export interface SignatureKey {
  /** Its thumbprint (RFC 7638). */
  readonly kid: string
  /** At once, or by a promise on a runtime where a check would hold up the event loop. */
  verifies(signed: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/** A check takes some 50 µs on Bun and on Node, and 700 µs on Deno. There it belongs on a thread. */
const isSlow = 'Deno' in globalThis

/** Imports a key from SubjectPublicKeyInfo in PEM. @throws {TypeError} unless it is an RSA key. */
export function signatureKey(kid: string, publicKeyPem: string): SignatureKey {
  const key = createPublicKey(publicKeyPem)
  // With a key of another kind, `verify` would check another kind of signature.
  if (key.asymmetricKeyType !== 'rsa') throw new TypeError('A signing key must be RSA')
  if (isSlow) return keyOnThread(kid, key)
  return { kid, verifies: (signed, signature) => verify('RSA-SHA256', signed, key, signature) }
}

const rs256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

type Bytes = Uint8Array<ArrayBuffer>

function keyOnThread(kid: string, key: KeyObject): SignatureKey {
  const spki = key.export({ type: 'spki', format: 'der' }) as Bytes
  const imported = crypto.subtle.importKey('spki', spki, rs256, false, ['verify'])
  return {
    kid,
    verifies: async (signed, signature) =>
      crypto.subtle.verify(rs256, await imported, signature as Bytes, signed as Bytes),
  }
}
