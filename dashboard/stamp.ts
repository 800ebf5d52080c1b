import type { ClientClaims } from '../src/client/trusted-keys.ts'
import type { License } from '../src/core/index.ts'

/** A key pair of this page, with which it signs what the server would. Nobody else trusts it, and it ends with the page. */
export interface Stamp {
  readonly privateKey: CryptoKey
  /** SubjectPublicKeyInfo in PEM. */
  readonly publicKey: string
}

const algorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
}

async function makeStamp(): Promise<Stamp> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey))
  const text = btoa(String.fromCharCode(...spki))
  return { privateKey, publicKey: `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----` }
}

let made: Promise<Stamp> | undefined

export function stampOf(): Promise<Stamp> {
  return (made ??= makeStamp())
}

const digits = '0123456789abcdefghjkmnpqrstvwxyz'

/** The next token's id. The first 32 of its last 160 bits are the revision, by which the client orders tokens. */
function nextId(jti: string): string {
  const bits = [...jti.slice(-32)].reduce((sum, digit) => sum * 32n + BigInt(digits.indexOf(digit)), 0n)
  let left = bits + (1n << 128n)
  let text = ''
  for (let at = 0; at < 32; at++) {
    text = digits[Number(left % 32n)]! + text
    left /= 32n
  }
  return jti.slice(0, -32) + text
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** The token that a renewal at this time would give. */
export async function renewed(
  { privateKey }: Stamp,
  { exp: _old, ...claims }: ClientClaims,
  { expiresAt, features, limits }: License,
  at: number,
): Promise<string> {
  const end = expiresAt === null ? {} : { exp: expiresAt }
  const next = {
    ...claims,
    ...end,
    iat: at,
    jti: nextId(claims.jti),
    features,
    ...(Object.keys(limits).length > 0 && { limits }),
  }
  const parts = [{ alg: 'RS256', typ: 'JWT' }, next].map((part) => base64url(encode(JSON.stringify(part))))
  const text = parts.join('.')
  const signature = await crypto.subtle.sign(algorithm.name, privateKey, encode(text))
  return `${text}.${base64url(new Uint8Array(signature))}`
}
