import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsOf, verdictOf } from '../support/tokens.ts'
import { codeOf, day, newShop, start, tokenOf } from '../support/fixtures.ts'

test('licenses.regenerateAll(): regenerates every active license with a tier, and counts the others', async () => {
  const { licensing, issue, clock } = await newShop()
  const { licenses, tiers } = licensing
  await tiers.create('desktop-app', { name: 'Gone', slug: 'gone' })
  const active = [await issue(), await issue({ customFeatures: ['extra'] }), await issue({ forever: true })]
  const orphan = await issue({ tierId: 'gone' })
  const revoked = await issue()
  const expired = await issue({ durationDays: 1 })
  await licenses.revoke('desktop-app', revoked.id)
  await tiers.delete('desktop-app', 'gone')
  await tiers.addFeature('desktop-app', 'pro', { name: 'Webhooks', slug: 'webhooks' })
  clock.seconds = start + day

  const expected = { licensesRegenerated: 3, skipped: { missingTier: 1 } }
  assert.deepEqual(await licenses.regenerateAll('desktop-app', { dryRun: true }), expected)
  assert.deepEqual((await licenses.get('desktop-app', active[0]!.id)).jti, active[0]!.jti)
  assert.deepEqual(await licenses.regenerateAll('desktop-app'), expected)

  const features = [
    ['api_access', 'webhooks'],
    ['api_access', 'webhooks', 'extra'],
    ['api_access', 'webhooks'],
  ]
  for (const [at, { id, jti }] of active.entries()) {
    const after = await licenses.get('desktop-app', id, { include: 'token' })
    assert.deepEqual(after.features, features[at])
    assert.deepEqual(claimsOf(tokenOf(after)).features, features[at])
    assert.notEqual(after.jti, jti)
    assert.equal(after.issuedAt, clock.seconds)
    assert.equal(await verdictOf(licensing, 'desktop-app', after.token), 'ok')
  }
  for (const { id, jti } of [orphan, revoked, expired])
    assert.equal((await licenses.get('desktop-app', id)).jti, jti)
})

test('licenses.regenerateAll(): takes only a tier or a customer, and stays in its app', async () => {
  const { licensing, issue } = await newShop()
  const { apps, customers, licenses, tiers } = licensing
  await tiers.create('desktop-app', { name: 'Basic', slug: 'basic' })
  const bob = await customers.create('desktop-app', { email: 'bob@example.com' })
  const pro = await issue()
  const basic = await issue({ tierId: 'basic', customerId: bob.id })
  await apps.create({ name: 'Other', slug: 'other-app' })
  const changed = async (): Promise<readonly boolean[]> =>
    Promise.all([pro, basic].map(async ({ id, jti }) => (await licenses.get('desktop-app', id)).jti !== jti))

  const count = async (app: string, options: object): Promise<number> =>
    (await licenses.regenerateAll(app, options)).licensesRegenerated
  assert.equal(await count('other-app', {}), 0)
  assert.equal(await count('desktop-app', { customerId: 'cus_nobody' }), 0)
  assert.deepEqual(await changed(), [false, false])
  assert.equal(await count('desktop-app', { tierId: 'basic', customerId: bob.id }), 1)
  assert.deepEqual(await changed(), [false, true])
  assert.equal(await count('desktop-app', { tierId: 'pro', customerId: bob.id }), 0)
  assert.equal(await count('desktop-app', { tierId: (await tiers.get('desktop-app', 'pro')).id }), 1)
  assert.deepEqual(await changed(), [true, true])
  assert.equal(await codeOf(licenses.regenerateAll('desktop-app', { tierId: 'none' })), 'not_found')
  assert.equal(await codeOf(licenses.regenerateAll('no-app')), 'not_found')
})

test('licenses.regenerateAll(): counts the skipped licenses of the given customer', async () => {
  const { licensing, issue } = await newShop()
  const { customers, licenses, tiers } = licensing
  await tiers.create('desktop-app', { name: 'Gone', slug: 'gone' })
  const bob = await customers.create('desktop-app', { email: 'bob@example.com' })
  for (const customerId of [bob.id, undefined, undefined])
    await issue({ tierId: 'gone', ...(customerId !== undefined && { customerId }) })
  await tiers.delete('desktop-app', 'gone')
  const skipped = async (options: object): Promise<number> =>
    (await licenses.regenerateAll('desktop-app', options)).skipped.missingTier
  assert.equal(await skipped({ customerId: bob.id }), 1)
  assert.equal(await skipped({}), 3)
})

test('licenses.regenerateAll(): loses no concurrent regeneration', async () => {
  const { licensing, storage, app, issue } = await newShop()
  const { id, token } = await issue()
  const { regenerateAll, renew, regenerate } = licensing.licenses
  await Promise.all([
    ...Array.from({ length: 5 }, () => regenerateAll('desktop-app')),
    ...Array.from({ length: 5 }, () => renew('desktop-app', id, token)),
    ...Array.from({ length: 5 }, () => regenerate('desktop-app', id)),
  ])
  assert.equal((await storage.findLicense(app.id, id))?.revision, 16)
})

test('licenses.regenerateAll(): beside a change of the tier, each license gets the old or the new features as a whole', async () => {
  const { licensing, issue } = await newShop()
  const ids = (await Promise.all(Array.from({ length: 20 }, () => issue()))).map(({ id }) => id)
  await Promise.all([
    licensing.licenses.regenerateAll('desktop-app'),
    licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Later', slug: 'later' }),
    licensing.licenses.regenerateAll('desktop-app'),
  ])
  await licensing.licenses.regenerateAll('desktop-app')
  for (const id of ids)
    assert.deepEqual((await licensing.licenses.get('desktop-app', id)).features, ['api_access', 'later'])
})
