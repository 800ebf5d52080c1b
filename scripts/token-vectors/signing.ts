import { createHash, createHmac, createPrivateKey, createPublicKey, sign, type JsonWebKey } from 'node:crypto'
import { recoveryKeys, testKeyPairs } from '../../test/support/keys.ts'

/** A fixed key of the test vectors. All of them are public and protect nothing. */
export interface VectorKey {
  readonly name: string
  /** Its thumbprint (RFC 7638). */
  readonly kid: string
  readonly pem: string
  readonly jwk: JsonWebKey
  readonly privateKeyPem: string
}

/** The parts of a token to sign. */
export interface Unsigned {
  /** The header's text, or its members. By default the one of the key. */
  readonly header?: string | Uint8Array | object
  /** The payload's text, or its claims. */
  readonly payload: string | Uint8Array | object
  readonly key: VectorKey
}

type Pair = (typeof recoveryKeys)[number]

function vectorKey(name: string, { publicKeyPem, privateKeyPem }: Pair): VectorKey {
  const { kty, n, e } = createPublicKey(publicKeyPem).export({ format: 'jwk' })
  const kid = createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
  return {
    name,
    kid,
    pem: publicKeyPem,
    jwk: { kty: kty!, n: n!, e: e!, alg: 'RS256', use: 'sig', kid },
    privateKeyPem,
  }
}

/** A key as Heartwood makes them. Few vectors use it, because its signatures are long. */
export const large: VectorKey = vectorKey('key of 4096 bits', testKeyPairs[0]!)
/** The key of most vectors. */
export const own: VectorKey = vectorKey('key of 2048 bits', recoveryKeys[0]!)
export const second: VectorKey = vectorKey('second key', recoveryKeys[1]!)
/** A key that no reader is given. */
export const foreign: VectorKey = vectorKey('foreign key', recoveryKeys[2]!)

export function encode(content: string | Uint8Array | object): string {
  const isPlain = typeof content === 'string' || content instanceof Uint8Array
  return Buffer.from((isPlain ? content : JSON.stringify(content)) as string).toString('base64url')
}

export function headerOf(key: VectorKey): {
  readonly alg: string
  readonly typ: string
  readonly kid: string
} {
  return { alg: 'RS256', typ: 'JWT', kid: key.kid }
}

/** The text that a signature covers. */
export function inputOf({ header, payload, key }: Unsigned): string {
  return `${encode(header ?? headerOf(key))}.${encode(payload)}`
}

/** Signs any text as RS256 does, or with another hash. */
export function withSignature(input: string, key: VectorKey, hash = 'sha256'): string {
  return `${input}.${sign(hash, Buffer.from(input), key.privateKeyPem).toString('base64url')}`
}

export function signed(unsigned: Unsigned, hash = 'sha256'): string {
  return withSignature(inputOf(unsigned), unsigned.key, hash)
}

/** Signs with HMAC under a secret that everybody knows. */
export function withHmac(input: string, secret: string | Uint8Array): string {
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function bytesOf(number: bigint, length: number): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * length, '0'), 'hex')
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

function privateNumbers(key: VectorKey): { readonly n: bigint; readonly d: bigint } {
  const { n = '', d = '' } = createPrivateKey(key.privateKeyPem).export({ format: 'jwk' })
  return { n: numberOf(Buffer.from(n, 'base64url')), d: numberOf(Buffer.from(d, 'base64url')) }
}

/** Signs a block of the length of the key as it is, whatever its padding. */
export function withBlock(input: string, key: VectorKey, block: Uint8Array): string {
  const { n, d } = privateNumbers(key)
  return `${input}.${bytesOf(power(numberOf(block), d, n), block.length).toString('base64url')}`
}

/** The signature plus the modulus, which RSA reads as the same number; `null` if that takes a longer text. */
export function plusModulus(token: string, key: VectorKey): string | null {
  const at = token.lastIndexOf('.') + 1
  const signature = Buffer.from(token.slice(at), 'base64url')
  const sum = numberOf(signature) + privateNumbers(key).n
  if (sum >> BigInt(8 * signature.length) !== 0n) return null
  return token.slice(0, at) + bytesOf(sum, signature.length).toString('base64url')
}

export function sha256(content: string | Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}

const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')

/** A padded digest (RFC 8017 section 9.2) of 256 bytes with faults: its type of block, the length of its filling, bytes at its end. */
export function paddedDigest(input: string, type: number, filling: number): Uint8Array {
  const head = [Buffer.from([0, type]), Buffer.alloc(filling, 0xff), Buffer.from([0]), digestInfo]
  const content = Buffer.concat([...head, sha256(input)])
  return Buffer.concat([content, Buffer.alloc(256 - content.length, 0x77)])
}

function mask(seed: Buffer, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    sha256(Buffer.concat([seed, Buffer.from([0, 0, 0, at])])),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

/** A padded digest for PS256 (RFC 8017 section 9.1), with a salt of zeros so that it stays the same. */
export function pssDigest(input: string): Uint8Array {
  const salt = Buffer.alloc(32)
  const hash = sha256(Buffer.concat([Buffer.alloc(8), sha256(input), salt]))
  const block = Buffer.concat([Buffer.alloc(256 - 32 - 1 - 32 - 1), Buffer.from([1]), salt])
  const masked = block.map((byte, at) => byte ^ mask(hash, block.length)[at]!)
  masked[0]! &= 0x7f
  return Buffer.concat([masked, hash, Buffer.from([0xbc])])
}
