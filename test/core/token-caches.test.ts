import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, headerText, verdictOf } from '../support/tokens.ts'
import { codeOf, day, newShop, tokenOf, type Shop } from '../support/fixtures.ts'

/** A license whose token was signed and verified, so that every cache has it. */
async function warmLicense(shop: Shop): Promise<{ id: string; token: string }> {
  const license = await shop.issue()
  const token = tokenOf(license)
  assert.equal(await tokenNow(shop, license.id), token)
  for (let time = 0; time < 3; time++)
    assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'ok')
  return { id: license.id, token }
}

function tokenNow({ licensing }: Shop, id: string): Promise<string | null> {
  return licensing.licenses.token('desktop-app', id)
}

test('token caches: a revoked license gets no cached token, and none verifies', async () => {
  const shop = await newShop()
  const { id, token } = await warmLicense(shop)
  await shop.licensing.licenses.revoke('desktop-app', id)
  assert.equal(await tokenNow(shop, id), null)
  assert.equal((await shop.licensing.licenses.get('desktop-app', id, { include: 'token' })).token, null)
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'license_revoked')
  assert.equal(await codeOf(shop.licensing.licenses.renew('desktop-app', id, token)), 'license_revoked')
})

test('token caches: an expired license gets no cached token, and none verifies', async () => {
  const shop = await newShop()
  const { id, token } = await warmLicense(shop)
  shop.clock.seconds = claimsOf(token).exp! - 1
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'ok')
  shop.clock.seconds++
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'token_expired')
  assert.equal(await tokenNow(shop, id), null)
  assert.equal(await codeOf(shop.licensing.licenses.renew('desktop-app', id, token)), 'token_expired')
})

test('token caches: cached tokens of a retired key fail immediately, and the next one is under the new key', async () => {
  const shop = await newShop()
  const { id, token } = await warmLicense(shop)
  await shop.licensing.rotateKeys('desktop-app')
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'invalid_token')
  assert.equal(await codeOf(shop.licensing.licenses.renew('desktop-app', id, token)), 'invalid_token')
  const next = (await tokenNow(shop, id))!
  assert.deepEqual(claimsOf(next), claimsOf(token))
  assert.notEqual(headerText(next), headerText(token))
})

test('token caches: cached tokens of a key in its grace period fail when that ends', async () => {
  const shop = await newShop()
  const { token } = await warmLicense(shop)
  await shop.licensing.rotateKeys('desktop-app', { gracePeriodDays: 1 })
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'ok')
  shop.clock.seconds += day - 1
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'ok')
  shop.clock.seconds++
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'invalid_token')
})

test('token caches: a cached token of an old revision is refused like any other', async () => {
  const shop = await newShop()
  const { id, token } = await warmLicense(shop)
  await shop.licensing.licenses.regenerate('desktop-app', id)
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'ok')
  await shop.licensing.licenses.regenerate('desktop-app', id, { invalidatePrevious: true })
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'invalid_token')
  assert.equal(claimsOf((await tokenNow(shop, id))!).jti.startsWith(id), true)
})

test('token caches: another app with the same name and keys accepts no cached token', async () => {
  const keyPair = testKeyPairs[0]!
  const shop = await newShop({ newKeyPair: async () => keyPair })
  const { token } = await warmLicense(shop)
  await shop.licensing.apps.create({ name: 'Other', slug: 'other-app' }, { keyPair })
  assert.equal(await verdictOf(shop.licensing, 'other-app', token), 'invalid_token')
  await shop.licensing.apps.delete('desktop-app')
  await shop.licensing.apps.create({ name: 'Again', slug: 'desktop-app' }, { keyPair })
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'invalid_token')
})

test('token caches: another spelling of a cached token is refused', async () => {
  const shop = await newShop()
  const { token } = await warmLicense(shop)
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const spellings = [
    ...[`${token}\n`, ` ${token}`, `${token}=`, `${token}.`, token.toUpperCase(), `\ud800${token}`],
    ...[`${header}.${payload}.${signature.slice(0, -1)}`, `${header}.${payload}.`, token.slice(1)],
  ]
  for (const spelling of spellings)
    assert.equal(await verdictOf(shop.licensing, 'desktop-app', spelling), 'invalid_token')
  for (const value of [null, 1, [token], { toString: () => token }])
    assert.equal(await verdictOf(shop.licensing, 'desktop-app', value), 'invalid_token')
})

test('token caches: a flood of forged tokens does not harm a good one', async () => {
  const shop = await newShop()
  const { id, token } = await warmLicense(shop)
  const flood = Array.from({ length: 50 }, (_, at) => `${token.slice(0, -8)}${String(at).padStart(8, 'A')}`)
  for (const forged of flood)
    assert.equal(await verdictOf(shop.licensing, 'desktop-app', forged), 'invalid_token')
  assert.equal(await verdictOf(shop.licensing, 'desktop-app', token), 'ok')
  assert.equal(await tokenNow(shop, id), token)
})
