import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactSign, importJWK, type JWK } from 'jose'
import {
  createLicenseClient,
  LicensingError,
  memoryStore,
  type LicenseClient,
  type LicenseClientOptions,
  type LicenseStore,
} from '../../src/client/index.ts'
import { readPastedToken } from '../../src/core/token/pasted.ts'
import { build, recipes, variants, verdicts } from '../support/hostile-tokens.ts'
import { testKeyPairs } from '../support/keys.ts'
import { payloadText } from '../support/tokens.ts'
import { readVectors } from '../support/vectors.ts'
import { newShop, start, tokenOf } from '../support/fixtures.ts'

interface SignatureTests {
  readonly testGroups: readonly {
    readonly public?: { readonly kty: string }
    readonly private?: JWK
    readonly tests: readonly { readonly tcId: number; readonly jws: unknown }[]
  }[]
}

function openClient(options: Partial<LicenseClientOptions>): Promise<LicenseClient> {
  return createLicenseClient({
    baseUrl: 'https://licenses.example.com',
    app: 'my-app',
    issuer: 'lic',
    background: false,
    publicKeys: testKeyPairs[0]!.publicKeyPem,
    graceDays: 0,
    now: () => start * 1000,
    ...options,
  })
}

/** The client's code for a token that is entered; `ok` for a good one. */
async function codeFor(client: LicenseClient, token: string): Promise<string> {
  return client.setToken(token).then(
    ({ state, code }) => (state === 'active' ? 'ok' : `${code}`),
    (error: unknown) => {
      if (error instanceof LicensingError) return error.code
      throw error
    },
  )
}

async function goodToken(): Promise<string> {
  const { issue } = await newShop({ issuer: 'lic' }, 'my-app')
  return tokenOf(await issue({ durationDays: 1 }))
}

/** True for a good token with signs around it that pasting may add. */
async function isPasted(token: string, good: string): Promise<boolean> {
  const whole = await build(
    recipes.find(({ id }) => id === 'good')!,
    good,
  )
  return token !== whole && readPastedToken(token) === whole
}

test('setToken(): judges 99 hostile tokens as the server does, except that it reads a pasted one', async () => {
  const good = await goodToken()
  for (const recipe of recipes.flatMap(variants)) {
    const client = await openClient({})
    const token = await build(recipe, good)
    const verdict = (await isPasted(token, good)) ? 'ok' : (verdicts[recipe.id] ?? 'invalid_token')
    assert.equal(await codeFor(client, token), verdict, recipe.id)
  }
})

test('setToken(): a token from the future makes the clock suspect', async () => {
  const future = recipes.find(({ id }) => id === 'iat future')!
  const client = await openClient({})
  await client.setToken(await build(future, await goodToken()))
  assert.deepEqual([client.license.state, client.license.action], ['clock_suspect', 'check_clock'])
})

test('setToken(): a hostile token harms no good one, whether entered, stored or configured', async () => {
  const good = await goodToken()
  const client = await openClient({ token: good })
  const { claims } = client.license
  // The app itself has signed the token from the future, so the clock is suspect instead.
  const harmful = recipes.filter(({ id }) => verdicts[id] === undefined && id !== 'iat future')
  for (const recipe of harmful) {
    const hostile = await build(recipe, good)
    await codeFor(client, hostile)
    assert.deepEqual([client.license.state, client.license.claims], ['active', claims], recipe.id)
    const store = await storeOf(hostile)
    const state = (await isPasted(hostile, good)) ? 'active' : 'invalid'
    assert.equal((await openClient({ store, token: hostile })).license.state, state, recipe.id)
    assert.equal((await openClient({ store: await storeOf(hostile) })).license.state, 'invalid', recipe.id)
  }
})

async function storeOf(token: string): Promise<LicenseStore> {
  const store = memoryStore()
  await store.write(JSON.stringify({ ...storedFields, token }))
  return store
}

const storedFields = { format: 1, fallback: null, given: null, seenAt: 0, revoked: null, attempt: null }

/** The good token's claims, signed with another key. */
async function signedWith(jwk: JWK, good: string): Promise<string> {
  const payload = new TextEncoder().encode(payloadText(good))
  const numbers = Object.entries(jwk).filter(([name]) => !['alg', 'use', 'key_ops'].includes(name))
  const key = await importJWK(Object.fromEntries(numbers), 'RS256')
  return new CompactSign(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(key)
}

test('setToken(): rejects every Wycheproof token under the key that signed it', async () => {
  const { testGroups } = readVectors('wycheproof/json_web_signature_test.json') as SignatureTests
  const good = await goodToken()
  let [tried, controls] = [0, 0]
  for (const { public: key, private: secret, tests } of testGroups) {
    const client = await openClient(key?.kty === 'RSA' ? { publicKeys: { keys: [key] } } : {})
    // Otherwise a client that accepts nothing, or checks no signature, would pass.
    if (key?.kty === 'RSA' && secret !== undefined) {
      const token = await signedWith(secret, good)
      const unsigned = `${token.slice(0, token.lastIndexOf('.'))}.${good.split('.')[2]}`
      assert.deepEqual(
        [await codeFor(client, unsigned), await codeFor(client, token)],
        ['invalid_token', 'ok'],
      )
      controls += 1
    }
    for (const { tcId, jws } of tests) {
      const token = typeof jws === 'string' ? jws : JSON.stringify(jws)
      assert.equal(await codeFor(client, token), 'invalid_token', `${tcId}`)
      tried += 1
    }
  }
  assert.deepEqual([tried, controls], [401, 13])
})
