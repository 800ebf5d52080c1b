import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BatchReference, LicenseReference } from '../../src/core/index.ts'
import { claimsOf } from '../support/tokens.ts'
import { codeOf, day, installation, newShop, refusalOf, start, tokenOf } from '../support/fixtures.ts'

test('verification.verify(): finds a license by its installation in any case, and by its jti', async () => {
  const { licensing, issue } = await newShop()
  const { verify } = licensing.verification
  const { installationId, jti } = await issue({ customFeatures: ['extra'] })
  const answer = {
    valid: true,
    status: 'active',
    tier: 'pro',
    features: ['api_access', 'extra'],
    limits: {},
    expiresAt: start + 30 * day,
    updatesUntil: null,
    installationId,
  }
  assert.deepEqual(await verify('desktop-app', { installationId }), answer)
  assert.deepEqual(await verify('desktop-app', { installationId: installationId.toUpperCase() }), answer)
  assert.deepEqual(await verify('desktop-app', { jti }), answer)
})

test('verification.verify(): returns the documented fields and nothing of the customer', async () => {
  const { licensing, issue } = await newShop()
  const { installationId, token } = await issue({ metadata: { note: 'private' } })
  const known = [
    ...['expiresAt', 'features', 'installationId', 'limits', 'status', 'tier', 'updatesUntil', 'valid'],
  ]
  const answer = await licensing.verification.verify('desktop-app', { installationId })
  assert.deepEqual(Object.keys(answer).toSorted(), known)
  const judged = await licensing.verification.verifyToken('desktop-app', token)
  assert.deepEqual(Object.keys(judged).toSorted(), [...known, 'code', 'reason'].toSorted())
})

test('verification.verify(): takes exactly one of installationId and jti', async () => {
  const { licensing, issue } = await newShop()
  const { installationId, jti } = await issue()
  const odd: readonly unknown[] = [
    {},
    { installationId, jti },
    { installationId: undefined },
    null,
    [],
    'x',
    undefined,
  ]
  for (const reference of odd) {
    const call = licensing.verification.verify('desktop-app', reference as LicenseReference)
    assert.equal(await codeOf(call), 'validation_error', JSON.stringify(reference))
  }
})

test('verification.verify(): an unknown license, and one of another app, is not_found', async () => {
  const { licensing, issue } = await newShop()
  const { installationId, jti } = await issue()
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const { verify } = licensing.verification
  const guessed = jti.slice(0, -1) + (jti.endsWith('0') ? '1' : '0')
  const cases: readonly (readonly [string, LicenseReference])[] = [
    ['desktop-app', { installationId: installation(99) }],
    ['desktop-app', { jti: guessed }],
    ['desktop-app', { jti: jti.slice(0, 30) }],
    ['desktop-app', { jti: 'j1' }],
    ['other-app', { installationId }],
    ['other-app', { jti }],
    ['no-app', { installationId }],
    ['no-app', { jti }],
  ]
  for (const [app, reference] of cases)
    assert.equal(await codeOf(verify(app, reference)), 'not_found', `${app} ${JSON.stringify(reference)}`)
})

test('verification.verify(): an old jti still finds its license, and is marked superseded', async () => {
  const { licensing, issue } = await newShop()
  const { verify, verifyToken } = licensing.verification
  const issued = await issue()
  const renewed = await licensing.licenses.regenerate('desktop-app', issued.id)
  assert.equal((await verify('desktop-app', { jti: issued.jti })).superseded, true)
  assert.equal((await verifyToken('desktop-app', issued.token)).superseded, true)
  assert.equal((await verifyToken('desktop-app', issued.token)).valid, true)
  assert.equal('superseded' in (await verify('desktop-app', { jti: renewed.jti })), false)
  assert.equal('superseded' in (await verifyToken('desktop-app', renewed.token)), false)
})

test('verification.verifyToken(): judges signature, claims and present state, and throws nothing for a bad token', async () => {
  const { licensing, clock, issue } = await newShop()
  const { verifyToken } = licensing.verification
  const { id, token, features } = await issue()
  const verdict = async (): Promise<readonly unknown[]> => {
    const { valid, code, status } = await verifyToken('desktop-app', token)
    return [valid, code, status]
  }
  assert.deepEqual((await verifyToken('desktop-app', token)).features, features)
  assert.deepEqual(await verdict(), [true, null, 'active'])
  await licensing.licenses.revoke('desktop-app', id)
  assert.deepEqual(await verdict(), [false, 'license_revoked', 'revoked'])
  await licensing.licenses.reinstate('desktop-app', id)
  clock.seconds = start + 30 * day
  assert.deepEqual(await verdict(), [false, 'token_expired', 'expired'])
  clock.seconds = start
  await licensing.licenses.delete('desktop-app', id)
  assert.deepEqual(await verdict(), [false, 'not_found', undefined])
  assert.deepEqual(await verifyToken('desktop-app', 'nonsense'), {
    valid: false,
    code: 'invalid_token',
    reason: 'The token is not valid',
  })
  assert.equal(await codeOf(verifyToken('no-app', token)), 'not_found')
})

test('verification.verifyToken(): returns the claims of the present record, not of the token', async () => {
  const { licensing, issue } = await newShop()
  const { id, token } = await issue()
  await licensing.licenses.update('desktop-app', id, { customFeatures: ['later'], durationDays: 60 })
  const { features, expiresAt } = await licensing.verification.verifyToken('desktop-app', token)
  assert.deepEqual([features, expiresAt], [['api_access', 'later'], start + 60 * day])
  assert.deepEqual(claimsOf(tokenOf({ token })).features, ['api_access'])
})

test('verification.verifyBatch(): one result for each asked id, and a malformed id spoils no other', async () => {
  const { licensing, clock, issue } = await newShop()
  const { verifyBatch } = licensing.verification
  const [one, two] = [await issue(), await issue({ durationDays: 1 })]
  clock.seconds += day
  const upper = one.installationId.toUpperCase()
  const odd = ['__proto__', 'constructor', 'toString', '', installation(99), '../x', 'é']
  const answers = await verifyBatch('desktop-app', {
    installationIds: [one.installationId, upper, two.installationId, two.installationId, ...odd],
  })
  assert.deepEqual([...answers.keys()], [one.installationId, upper, two.installationId, ...odd])
  assert.equal(answers.get(upper)?.valid, true)
  assert.equal(answers.get(two.installationId)?.status, 'expired')
  for (const id of odd) assert.deepEqual(answers.get(id), { valid: false, status: 'not_found' }, id)
  assert.equal(({} as { valid?: boolean }).valid, undefined)

  const byJti = await verifyBatch('desktop-app', { jtis: [one.jti, two.jti, one.id] })
  assert.deepEqual(
    [...byJti.values()].map(({ status }) => status),
    ['active', 'expired', 'not_found'],
  )
})

test('verification.verifyBatch(): takes one list of at most 100 strings', async () => {
  const { licensing } = await newShop()
  const { verifyBatch } = licensing.verification
  const hundred = Array.from({ length: 100 }, (_, at) => installation(at))
  assert.equal((await verifyBatch('desktop-app', { installationIds: hundred })).size, 100)
  assert.equal((await verifyBatch('desktop-app', { jtis: [] })).size, 0)
  const odd: readonly unknown[] = [
    ...[{}, { installationIds: [], jtis: [] }, { installationIds: [...hundred, installation(100)] }],
    ...[{ jtis: 'x' }, { jtis: [1] }, { jtis: [null] }, { jtis: ['x'.repeat(256)] }, { jtis: { 0: 'x' } }],
  ]
  for (const batch of odd) {
    const error = await refusalOf(verifyBatch('desktop-app', batch as BatchReference))
    assert.equal(error.code, 'validation_error', JSON.stringify(batch))
  }
  assert.equal(await codeOf(verifyBatch('no-app', { jtis: [] })), 'not_found')
})

test('verification.verify(): of two licenses of an installation, finds the one in the slot', async () => {
  const { licensing, issue } = await newShop()
  const old = await issue()
  await licensing.licenses.revoke('desktop-app', old.id)
  const next = await issue({ installationId: old.installationId, customFeatures: ['next'] })
  const { verify, verifyToken } = licensing.verification
  assert.deepEqual(
    (await verify('desktop-app', { installationId: old.installationId })).features,
    next.features,
  )
  assert.equal((await verify('desktop-app', { jti: old.jti })).status, 'revoked')
  assert.equal((await verifyToken('desktop-app', old.token)).code, 'license_revoked')
})
