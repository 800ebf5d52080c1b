import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateRsaKeyPair, type RotationOptions, type Storage } from '../../src/core/index.ts'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, forge, headerText, verdictOf, verifyOffline } from '../support/tokens.ts'
import {
  codeOf,
  day,
  newShop,
  newWorld,
  refusalOf,
  start,
  inProcessAlone,
  tallyOf,
  tokenOf,
  type Shop,
} from '../support/fixtures.ts'

/** The outcomes of a token's verification and renewal. */
async function uses({ licensing }: Shop, id: string, token: string): Promise<readonly [string, string]> {
  return [
    await verdictOf(licensing, 'desktop-app', token),
    await codeOf(licensing.licenses.renew('desktop-app', id, token)),
  ]
}

const refused = ['invalid_token', 'invalid_token']
const accepted = ['ok', 'ok']

test('rotateKeys(): every counted active license has a token under the new key', async () => {
  const { licensing, clock, app, issue } = await newShop()
  const licenses = await Promise.all(Array.from({ length: 25 }, () => issue()))
  const expired = await issue({ durationDays: 1 })
  const revoked = await issue()
  await licensing.licenses.revoke('desktop-app', revoked.id)
  clock.seconds = start + day
  const { licensesResigned, publicKeyPem } = await licensing.rotateKeys('desktop-app')
  assert.equal(licensesResigned, licenses.length)
  assert.notEqual(publicKeyPem, app.publicKeyPem)
  assert.equal(await licensing.apps.publicKey('desktop-app'), publicKeyPem)
  for (const { id, jti, issuedAt } of licenses) {
    const claims = await verifyOffline(
      tokenOf({ token: await licensing.licenses.token('desktop-app', id) }),
      publicKeyPem,
    )
    assert.deepEqual([claims.jti, claims.iat], [jti, issuedAt], 'the same claims, signed anew')
  }
  for (const { id } of [expired, revoked])
    assert.equal(await licensing.licenses.token('desktop-app', id), null)
})

test('rotateKeys(): ends every token under the old key, renewals too, and changes no license', async () => {
  const shop = await newShop()
  const { licensing, storage, app } = shop
  const issued = await shop.issue()
  const before = await storage.findLicense(app.id, issued.id)
  await licensing.rotateKeys('desktop-app')
  assert.deepEqual(await uses(shop, issued.id, tokenOf(issued)), refused)
  assert.deepEqual(await storage.findLicense(app.id, issued.id), before)
  assert.equal(
    await codeOf(verifyOffline(tokenOf(issued), await licensing.apps.publicKey('desktop-app'))),
    'invalid_token',
  )
  const fresh = tokenOf({ token: await licensing.licenses.token('desktop-app', issued.id) })
  assert.deepEqual(await uses(shop, issued.id, fresh), accepted)
})

test('rotateKeys(): destroys the old private key, also with a grace period', async () => {
  const { licensing, storage, app } = await newShop()
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 30 })
  const keys = await storage.listSigningKeys(app.id)
  assert.deepEqual(
    keys.map(({ privateKey }) => privateKey === null),
    [false, true],
  )
  await licensing.rotateKeys('desktop-app')
  const [, ...retired] = await storage.listSigningKeys(app.id)
  assert.deepEqual(
    retired.map(({ privateKey, acceptedUntil }) => [privateKey, acceptedUntil]),
    [
      [null, 0],
      [null, 0],
    ],
  )
})

test('rotateKeys(): during the grace period the old token verifies and renews, to the second', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const { id, token } = await shop.issue({ forever: true })
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 7 })
  clock.seconds = start + 7 * day - 1
  assert.deepEqual(await uses(shop, id, tokenOf({ token })), accepted)
  const renewed = await licensing.licenses.renew('desktop-app', id, token)
  const kidOf = (text: string | null): string => JSON.parse(headerText(text!)).kid
  const { keys } = await licensing.apps.jwks('desktop-app')
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    [kidOf(renewed.token), kidOf(token)],
    'the active one first',
  )
  clock.seconds += 1
  assert.deepEqual(await uses(shop, id, tokenOf({ token })), refused)
  assert.equal((await licensing.apps.jwks('desktop-app')).keys.length, 1)
  assert.deepEqual(await uses(shop, id, tokenOf(renewed)), accepted)
})

test('rotateKeys(): grace periods run side by side, and a rotation without one ends them all', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const { id, token: first } = await shop.issue({ forever: true })
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 90 })
  const second = await licensing.licenses.token('desktop-app', id)
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 1 })
  const third = await licensing.licenses.token('desktop-app', id)
  assert.equal((await licensing.apps.jwks('desktop-app')).keys.length, 3)
  clock.seconds += day
  assert.deepEqual(await uses(shop, id, tokenOf({ token: first })), accepted)
  assert.deepEqual(await uses(shop, id, tokenOf({ token: second })), refused)
  await licensing.rotateKeys('desktop-app')
  for (const token of [first, second, third])
    assert.deepEqual(await uses(shop, id, tokenOf({ token })), refused)
})

test('rotateKeys(): under a retired key the record decides when a token ends', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const issued = await shop.issue({ durationDays: 2 })
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 90 })
  // A thief with the old private key can make this from a token of his own.
  const claims = { ...claimsOf(tokenOf(issued)), exp: start + 10_000 * day, features: ['everything'] }
  const longer = await forge(claims, testKeyPairs[0]!.privateKeyPem)
  assert.equal(await verdictOf(licensing, 'desktop-app', longer), 'ok')
  const renewed = await licensing.licenses.renew('desktop-app', issued.id, longer)
  assert.deepEqual([renewed.expiresAt, renewed.features], [issued.expiresAt, ['api_access']])
  clock.seconds = start + 2 * day
  assert.deepEqual(await uses(shop, issued.id, longer), ['token_expired', 'token_expired'])
})

test('rotateKeys(): a stolen old private key makes no token for a license with an unseen jti', async () => {
  const shop = await newShop()
  const { licensing } = shop
  const [bought, victim] = [await shop.issue(), await shop.issue()]
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 90 })
  const claims = claimsOf(tokenOf(bought))
  const made = [
    {
      ...claims,
      lic_id: claimsOf(tokenOf(victim)).lic_id,
      jti: victim.id + bought.jti.slice(bought.id.length),
    },
    { ...claims, jti: `${bought.id}000000g${bought.jti.slice(bought.id.length + 7)}` },
    { ...claims, jti: `${victim.id}${'0'.repeat(32)}`, lic_id: claimsOf(tokenOf(victim)).lic_id },
  ]
  for (const each of made) {
    const token = await forge(each, testKeyPairs[0]!.privateKeyPem)
    assert.deepEqual(await uses(shop, victim.id, token), refused)
    assert.deepEqual(await uses(shop, bought.id, token), refused)
  }
})

test('rotateKeys(): a dry run counts and changes nothing', async () => {
  const shop = await newShop()
  const { licensing, storage, app } = shop
  const { id, token } = await shop.issue()
  const keys = await storage.listSigningKeys(app.id)
  const outcome = await licensing.rotateKeys('desktop-app', { dryRun: true, gracePeriodDays: 5 })
  const { impact: _impact, ...counts } = outcome
  assert.deepEqual(counts, { licensesResigned: 1, publicKeyPem: app.publicKeyPem })
  assert.deepEqual(await storage.listSigningKeys(app.id), keys)
  assert.deepEqual(await storage.listKeyStatements(app.id), [])
  assert.deepEqual(await uses(shop, id, tokenOf({ token })), accepted)
})

const oneByOne = inProcessAlone('the calls arrive one after another')

test('rotateKeys(): of five concurrent calls one wins, and the others get conflict', oneByOne, async () => {
  const shop = await newShop()
  const { licensing, storage, app } = shop
  const { id } = await shop.issue()
  const rotations = Array.from({ length: 5 }, () => licensing.rotateKeys('desktop-app'))
  assert.deepEqual(await tallyOf(rotations), { conflict: 4, ok: 1 })
  assert.equal((await storage.listSigningKeys(app.id)).length, 2)
  const token = tokenOf({ token: await licensing.licenses.token('desktop-app', id) })
  const { publicKeyPem } = (await Promise.allSettled(rotations)).flatMap((each) =>
    each.status === 'fulfilled' ? [each.value] : [],
  )[0]!
  assert.equal((await verifyOffline(token, publicKeyPem)).lic_id, claimsOf(token).lic_id)
})

test('rotateKeys(): licenses issued, renewed and revoked meanwhile all end under the served key', async () => {
  const shop = await newShop()
  const { licensing } = shop
  const licenses = await Promise.all(Array.from({ length: 6 }, () => shop.issue()))
  const { revoke, renew, token } = licensing.licenses
  const [, , ...issued] = await Promise.all([
    licensing.rotateKeys('desktop-app'),
    revoke('desktop-app', licenses[0]!.id),
    ...Array.from({ length: 4 }, () => shop.issue()),
    ...licenses.slice(3).map(({ id, token: old }) => codeOf(renew('desktop-app', id, old))),
  ])
  const publicKeyPem = await licensing.apps.publicKey('desktop-app')
  const ids = issued.flatMap((each) => (typeof each === 'string' ? [] : [each.id]))
  assert.equal(ids.length, 4)
  for (const id of [...ids, ...licenses.slice(1).map((license) => license.id)])
    await verifyOffline(tokenOf({ token: await token('desktop-app', id) }), publicKeyPem)
  assert.equal(await token('desktop-app', licenses[0]!.id), null)
})

test('rotateKeys(): after its response no request gets a token under the old key, on another server too', async () => {
  const shop = await newShop()
  const { id } = await shop.issue()
  const { licensing: other } = await newWorld({ storage: shop.storage })
  await other.licenses.token('desktop-app', id)
  const { publicKeyPem } = await shop.licensing.rotateKeys('desktop-app')
  const token = await other.licenses.token('desktop-app', id)
  assert.equal((await verifyOffline(token!, publicKeyPem)).aud, 'desktop-app')
  assert.equal(await verdictOf(other, 'desktop-app', token), 'ok')
})

test('rotateKeys(): a token in the middle of signing comes out under the new key', async () => {
  const shop = await newShop()
  const { id } = await shop.issue()
  let rotates = true
  const storage: Storage = {
    ...shop.storage,
    findActiveKey: async (app) => {
      const key = await shop.storage.findActiveKey(app)
      if (rotates) {
        rotates = false
        await shop.licensing.rotateKeys('desktop-app')
      }
      return key
    },
  }
  const { licensing } = await newWorld({ storage })
  const token = tokenOf({ token: await licensing.licenses.token('desktop-app', id) })
  await verifyOffline(token, await licensing.apps.publicKey('desktop-app'))
})

test('rotateKeys(): refuses malformed options and unknown apps, and changes nothing', async () => {
  const { licensing, storage, app } = await newShop()
  const keys = await storage.listSigningKeys(app.id)
  const odd: readonly unknown[] = [-1, 91, 1.5, '7', null, Number.NaN, true]
  for (const gracePeriodDays of odd) {
    const error = await refusalOf(licensing.rotateKeys('desktop-app', { gracePeriodDays } as RotationOptions))
    assert.deepEqual([error.code, Object.keys(error.details!)], ['validation_error', ['gracePeriodDays']])
  }
  assert.equal(await codeOf(licensing.rotateKeys('no-app')), 'not_found')
  assert.deepEqual(await storage.listSigningKeys(app.id), keys)
})

test('rotateKeys(): generates its own RSA-4096 pair', { timeout: 60_000 }, async () => {
  const { licensing, issue } = await newShop({ newKeyPair: generateRsaKeyPair })
  const { id } = await issue()
  const { publicKeyPem } = await licensing.rotateKeys('desktop-app')
  assert.match(publicKeyPem, /^-----BEGIN PUBLIC KEY-----\nMIICIjANBg/)
  await verifyOffline(tokenOf({ token: await licensing.licenses.token('desktop-app', id) }), publicKeyPem)
})

test('apps.keys(): lists the active key, the one in grace and the tombstones', async () => {
  const { licensing, clock } = await newShop()
  const stateOf = async () =>
    (await licensing.apps.keys('desktop-app')).map(({ state, acceptedUntil, retiredAt, reason }) => [
      state,
      acceptedUntil,
      retiredAt,
      reason,
    ])
  assert.deepEqual(await stateOf(), [['active', null, null, null]])
  clock.seconds += 1
  await licensing.rotateKeys('desktop-app')
  clock.seconds += 1
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 1 })
  const retired = ['retired', null, start + 1, 'rotated']
  assert.deepEqual(await stateOf(), [
    ['active', null, null, null],
    ['in_grace', start + 2 + day, start + 2, 'rotated'],
    retired,
  ])
  clock.seconds += day
  assert.deepEqual((await stateOf())[1], ['retired', null, start + 2, 'rotated'])
  assert.doesNotMatch(JSON.stringify(await licensing.apps.keys('desktop-app')), /PRIVATE|v1\./)
})

test('rotateKeys(): refuses a key pair that the app has retired', async () => {
  const { licensing } = await newShop()
  const [pair] = testKeyPairs.slice(-1)
  await licensing.rotateKeys('desktop-app', {}, pair)
  await licensing.rotateKeys('desktop-app')
  await assert.rejects(licensing.rotateKeys('desktop-app', {}, pair), TypeError)
})

test('rotateKeys(): a dry run counts like a rotation, and a grace period of zero days is none', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const { id, token } = await shop.issue()
  await shop.issue({ durationDays: 1 })
  await licensing.licenses.revoke('desktop-app', (await shop.issue()).id)
  clock.seconds += day
  for (const dryRun of [true, false])
    assert.equal(
      (await licensing.rotateKeys('desktop-app', { dryRun, gracePeriodDays: 0 })).licensesResigned,
      1,
    )
  assert.deepEqual(await uses(shop, id, tokenOf({ token })), refused)
})

test('rotateKeys(): is refused as not found if the app is deleted meanwhile', async () => {
  const { storage, app } = await newShop()
  const deleting: Storage = {
    ...storage,
    transaction: async (work) => {
      await storage.deleteApp(app.id)
      return storage.transaction(work)
    },
  }
  const { licensing } = await newWorld({ storage: deleting })
  assert.equal(await codeOf(licensing.rotateKeys('desktop-app', {}, testKeyPairs[3]!)), 'not_found')
})

test('rotateKeys(): tells handlers the new kid and the number of active licenses', async () => {
  const { licensing, issue } = await newShop()
  await issue()
  const told = Promise.withResolvers<unknown>()
  licensing.on('app.keys_rotated', ({ data }) => told.resolve(data))
  await licensing.rotateKeys('desktop-app')
  const [{ kid } = {}] = await licensing.apps.keys('desktop-app')
  assert.deepEqual(await told.promise, { kid, licensesResigned: 1, seq: 2, compromised: false })
})

test('rotateKeys(): a dry run tells when licenses were last seen, and under which key', async () => {
  const { licensing, clock, issue } = await newShop()
  const [old] = (await licensing.apps.keys('desktop-app')).map(({ kid }) => kid)
  const licenses = await Promise.all(Array.from({ length: 6 }, () => issue({ forever: true })))
  const renew = (at: number) => licensing.licenses.renew('desktop-app', licenses[at]!.id, licenses[at]!.token)
  await renew(0)
  clock.seconds += 83 * day
  await renew(1)
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 90 })
  await renew(2)
  clock.seconds += 7 * day
  const fresh = await licensing.licenses.token('desktop-app', licenses[3]!.id)
  await licensing.licenses.renew('desktop-app', licenses[3]!.id, fresh)
  clock.seconds += 2 * day
  await licensing.licenses.revoke('desktop-app', licenses[5]!.id)
  const { impact } = await licensing.rotateKeys('desktop-app', { dryRun: true, gracePeriodDays: 10 })
  const within = (...counts: readonly number[]) =>
    [1, 7, 30, 90].map((days, at) => ({ days, licenses: counts[at] }))
  const [active] = (await licensing.apps.keys('desktop-app')).map(({ kid }) => kid)
  assert.deepEqual(impact, {
    acceptedUntil: clock.seconds + 10 * day,
    seenWithin: within(0, 1, 3, 3),
    neverSeen: 1,
    keys: [
      { kid: old, licenses: 3, seenWithin: within(0, 0, 2, 2) },
      { kid: active, licenses: 1, seenWithin: within(0, 1, 1, 1) },
    ],
  })
})
