import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, forge, verdictOf } from '../support/tokens.ts'
import {
  codeOf,
  day,
  installation,
  newShop,
  refusalOf,
  start,
  tokenOf,
  type Shop,
} from '../support/fixtures.ts'

const privateKey = testKeyPairs[0]!.privateKeyPem

test('licenses.regenerate(): takes the features added to the tier, before the custom ones', async () => {
  const { licensing, issue, clock } = await newShop()
  const { licenses, tiers } = licensing
  const issued = await issue({ customFeatures: ['custom_integration'] })
  const added = await tiers.addFeature('desktop-app', 'pro', { name: 'Webhooks', slug: 'webhooks' })
  assert.equal(added.added, true)
  assert.deepEqual((await licenses.get('desktop-app', issued.id)).features, issued.features)
  clock.seconds += 60
  const renewed = await licenses.regenerate('desktop-app', issued.id)
  assert.deepEqual(renewed.features, ['api_access', 'webhooks', 'custom_integration'])
  assert.deepEqual(claimsOf(tokenOf(renewed)).features, renewed.features)
})

test('licenses.regenerate(): changes only features, jti and iat', async () => {
  const { licensing, issue, clock } = await newShop()
  const issued = await issue({ metadata: { seats: 5 } })
  clock.seconds += 60
  const renewed = await licensing.licenses.regenerate('desktop-app', issued.id)
  const { token: _old, ...before } = issued
  const { token, ...after } = renewed
  const later = start + 60
  assert.deepEqual(after, { ...before, jti: renewed.jti, issuedAt: later, updatedAt: later })
  assert.deepEqual(claimsOf(tokenOf({ token })), {
    ...claimsOf(tokenOf(issued)),
    jti: renewed.jti,
    iat: later,
  })
})

test('licenses.regenerate(): makes a new jti every time, also within one second', async () => {
  const { licensing, issue } = await newShop()
  const { id, jti } = await issue()
  const jtis = [jti]
  for (let count = 0; count < 5; count++)
    jtis.push((await licensing.licenses.regenerate('desktop-app', id)).jti)
  assert.equal(new Set(jtis).size, 6)
  assert.deepEqual(jtis.toSorted(), jtis, 'they rise by revision')
})

test('licenses.renew(): drops the features that the tier has lost, unless they are custom ones', async () => {
  const { licensing, issue } = await newShop()
  const plain = await issue()
  const custom = await issue({ customFeatures: ['extra', 'api_access'] })
  assert.deepEqual(custom.features, ['api_access', 'extra'], 'a union without repeats')
  await licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Later', slug: 'later' })
  await licensing.tiers.removeFeature('desktop-app', 'pro', 'api_access')
  const features = async (id: string): Promise<readonly string[]> =>
    (await licensing.licenses.regenerate('desktop-app', id)).features
  assert.deepEqual(await features(plain.id), ['later'])
  assert.deepEqual(await features(custom.id), ['later', 'extra', 'api_access'])
})

test("licenses.renew(): accepts the license's own token, and again after a lost response", async () => {
  const { licensing, issue } = await newShop()
  const { renew } = licensing.licenses
  const issued = await issue()
  const lost = await renew('desktop-app', issued.id, issued.token)
  const again = await renew('desktop-app', issued.id, issued.token)
  assert.notEqual(again.jti, lost.jti)
  for (const { token } of [issued, lost, again])
    assert.equal(await verdictOf(licensing, 'desktop-app', token), 'ok')
  assert.equal(await codeOf(renew('desktop-app', issued.id, lost.token)), 'ok')
})

test("licenses.renew(): accepts the license's id, or its UUID in any case", async () => {
  const { licensing, issue } = await newShop()
  const issued = await issue()
  const uuid = claimsOf(tokenOf(issued)).lic_id
  for (const id of [issued.id, uuid, uuid.toUpperCase()]) {
    assert.equal((await licensing.licenses.renew('desktop-app', id, issued.token)).id, issued.id)
    assert.equal((await licensing.licenses.regenerate('desktop-app', id)).id, issued.id)
  }
})

interface Row {
  readonly what: string
  /** Gives the license a cause of refusal. Resolves to the token and id of the call. */
  readonly spoil: (shop: Shop, id: string, token: string) => Promise<{ token?: unknown; id?: string } | void>
  readonly code: string
}

const revoke = async ({ licensing }: Shop, id: string): Promise<void> =>
  void (await licensing.licenses.revoke('desktop-app', id))
const expire = async ({ clock }: Shop): Promise<void> => void (clock.seconds = start + 30 * day)
const dropTier = async ({ licensing }: Shop): Promise<void> => licensing.tiers.delete('desktop-app', 'pro')
const remove = async ({ licensing }: Shop, id: string): Promise<void> =>
  licensing.licenses.delete('desktop-app', id)
const forged = async (_shop: Shop, _id: string, token: string): Promise<{ token: string }> => ({
  token: await forge(claimsOf(token), testKeyPairs[5]!.privateKeyPem),
})
/** A token that outlives its record, because the license was shortened. */
const endless = async (_shop: Shop, _id: string, token: string): Promise<{ token: string }> => {
  const { exp: _end, ...claims } = claimsOf(token)
  return { token: await forge(claims, privateKey) }
}
const elsewhere = async ({ issue }: Shop): Promise<{ id: string }> => ({ id: (await issue()).id })

/** In the order of the contract. Each row also has all causes of later rows that are possible together. */
const rows: readonly Row[] = [
  { what: 'no token', spoil: async () => ({ token: undefined }), code: 'invalid_token' },
  { what: 'null for a token', spoil: async () => ({ token: null }), code: 'invalid_token' },
  {
    what: 'a forged token of another, expired, revoked license',
    spoil: async (shop, id, token) => {
      const other = await elsewhere(shop)
      await revoke(shop, other.id)
      await expire(shop)
      return { ...other, ...(await forged(shop, id, token)) }
    },
    code: 'invalid_token',
  },
  {
    what: 'an expired token of another, revoked license',
    spoil: async (shop) => {
      const other = await elsewhere(shop)
      await revoke(shop, other.id)
      await expire(shop)
      return other
    },
    code: 'token_expired',
  },
  {
    what: 'the path of another, revoked license',
    spoil: async (shop) => {
      const other = await elsewhere(shop)
      await revoke(shop, other.id)
      return other
    },
    code: 'token_mismatch',
  },
  {
    what: 'the path of a license that is not there',
    spoil: async () => ({ id: 'lic_01kfgt0000e0080000000000zz' }),
    code: 'token_mismatch',
  },
  { what: 'a path that is no id', spoil: async () => ({ id: '../../etc/passwd' }), code: 'token_mismatch' },
  {
    what: 'a deleted license past its end',
    spoil: async (shop, id, token) => {
      await remove(shop, id)
      await expire(shop)
      return endless(shop, id, token)
    },
    code: 'not_found',
  },
  {
    what: 'a revoked license past its end, without a tier',
    spoil: async (shop, id, token) => {
      await revoke(shop, id)
      await dropTier(shop)
      await expire(shop)
      return endless(shop, id, token)
    },
    code: 'license_revoked',
  },
  {
    what: 'a license past its end, without a tier',
    spoil: async (shop, id, token) => {
      await dropTier(shop)
      await expire(shop)
      return endless(shop, id, token)
    },
    code: 'token_expired',
  },
  { what: 'a license without a tier', spoil: dropTier, code: 'missing_tier' },
  { what: 'nothing wrong', spoil: async () => {}, code: 'ok' },
]

for (const { what, spoil, code } of rows)
  test(`licenses.renew(): with ${what} is ${code}`, async () => {
    const shop = await newShop()
    const issued = await shop.issue()
    const asked = { id: issued.id, token: issued.token, ...(await spoil(shop, issued.id, tokenOf(issued))) }
    const before = await shop.storage.findLicense(shop.app.id, issued.id)
    assert.equal(await codeOf(shop.licensing.licenses.renew('desktop-app', asked.id, asked.token)), code)
    if (code !== 'ok') assert.deepEqual(await shop.storage.findLicense(shop.app.id, issued.id), before)
  })

test('licenses.renew(): a guess gets the same error for existing and missing licenses', async () => {
  const { licensing, issue } = await newShop()
  const { id } = await issue()
  const guesses = [id, 'lic_01kfgt0000e0080000000000zz', 'nothing']
  const refusals = await Promise.all(
    guesses.map((guess) => refusalOf(licensing.licenses.renew('desktop-app', guess, 'a.b.c'))),
  )
  assert.deepEqual(new Set(refusals.map(({ code, message }) => `${code} ${message}`)).size, 1)
})

test('licenses.regenerate(): refuses only a revoked license; an expired one gets an expired token', async () => {
  const { licensing, clock, issue } = await newShop()
  const { regenerate, renew, get } = licensing.licenses
  const issued = await issue()
  clock.seconds = start + 31 * day
  const renewed = await regenerate('desktop-app', issued.id)
  assert.deepEqual([renewed.status, renewed.expiresAt], ['expired', issued.expiresAt])
  assert.equal(claimsOf(tokenOf(renewed)).exp, issued.expiresAt)
  assert.equal(await verdictOf(licensing, 'desktop-app', renewed.token), 'token_expired')
  assert.equal(await codeOf(renew('desktop-app', issued.id, renewed.token)), 'token_expired')
  assert.equal((await get('desktop-app', issued.id, { include: 'token' })).token, null)
  await licensing.licenses.revoke('desktop-app', issued.id)
  assert.equal(await codeOf(regenerate('desktop-app', issued.id)), 'license_revoked')
})

test('licenses.renew(): a token ends by its claim or its record, whichever is earlier', async () => {
  const { licensing, clock, issue } = await newShop()
  const { renew, update } = licensing.licenses
  const shortened = await issue()
  const extended = await issue()
  await update('desktop-app', shortened.id, { durationDays: 10 })
  await update('desktop-app', extended.id, { durationDays: 60 })
  clock.seconds = start + 10 * day
  assert.equal(await codeOf(renew('desktop-app', shortened.id, shortened.token)), 'token_expired')
  assert.equal(await verdictOf(licensing, 'desktop-app', shortened.token), 'token_expired')
  clock.seconds = start + 30 * day
  assert.equal(await codeOf(renew('desktop-app', extended.id, extended.token)), 'token_expired')
  const { token } = await licensing.licenses.regenerate('desktop-app', extended.id)
  assert.equal(await codeOf(renew('desktop-app', extended.id, token)), 'ok')
})

test('licenses.renew(): a token is good until the second before its end', async () => {
  const { licensing, clock, issue } = await newShop()
  const { id, token } = await issue()
  clock.seconds = start + 30 * day - 1
  assert.equal(await codeOf(licensing.licenses.renew('desktop-app', id, token)), 'ok')
  clock.seconds += 1
  assert.equal(await codeOf(licensing.licenses.renew('desktop-app', id, token)), 'token_expired')
})

test('licenses.regenerate(): invalidatePrevious ends the earlier tokens everywhere, and no others', async () => {
  const { licensing, issue } = await newShop()
  const { regenerate, renew } = licensing.licenses
  const stolen = await issue()
  const bystander = await issue()
  const safe = await regenerate('desktop-app', stolen.id, { invalidatePrevious: true })
  assert.equal(await codeOf(renew('desktop-app', stolen.id, stolen.token)), 'invalid_token')
  assert.equal(await verdictOf(licensing, 'desktop-app', stolen.token), 'invalid_token')
  assert.equal((await licensing.verification.verify('desktop-app', { jti: stolen.jti })).valid, false)
  assert.equal(await codeOf(renew('desktop-app', stolen.id, safe.token)), 'ok')
  assert.equal(await codeOf(renew('desktop-app', bystander.id, bystander.token)), 'ok')
  await regenerate('desktop-app', stolen.id)
  assert.equal(await verdictOf(licensing, 'desktop-app', stolen.token), 'invalid_token', 'for good')
  assert.equal(await verdictOf(licensing, 'desktop-app', safe.token), 'ok')
})

test('licenses.renew(): after a restored backup a newer token renews, and the revision passes it', async () => {
  const { licensing, storage, app, issue } = await newShop()
  const { regenerate, renew } = licensing.licenses
  const { id } = await issue()
  const backup = (await storage.findLicense(app.id, id))!
  await regenerate('desktop-app', id)
  const newest = await regenerate('desktop-app', id)
  const { version } = (await storage.findLicense(app.id, id))!
  await storage.updateLicense(id, version, { revision: backup.revision, issuedAt: backup.issuedAt })
  const { superseded } = await licensing.verification.verify('desktop-app', { jti: newest.jti })
  assert.equal(superseded, undefined)
  assert.equal(await verdictOf(licensing, 'desktop-app', newest.token), 'ok')
  const renewed = await renew('desktop-app', id, newest.token)
  assert.equal((await storage.findLicense(app.id, id))?.revision, 4)
  assert.ok(renewed.jti > newest.jti)
})

test('licenses.regenerate(): a deleted tier stops it until the license has another; a tier of the same slug does not help', async () => {
  const { licensing, issue } = await newShop()
  const { licenses, tiers } = licensing
  const issued = await issue()
  await tiers.delete('desktop-app', 'pro')
  await tiers.create('desktop-app', { name: 'Pro again', slug: 'pro', features: ['new'] })
  const orphan = await licenses.get('desktop-app', issued.id)
  assert.deepEqual([orphan.tierId, orphan.tier, orphan.features], [null, 'pro', ['api_access']])
  assert.equal(await codeOf(licenses.regenerate('desktop-app', issued.id)), 'missing_tier')
  assert.equal(await codeOf(licenses.renew('desktop-app', issued.id, issued.token)), 'missing_tier')
  assert.equal(await verdictOf(licensing, 'desktop-app', issued.token), 'ok')
  assert.equal(await licenses.token('desktop-app', issued.id), issued.token)
  const healed = await licenses.update('desktop-app', issued.id, { tierId: 'pro' })
  assert.deepEqual(healed.features, ['new'])
  assert.equal(await codeOf(licenses.renew('desktop-app', issued.id, issued.token)), 'ok')
})

test('licenses.renew(): a clock that went back claims no future time', async () => {
  const { licensing, clock, issue } = await newShop()
  clock.seconds = start + 20 * day
  const ahead = await issue({ forever: true })
  clock.seconds = start
  assert.equal(await verdictOf(licensing, 'desktop-app', ahead.token), 'ok')
  const healed = await licensing.licenses.renew('desktop-app', ahead.id, ahead.token)
  assert.equal(claimsOf(tokenOf(healed)).iat, start)
  assert.equal(await verdictOf(licensing, 'desktop-app', healed.token), 'ok')
})

test('licenses.renew(): notes time, key and program in the license, and nothing else does', async () => {
  const { licensing, issue, clock, storage, app, tier } = await newShop()
  const { licenses } = licensing
  const seenOf = async (id: string): Promise<readonly unknown[]> => {
    const { seenAt, seenKid, seenClient } = await licenses.get('desktop-app', id)
    return [seenAt, seenKid, seenClient]
  }
  const issued = await issue()
  assert.deepEqual(await seenOf(issued.id), [null, null, null])
  const old = (await storage.findActiveKey(app.id))!.kid
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 1 })
  clock.seconds += 60
  const client = 'desktop-app/2.3.1 (macos)'
  const first = await licenses.renew('desktop-app', issued.id, issued.token, { client })
  const seen = [start + 60, old, client]
  assert.deepEqual(await seenOf(issued.id), seen)
  clock.seconds += 60
  await licenses.regenerate('desktop-app', issued.id)
  await licenses.regenerateAll('desktop-app', { tierId: tier.id })
  await licenses.update('desktop-app', issued.id, { customFeatures: ['x'], installationId: installation(9) })
  await licenses.revoke('desktop-app', issued.id)
  await codeOf(licenses.renew('desktop-app', issued.id, issued.token))
  await licenses.reinstate('desktop-app', issued.id, { invalidatePrevious: false })
  await licensing.verification.verifyToken('desktop-app', first.token)
  assert.deepEqual(await seenOf(issued.id), seen)
  await licenses.renew('desktop-app', issued.id, first.token)
  const { kid } = (await storage.findActiveKey(app.id))!
  assert.deepEqual(await seenOf(issued.id), [start + 120, kid, null])
})

test('licenses.renew(): names the key of a token without kid', async () => {
  const { licensing, issue, storage, app } = await newShop()
  const issued = await issue()
  const { kid } = (await storage.findActiveKey(app.id))!
  await licensing.rotateKeys('desktop-app', { gracePeriodDays: 1 })
  const nameless = await forge(claimsOf(tokenOf(issued)), privateKey)
  await licensing.licenses.renew('desktop-app', issued.id, nameless)
  assert.equal((await licensing.licenses.get('desktop-app', issued.id)).seenKid, kid)
})

test('licenses.renew(): takes a program name of 1 to 64 printable ASCII characters only', async () => {
  const { licensing, issue } = await newShop()
  const { id, token } = await issue()
  for (const client of ['x', 'x'.repeat(64), 'desktop-app/2.3.1 (macOS)']) await assertSeen(client, client)
  for (const client of ['', 'x'.repeat(65), 'Łódź', 'a\nb', '\u007f']) await assertSeen(client, null)
  async function assertSeen(client: string, expected: string | null): Promise<void> {
    await licensing.licenses.renew('desktop-app', id, token, { client })
    assert.equal((await licensing.licenses.get('desktop-app', id)).seenClient, expected)
  }
})

test('licenses.renew(): resolves to what a holder may see, by token and by credential', async () => {
  const { licensing, issue } = await newShop()
  const { licenses } = licensing
  const issued = await issue({ metadata: { note: 'for the vendor' } })
  const credential = await licenses.authenticate('desktop-app', issued.token)
  for (const current of [issued.token, credential]) {
    const renewed = await licenses.renew('desktop-app', issued.id, current)
    const { id, installationId, customerId, tierId, tier, features, limits } = issued
    const { jti, token, ...rest } = renewed
    const { status, expiresAt, updatesUntil, issuedAt } = issued
    assert.deepEqual(rest, {
      ...{ id, installationId, customerId, tierId, tier, features, limits },
      ...{ status, expiresAt, updatesUntil, issuedAt, licenseKeyId: null, name: null },
    })
    assert.equal(claimsOf(tokenOf({ token })).jti, jti)
  }
})
