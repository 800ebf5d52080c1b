import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsOf, verdictOf, verifyOffline } from '../support/tokens.ts'
import { codeOf, day, installation, newWorld, start, tokenOf } from '../support/fixtures.ts'

test('createLicensing(): a license lives its whole life on core and the memory storage alone', async () => {
  const { licensing, clock } = await newWorld()
  const { apps, tiers, customers, licenses, verification } = licensing

  const app = await apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
  await tiers.create('desktop-app', { name: 'Pro', slug: 'pro', features: ['api_access'] })
  const { customer } = await customers.getOrCreate('desktop-app', { email: 'ada@example.com' })
  const issued = await licenses.create('desktop-app', {
    installationId: installation(1),
    customerId: customer.id,
    tierId: 'pro',
    customFeatures: ['custom_integration'],
    durationDays: 365,
  })
  assert.deepEqual(issued.features, ['api_access', 'custom_integration'])
  assert.deepEqual((await verifyOffline(tokenOf(issued), app.publicKeyPem)).features, issued.features)

  await tiers.addFeature('desktop-app', 'pro', { name: 'Webhooks', slug: 'webhooks' })
  assert.deepEqual((await licenses.get('desktop-app', issued.id)).features, issued.features)
  clock.seconds += day
  const renewed = await licenses.renew('desktop-app', issued.id, issued.token)
  assert.deepEqual(renewed.features, ['api_access', 'webhooks', 'custom_integration'])
  assert.deepEqual(claimsOf(tokenOf(renewed)), {
    ...claimsOf(tokenOf(issued)),
    iat: start + day,
    jti: renewed.jti,
    features: renewed.features,
  })
  assert.notEqual(renewed.jti, issued.jti)

  const rotation = await licensing.rotateKeys('desktop-app')
  assert.equal(rotation.licensesResigned, 1)
  assert.equal(await verdictOf(licensing, 'desktop-app', renewed.token), 'invalid_token')
  const resigned = await licenses.token('desktop-app', issued.id)
  assert.equal((await verifyOffline(resigned!, rotation.publicKeyPem)).jti, renewed.jti)

  await licenses.revoke('desktop-app', issued.id, { reason: 'refunded' })
  assert.equal(await codeOf(licenses.renew('desktop-app', issued.id, resigned)), 'license_revoked')
  assert.deepEqual(await verification.verify('desktop-app', { installationId: installation(1) }), {
    valid: false,
    status: 'revoked',
    tier: 'pro',
    features: renewed.features,
    limits: {},
    expiresAt: start + 365 * day,
    updatesUntil: null,
    installationId: installation(1),
  })
  await licenses.reinstate('desktop-app', issued.id)
  assert.equal(await verdictOf(licensing, 'desktop-app', resigned), 'ok')

  clock.seconds = start + 365 * day
  assert.equal(await codeOf(licenses.renew('desktop-app', issued.id, resigned)), 'token_expired')
  await apps.delete('desktop-app')
  assert.equal(await codeOf(licenses.get('desktop-app', issued.id)), 'not_found')
})
