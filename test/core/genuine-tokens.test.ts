import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { TypeID } from 'typeid-js'
import type { Context, GenuineToken } from '../../src/core/context.ts'
import { uuidOf } from '../../src/core/ids.ts'
import { findGenuineToken } from '../../src/core/licenses/check-token.ts'
import { BoundedCache } from '../../src/core/runtime/cache.ts'
import { signatureKey } from '../../src/core/runtime/crypto.ts'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import type { AppRecord, SigningKeyRecord } from '../../src/core/index.ts'
import { masterKey, newShop, start, tokenOf, type Shop } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, forge } from '../support/tokens.ts'

interface Memory {
  readonly shop: Shop
  readonly tokens: BoundedCache<GenuineToken>
  /** Checks a token for the app, or for another one with the same keys. */
  check(token: unknown, app?: AppRecord, keys?: readonly SigningKeyRecord[]): Promise<GenuineToken | null>
  readonly app: AppRecord
}

/** A memory of two tokens over the records of a shop. */
async function newMemory(): Promise<Memory> {
  const shop = await newShop()
  const app = (await shop.storage.findApp(shop.app.id))!
  const known = await shop.storage.listSigningKeys(app.id)
  const tokens = new BoundedCache<GenuineToken>(2)
  const caches = { genuineTokens: tokens, publicKeys: new BoundedCache(9), tokenSecrets: new BoundedCache(9) }
  const runtime = { caches, now: () => start, sealer: await createSealer(masterKey) }
  const context = { runtime, storage: shop.storage } as unknown as Context
  return {
    shop,
    tokens,
    app,
    check: async (token, of = app, keys = known) => findGenuineToken(context, { app: of, keys }, token),
  }
}

test('findGenuineToken(): remembers a genuine token, by the part that decides', async () => {
  const { shop, tokens, check } = await newMemory()
  const license = await shop.issue()
  const found = await check(tokenOf(license))
  assert.deepEqual([found?.licenseId, found?.revision, found?.iat], [license.id, 1, start])
  assert.equal(tokens.size, 1)
  assert.equal(await check(tokenOf(license)), found)
})

test('findGenuineToken(): remembers no forged, foreign or malformed token', async () => {
  const { shop, tokens, check } = await newMemory()
  const token = tokenOf(await shop.issue())
  const claims = claimsOf(token)
  const [own, foreign] = testKeyPairs
  const refused: readonly unknown[] = [
    ...[`${token.slice(0, -4)}AAAA`, `${token}\n`, token.slice(0, -1), '', null, { toString: () => token }],
    await forge(claims, foreign!.privateKeyPem),
    await forge({ ...claims, aud: 'other-app' }, own!.privateKeyPem),
    await forge({ ...claims, iss: 'other' }, own!.privateKeyPem),
    await forge({ ...claims, jti: `${claims.jti.slice(0, -1)}0` }, own!.privateKeyPem),
    await forge({ ...claims, lic_id: crypto.randomUUID() }, own!.privateKeyPem),
    await forge(claims, own!.privateKeyPem, { alg: 'none', typ: 'JWT' }),
  ]
  for (const each of refused) assert.equal(await check(each), null, String(each).slice(-40))
  assert.equal(tokens.size, 0)
})

test('findGenuineToken(): a token that one app remembers is none of another app with the same name and keys', async () => {
  const { shop, tokens, app, check } = await newMemory()
  const token = tokenOf(await shop.issue())
  assert.notEqual(await check(token), null)
  const other = await newShop()
  const twin = { ...(await other.storage.findApp(other.app.id))!, id: 'app_01kfg9r3a0e008000000000zzz' }
  assert.equal(twin.slug, app.slug)
  // Its secret is sealed to the first id, so its own `jti`s cannot be checked: only the memory could accept the token.
  await assert.rejects(check(token, twin), { code: 'master_key' })
  assert.equal(tokens.size, 1)
})

test('findGenuineToken(): asks for the accepted keys every time', async () => {
  const { shop, tokens, check, app } = await newMemory()
  const token = tokenOf(await shop.issue())
  const [key] = await shop.storage.listSigningKeys(app.id)
  assert.notEqual(await check(token), null)
  const retired = { ...key!, privateKey: null, acceptedUntil: start + 1 }
  assert.notEqual(await check(token, app, [retired]), null)
  assert.equal(await check(token, app, [{ ...retired, acceptedUntil: start }]), null)
  assert.equal(await check(token, app, []), null)
  assert.equal(tokens.size, 1)
})

test('findGenuineToken(): the memory is bounded, and the oldest token goes first', async () => {
  const { shop, tokens, check } = await newMemory()
  const issued = [tokenOf(await shop.issue()), tokenOf(await shop.issue()), tokenOf(await shop.issue())]
  const [first, second, third] = issued as [string, string, string]
  const found = await check(first)
  assert.equal(await check(first), found)
  await check(second)
  await check(third)
  assert.equal(tokens.size, 2)
  assert.notEqual(await check(first), found)
})

test('authenticateToken(): a remembered token has the same claims as a new one', async () => {
  const { shop, app } = await newMemory()
  const token = tokenOf(await shop.issue())
  const { licenses } = shop.licensing
  const [once, again] = [
    await licenses.authenticate(app.slug, token),
    await licenses.authenticate(app.slug, token),
  ]
  assert.deepEqual(once.token.claims, claimsOf(token))
  assert.deepEqual(again.token, once.token)
})

test('signatureKey(): takes RSA alone', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  assert.throws(() => signatureKey('key', pem), TypeError)
  assert.doesNotThrow(() => signatureKey('key', testKeyPairs[0]!.publicKeyPem))
})

test('uuidOf(): equals the UUID that typeid-js reads, of any 128 bits', () => {
  const uuids = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']
  for (let at = 0; at < 500; at++) uuids.push(crypto.randomUUID())
  for (const uuid of uuids) assert.equal(uuidOf(TypeID.fromUUID('lic', uuid).toString()), uuid)
  for (const text of ['', 'lic_', 'lic_8zzzzzzzzzzzzzzzzzzzzzzzzz', 'lic_0000000000000000000000000u'])
    assert.throws(() => uuidOf(text), Error, text)
})
