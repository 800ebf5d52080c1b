import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LicenseChanges } from '../../src/core/index.ts'
import { claimsOf, verdictOf } from '../support/tokens.ts'
import { codeOf, day, installation, newShop, refusalOf, start, tokenOf } from '../support/fixtures.ts'

test('licenses.update(): only a change to a claim regenerates the license', async () => {
  const { licensing, clock, customer, issue } = await newShop()
  const { customers, licenses, tiers } = licensing
  await tiers.create('desktop-app', { name: 'Basic', slug: 'basic', features: ['basic'] })
  const bob = await customers.create('desktop-app', { email: 'bob@example.com' })
  const { id, installationId, expiresAt } = await issue({ customFeatures: ['own'] })
  await tiers.addFeature('desktop-app', 'pro', { name: 'Later', slug: 'later' })
  const cases: readonly (readonly [string, LicenseChanges, boolean])[] = [
    ['nothing', {}, false],
    [
      'what it is already',
      {
        tierId: 'pro',
        customerId: customer.id,
        customFeatures: ['own'],
        installationId: installationId.toUpperCase(),
        expiresAt: expiresAt!,
      },
      false,
    ],
    ['metadata', { metadata: { a: 1 } }, false],
    ['custom features', { customFeatures: ['own', 'more'] }, true],
    ['the order of custom features', { customFeatures: ['more', 'own'] }, true],
    ['no custom features', { customFeatures: null }, true],
    ['the customer', { customerId: bob.id }, true],
    ['the installation', { installationId: installation(77) }, true],
    ['the end', { durationDays: 31 }, true],
    ['no end', { forever: true }, true],
    ['no end again', { forever: true }, false],
    ['the tier', { tierId: 'basic' }, true],
  ]
  for (const [what, changes, reissued] of cases) {
    const before = await licenses.get('desktop-app', id)
    clock.seconds += 1
    const after = await licenses.update('desktop-app', id, changes)
    assert.equal(after.jti !== before.jti, reissued, what)
    assert.equal(after.issuedAt, reissued ? clock.seconds : before.issuedAt, what)
    assert.equal(await verdictOf(licensing, 'desktop-app', after.token), 'ok', what)
  }
  const last = claimsOf(tokenOf(await licenses.get('desktop-app', id, { include: 'token' })))
  assert.deepEqual(
    [last.tier, last.features, last.customer_id, last.sub, 'exp' in last],
    ['basic', ['basic'], bob.id, installation(77), false],
  )
})

test("licenses.update(): a change to a claim takes the tier's present features", async () => {
  const { licensing, issue } = await newShop()
  const { id } = await issue()
  await licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Later', slug: 'later' })
  const changed = await licensing.licenses.update('desktop-app', id, { customFeatures: ['own'] })
  assert.deepEqual(changed.features, ['api_access', 'later', 'own'])
})

test('licenses.update(): an absent field stays, null clears it, and metadata is replaced as a whole', async () => {
  const { licensing, issue } = await newShop()
  const { update } = licensing.licenses
  const { id } = await issue({ customFeatures: ['own'], metadata: { a: 1, b: 2 } })
  assert.deepEqual((await update('desktop-app', id, { metadata: { c: 3 } })).metadata, { c: 3 })
  assert.deepEqual((await update('desktop-app', id, { customFeatures: null })).metadata, { c: 3 })
  const cleared = await update('desktop-app', id, { metadata: null })
  assert.deepEqual([cleared.metadata, cleared.customFeatures], [{}, []])
})

test('licenses.update(): refuses null where it is not allowed, and fields that never change', async () => {
  const { licensing, issue, storage, app } = await newShop()
  const { id } = await issue()
  const before = await storage.findLicense(app.id, id)
  const odd: readonly object[] = [
    ...['installationId', 'customerId', 'tierId', 'durationDays', 'expiresAt', 'forever'].map((name) => ({
      [name]: null,
    })),
    ...[
      'id',
      'token',
      'status',
      'appId',
      'jti',
      'revision',
      'createdAt',
      'tier',
      'features',
      'revokedAt',
    ].map((name) => ({ [name]: 'x' })),
    ...[
      { customerId: 'cus_none' },
      { tierId: 'none' },
      { durationDays: 5, forever: true },
      { expiresAt: start },
    ],
  ]
  for (const changes of odd) {
    const error = await refusalOf(licensing.licenses.update('desktop-app', id, changes))
    assert.equal(error.code, 'validation_error', JSON.stringify(changes))
  }
  assert.deepEqual(await storage.findLicense(app.id, id), before)
})

test('licenses.update(): names a wrong customer first, then a wrong end, then a wrong tier', async () => {
  const { licensing, issue } = await newShop()
  const { id } = await issue()
  const fields: string[] = []
  for (const changes of [
    { customerId: 'cus_none', expiresAt: start, tierId: 'none' },
    { expiresAt: start, tierId: 'none' },
    { tierId: 'none' },
  ]) {
    const { details = {} } = await refusalOf(licensing.licenses.update('desktop-app', id, changes))
    fields.push(...Object.keys(details))
  }
  assert.deepEqual(fields, ['customerId', 'expiresAt', 'tierId'])
})

test('licenses.update(): only the metadata of a revoked license may change', async () => {
  const { licensing, customer, issue } = await newShop()
  const { update, revoke } = licensing.licenses
  const { id, installationId, jti } = await issue()
  await revoke('desktop-app', id)
  const kept = await update('desktop-app', id, { metadata: { note: 'x' }, customerId: customer.id })
  assert.deepEqual([kept.metadata, kept.status, kept.jti, kept.token], [{ note: 'x' }, 'revoked', jti, null])
  const changes: readonly LicenseChanges[] = [
    { customFeatures: ['own'] },
    { forever: true },
    { durationDays: 5 },
    { installationId: installation(50) },
    { customFeatures: ['own'], metadata: { note: 'y' } },
  ]
  for (const each of changes) assert.equal(await codeOf(update('desktop-app', id, each)), 'license_revoked')
  const after = await licensing.licenses.getByInstallation('desktop-app', installationId)
  assert.deepEqual([after.metadata, after.installationId], [{ note: 'x' }, installationId])
})

test('licenses.update(): a license without a tier takes metadata, and claims only with a new tier', async () => {
  const { licensing, issue } = await newShop()
  const { update } = licensing.licenses
  const { id } = await issue()
  await licensing.tiers.delete('desktop-app', 'pro')
  await licensing.tiers.create('desktop-app', { name: 'New', slug: 'new', features: ['n'] })
  assert.equal(await codeOf(update('desktop-app', id, { metadata: { a: 1 } })), 'ok')
  assert.equal(await codeOf(update('desktop-app', id, { forever: true })), 'missing_tier')
  const healed = await update('desktop-app', id, { tierId: 'new', forever: true })
  assert.deepEqual([healed.tier, healed.features, healed.expiresAt], ['new', ['n'], null])
})

test('licenses.update(): an extended license takes its installation slot back, unless an active one occupies it', async () => {
  const { licensing, clock, issue } = await newShop()
  const { getByInstallation, revoke, update } = licensing.licenses
  const old = await issue({ durationDays: 1 })
  const { installationId } = old
  clock.seconds = start + day
  const successor = await issue({ installationId })
  const error = await refusalOf(update('desktop-app', old.id, { durationDays: 30 }))
  assert.deepEqual([error.code, error.message.includes(successor.id)], ['conflict', true])
  await revoke('desktop-app', successor.id)
  const extended = await update('desktop-app', old.id, { durationDays: 30 })
  assert.equal(extended.status, 'active')
  assert.equal((await getByInstallation('desktop-app', installationId)).id, old.id)
  assert.equal(await codeOf(licensing.licenses.reinstate('desktop-app', successor.id)), 'conflict')
})

test('licenses.update(): moves a license to another installation without an active license', async () => {
  const { licensing, issue } = await newShop()
  const { getByInstallation, update, revoke } = licensing.licenses
  const [one, two] = [await issue(), await issue()]
  const move = { installationId: two.installationId }
  const error = await refusalOf(update('desktop-app', one.id, move))
  assert.deepEqual([error.code, error.message.includes(two.id)], ['conflict', true])
  await revoke('desktop-app', two.id)
  const moved = await update('desktop-app', one.id, move)
  assert.equal(claimsOf(tokenOf(moved)).sub, two.installationId)
  assert.equal((await getByInstallation('desktop-app', two.installationId)).id, one.id)
  assert.equal(await codeOf(getByInstallation('desktop-app', one.installationId)), 'not_found')
  assert.equal(await codeOf(issue({ installationId: one.installationId })), 'ok', 'the old machine is free')
})

test('licenses.update(): an expired license that moves takes only a free slot', async () => {
  const { licensing, clock, issue } = await newShop()
  const { getByInstallation, update } = licensing.licenses
  const expired = await issue({ durationDays: 1 })
  const active = await issue()
  clock.seconds = start + day
  await update('desktop-app', expired.id, { installationId: active.installationId })
  assert.equal((await getByInstallation('desktop-app', active.installationId)).id, active.id)
  await update('desktop-app', expired.id, { installationId: installation(60) })
  assert.equal((await getByInstallation('desktop-app', installation(60))).id, expired.id)
})

test('licenses.revoke(): again changes nothing, and keeps the first time and reason', async () => {
  const { licensing, clock, issue } = await newShop()
  const { revoke, reinstate } = licensing.licenses
  const { id } = await issue()
  const revoked = await revoke('desktop-app', id, { reason: 'refund' })
  assert.deepEqual([revoked.status, revoked.revokedAt, revoked.revokedReason], ['revoked', start, 'refund'])
  clock.seconds += 100
  assert.deepEqual(await revoke('desktop-app', id, { reason: 'other' }), revoked)
  const back = await reinstate('desktop-app', id)
  assert.deepEqual(
    [back.status, back.revokedAt, back.revokedReason, back.jti],
    ['active', null, null, revoked.jti],
  )
  assert.equal(await verdictOf(licensing, 'desktop-app', back.token), 'ok')
  const { token: _token, ...again } = await reinstate('desktop-app', id)
  assert.equal(again.updatedAt, back.updatedAt, 'reinstating what is not revoked changes nothing')
})

test('licenses.revoke(): a license past its end counts as revoked, and as expired after reinstate()', async () => {
  const { licensing, clock, issue } = await newShop()
  const { id } = await issue({ durationDays: 1 })
  clock.seconds = start + day
  assert.equal((await licensing.licenses.revoke('desktop-app', id)).status, 'revoked')
  const back = await licensing.licenses.reinstate('desktop-app', id)
  assert.deepEqual([back.status, back.token], ['expired', null])
})

test('licenses.reinstate(): takes the installation slot back, unless an active successor occupies it', async () => {
  const { licensing, issue } = await newShop()
  const { getByInstallation, reinstate, revoke } = licensing.licenses
  const old = await issue()
  const { installationId } = old
  await revoke('desktop-app', old.id)
  const successor = await issue({ installationId })
  const error = await refusalOf(reinstate('desktop-app', old.id))
  assert.deepEqual([error.code, error.message.includes(successor.id)], ['conflict', true])
  assert.equal((await licensing.licenses.get('desktop-app', old.id)).status, 'revoked')
  await revoke('desktop-app', successor.id)
  assert.equal((await reinstate('desktop-app', old.id)).status, 'active')
  assert.equal((await getByInstallation('desktop-app', installationId)).id, old.id)
})

test('licenses.reinstate(): an expired license takes its installation slot back too', async () => {
  const { licensing, clock, issue } = await newShop()
  const { getByInstallation, reinstate, revoke } = licensing.licenses
  const old = await issue({ durationDays: 1 })
  const { installationId } = old
  await revoke('desktop-app', old.id)
  const successor = await issue({ installationId, durationDays: 2 })
  clock.seconds = start + day
  assert.equal(await codeOf(reinstate('desktop-app', old.id)), 'conflict')
  clock.seconds = start + 2 * day
  assert.equal((await reinstate('desktop-app', old.id)).status, 'expired')
  assert.equal((await getByInstallation('desktop-app', installationId)).id, old.id)
  assert.equal((await licensing.licenses.get('desktop-app', successor.id)).status, 'expired')
})

test('licenses.reinstate(): invalidatePrevious refuses every earlier token', async () => {
  const { licensing, issue } = await newShop()
  const { id, token } = await issue()
  await licensing.licenses.revoke('desktop-app', id)
  const back = await licensing.licenses.reinstate('desktop-app', id, { invalidatePrevious: true })
  assert.equal(await verdictOf(licensing, 'desktop-app', token), 'invalid_token')
  assert.equal(await verdictOf(licensing, 'desktop-app', back.token), 'ok')
  await licensing.licenses.revoke('desktop-app', id)
  await licensing.tiers.delete('desktop-app', 'pro')
  const call = licensing.licenses.reinstate('desktop-app', id, { invalidatePrevious: true })
  assert.equal(await codeOf(call), 'missing_tier')
  assert.equal((await licensing.licenses.get('desktop-app', id)).status, 'revoked')
})
