import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { test } from 'node:test'
import type { KeyPair } from '../../src/core/index.ts'
import { newWorld, type World } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'

const wrongSize = { name: 'TypeError', message: 'A signing key pair must be RSA with 4096 bits' }
const wrongHalves = {
  name: 'TypeError',
  message: 'The halves of a signing key pair must belong together, with 65537 as exponent',
}

function take({ licensing }: World, keyPair: KeyPair): Promise<unknown> {
  return licensing.apps.create({ name: 'n', slug: 'app' }, { keyPair })
}

const numberOf = (part: string | undefined): bigint =>
  BigInt(`0x${Buffer.from(part ?? '', 'base64url').toString('hex')}`)

function textOf(number: bigint): string {
  const digits = number.toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url')
}

/** The number whose product with 3 has the remainder 1; `null` if there is none. */
function thirdOf(modulus: bigint): bigint | null {
  const factor = [1n, 2n].find((each) => (each * modulus + 1n) % 3n === 0n)
  return factor === undefined ? null : (factor * modulus + 1n) / 3n
}

/** A pair with the modulus of another, and with 3 as exponent. `null` if its primes allow none. */
function withExponent3({ privateKeyPem }: KeyPair): KeyPair | null {
  const jwk = createPrivateKey(privateKeyPem).export({ format: 'jwk' })
  const [p, q] = [numberOf(jwk.p), numberOf(jwk.q)]
  const exponents = [(p - 1n) * (q - 1n), p - 1n, q - 1n].map(thirdOf)
  if (exponents.includes(null)) return null
  const [d, dp, dq] = exponents.map((each) => textOf(each ?? 0n))
  const key: JsonWebKey = { ...jwk, e: 'Aw', d: d!, dp: dp!, dq: dq! }
  const publicKey = createPublicKey({ key: { kty: 'RSA', n: jwk.n!, e: 'Aw' }, format: 'jwk' })
  return {
    privateKeyPem: createPrivateKey({ key, format: 'jwk' }).export({
      type: 'pkcs8',
      format: 'pem',
    }) as string,
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  }
}

test('apps.create(): refuses an RSA pair of another size', async () => {
  const small = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const keyPair = { publicKeyPem: small.publicKey, privateKeyPem: small.privateKey }
  await assert.rejects(take(await newWorld(), keyPair), wrongSize)
})

test('apps.create(): refuses a pair if either half is not in PEM', async () => {
  const own = testKeyPairs[0]!
  const message = 'A signing key pair must be in PEM: a PUBLIC KEY and a PRIVATE KEY'
  for (const half of ['publicKeyPem', 'privateKeyPem'])
    await assert.rejects(take(await newWorld(), { ...own, [half]: 'no PEM' }), { name: 'TypeError', message })
})

test('apps.create(): refuses a pair with another exponent, and the halves of two pairs', async () => {
  const [own, odd] = testKeyPairs
    .map((pair) => [pair, withExponent3(pair)] as const)
    .find(([, made]) => made !== null)!
  const others = testKeyPairs.filter((pair) => pair !== own)
  const pairs: readonly KeyPair[] = [
    odd!,
    { publicKeyPem: own.publicKeyPem, privateKeyPem: odd!.privateKeyPem },
    { publicKeyPem: odd!.publicKeyPem, privateKeyPem: own.privateKeyPem },
    { publicKeyPem: own.publicKeyPem, privateKeyPem: others[0]!.privateKeyPem },
  ]
  for (const pair of pairs) await assert.rejects(take(await newWorld(), pair), wrongHalves)
  await take(await newWorld(), own)
})
