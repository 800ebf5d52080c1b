import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recoveryKeyId, signWithRecoveryKey, type Recover, type RecoverySet } from '../../src/core/index.ts'
import { openAll, recoverBy, setOf, slug } from '../support/chains.ts'
import { codeOf, newShop, refusalOf, type Shop } from '../support/fixtures.ts'
import { recoveryKeys, testKeyPairs } from '../support/keys.ts'

test('recovery: the present key brings the first set in, and later statements repeat it', async () => {
  const { licensing, storage, app } = await newShop()
  const recovery = await setOf(1, 0)
  assert.deepEqual(await licensing.recovery.set(slug, recovery, recoverBy(0)), { seq: 2 })
  await licensing.rotateKeys(slug, { gracePeriodDays: 5 })
  await licensing.rotateKeys(slug)
  const chain = await openAll(licensing)
  assert.deepEqual(
    chain.map((each) => each.recovery),
    [null, recovery, recovery, recovery],
  )
  const [first, second] = chain
  assert.equal(second!.kid, first!.kid)
  assert.deepEqual(second!.signers, [first!.kid])
  assert.deepEqual((await storage.findApp(app.id))?.recovery, recovery)
  assert.equal('recovery' in (await licensing.apps.get(slug)), false)
})

test('recovery: a compromised rotation needs the recovery keys, and a plain one does not', async () => {
  const { licensing } = await newShop()
  await licensing.recovery.set(slug, await setOf(1, 0), recoverBy(0))
  const before = await licensing.apps.trust(slug)
  for (const dryRun of [false, true]) {
    const refused = await refusalOf(licensing.rotateKeys(slug, { compromised: true, dryRun }))
    assert.equal(refused.code, 'recovery_required')
    assert.match(refused.message, /heartwood apps rotate-keys SLUG --compromised --recovery-key FILE/)
  }
  assert.deepEqual(await licensing.apps.trust(slug), before)
  await licensing.rotateKeys(slug, { compromised: true, recover: recoverBy(0) })
  const [, set, last] = await openAll(licensing)
  assert.deepEqual(last!.signers, [...set!.recovery!.kids, last!.kid], 'the stolen key has not signed')
  assert.deepEqual(last!.revoked, [set!.kid])
  await licensing.rotateKeys(slug)
  await openAll(licensing)
})

const tooFew: Readonly<Record<string, Recover>> = {
  'one key of three': recoverBy(0),
  'one key twice': recoverBy(1, 1),
  'no key': async () => [],
  'a key of the set and a foreign one': async (payload) => [
    await signWithRecoveryKey(payload, recoveryKeys[0]!.privateKeyPem),
    await signWithRecoveryKey(payload, testKeyPairs[5]!.privateKeyPem),
  ],
  'another payload': (payload) => recoverBy(0, 1)(payload.replace('"seq":3', '"seq":4')),
  'a key with the public half of another': async (payload) => {
    const [one, two] = await recoverBy(0, 1)(payload)
    return [one!, { ...two!, header: one!.header! }]
  },
  'signatures that are none': async () => [{ protected: '', signature: '' }],
}

for (const [name, recover] of Object.entries(tooFew))
  test(`recovery: two of three keys must sign, so it refuses ${name}`, async () => {
    const { licensing } = await newShop()
    await licensing.recovery.set(slug, await setOf(2, 0, 1, 2), recoverBy(0, 1, 2))
    const before = [await licensing.apps.trust(slug), await licensing.apps.keys(slug)]
    const next = await setOf(1, 0)
    const calls = [
      () => licensing.rotateKeys(slug, { compromised: true, recover }),
      () => licensing.recovery.set(slug, next, recover),
    ]
    for (const call of calls) assert.equal(await codeOf(call()), 'recovery_required')
    assert.deepEqual([await licensing.apps.trust(slug), await licensing.apps.keys(slug)], before)
  })

test('recovery: two of three keys sign a rotation and the next set, and the third alone does not', async () => {
  const { licensing } = await newShop()
  await licensing.recovery.set(slug, await setOf(2, 0, 1, 2), recoverBy(0, 1, 2))
  await licensing.rotateKeys(slug, { compromised: true, recover: recoverBy(2, 0) })
  const next = await setOf(1, 2)
  assert.equal(await codeOf(licensing.recovery.set(slug, next, undefined as never)), 'recovery_required')
  assert.deepEqual(await licensing.recovery.set(slug, next, recoverBy(1, 2)), { seq: 4 })
  assert.equal(
    await codeOf(licensing.rotateKeys(slug, { compromised: true, recover: recoverBy(0, 1) })),
    'recovery_required',
  )
  await licensing.rotateKeys(slug, { compromised: true, recover: recoverBy(2) })
  const chain = await openAll(licensing)
  assert.deepEqual(
    chain.map(({ recovery }) => recovery?.threshold),
    [undefined, 2, 2, 1, 1],
  )
})

test('recovery: revokes a key that a plain rotation retired, later on', async () => {
  const { licensing } = await newShop()
  await licensing.recovery.set(slug, await setOf(1, 0), recoverBy(0))
  await licensing.rotateKeys(slug)
  await licensing.rotateKeys(slug)
  const [first] = await openAll(licensing)
  assert.deepEqual(await licensing.recovery.revoke(slug, [first!.kid], recoverBy(0)), { seq: 5 })
  const last = (await openAll(licensing)).at(-1)!
  assert.deepEqual(last.revoked, [first!.kid])
  const reasons = (await licensing.apps.keys(slug)).map(({ kid, reason }) => [kid === first!.kid, reason])
  assert.deepEqual(reasons, [
    [false, null],
    [false, 'rotated'],
    [true, 'compromised'],
  ])
})

const wrongRevocations: Readonly<
  Record<string, (shop: Shop, kids: readonly string[]) => readonly [unknown, Recover, string]>
> = {
  'the active key': (_, [active]) => [[active], recoverBy(0), 'validation_error'],
  'a foreign key': () => [['A'.repeat(43)], recoverBy(0), 'validation_error'],
  'no key': () => [[], recoverBy(0), 'validation_error'],
  'a text': () => ['kid', recoverBy(0), 'validation_error'],
  'a key without signatures': (_, kids) => [[kids[1]], async () => [], 'recovery_required'],
}

for (const [name, given] of Object.entries(wrongRevocations))
  test(`recovery.revoke(): refuses ${name}`, async () => {
    const shop = await newShop()
    const { licensing } = shop
    await licensing.recovery.set(slug, await setOf(1, 0), recoverBy(0))
    await licensing.rotateKeys(slug)
    const kids = (await licensing.apps.keys(slug)).map(({ kid }) => kid)
    const [revoked, recover, code] = given(shop, kids)
    assert.equal(await codeOf(licensing.recovery.revoke(slug, revoked as string[], recover)), code)
    assert.equal((await openAll(licensing)).length, 3)
  })

test('recovery.revoke(): ends the grace period of the key that it names, and of no other', async () => {
  const { licensing, clock, issue } = await newShop()
  const { verification } = licensing
  await licensing.recovery.set(slug, await setOf(1, 0), recoverBy(0))
  const tokens: string[] = []
  for (const gracePeriodDays of [30, 60]) {
    tokens.push((await issue()).token!)
    await licensing.rotateKeys(slug, { gracePeriodDays })
  }
  const [, second, first] = (await licensing.apps.keys(slug)).map(({ kid }) => kid)
  const codes = () =>
    Promise.all(tokens.map(async (token) => (await verification.verifyToken(slug, token)).code ?? 'ok'))
  assert.deepEqual(await codes(), ['ok', 'ok'])
  clock.seconds += 5
  assert.deepEqual(await licensing.recovery.revoke(slug, [first!], recoverBy(0)), { seq: 5 })
  const [active, ...retired] = await licensing.apps.keys(slug)
  assert.deepEqual(
    retired.map(({ kid, state, reason }) => [kid, state, reason]),
    [
      [second, 'in_grace', 'rotated'],
      [first, 'retired', 'compromised'],
    ],
  )
  assert.deepEqual((await openAll(licensing)).at(-1)!.revoked, [first])
  const served = (await licensing.apps.jwks(slug)).keys.map(({ kid }) => kid)
  assert.deepEqual(served, [active!.kid, second])
  assert.deepEqual(await codes(), ['invalid_token', 'ok'])
})

test('recovery.revoke(): leaves a grace period alone if its statement is refused', async () => {
  const { licensing } = await newShop()
  await licensing.recovery.set(slug, await setOf(2, 0, 1), recoverBy(0, 1))
  await licensing.rotateKeys(slug, { gracePeriodDays: 30 })
  const [, { kid } = { kid: '' }] = await licensing.apps.keys(slug)
  assert.equal(await codeOf(licensing.recovery.revoke(slug, [kid], recoverBy(0))), 'recovery_required')
  assert.equal((await licensing.apps.keys(slug))[1]!.state, 'in_grace')
  assert.equal((await openAll(licensing)).length, 3)
})

const unproven: Readonly<Record<string, Recover>> = {
  'no signature': async () => [],
  'one of two': recoverBy(0),
  'the signature of another key': recoverBy(0, 2),
  'another payload': (payload) => recoverBy(0, 1)(payload.replace('"seq":2', '"seq":3')),
  'nobody to ask': undefined as never,
}

for (const [name, recover] of Object.entries(unproven))
  test(`recovery.set(): each new recovery key must sign, so it refuses ${name}`, async () => {
    const { licensing } = await newShop()
    const refused = await refusalOf(licensing.recovery.set(slug, await setOf(1, 0, 1), recover))
    assert.deepEqual([refused.code, Object.keys(refused.details!)], ['validation_error', ['kids']])
    assert.equal((await openAll(licensing)).length, 1)
  })

test('recovery.set(): a later set needs proof of its new keys alone, and keeps none of it', async () => {
  const { licensing } = await newShop()
  await licensing.recovery.set(slug, await setOf(1, 0, 1), recoverBy(0, 1))
  const next = await setOf(1, 1, 2)
  const refused = await refusalOf(licensing.recovery.set(slug, next, recoverBy(0)))
  assert.deepEqual([refused.code, Object.keys(refused.details!)], ['validation_error', ['kids']])
  assert.deepEqual(await licensing.recovery.set(slug, next, recoverBy(0, 2)), { seq: 3 })
  const [first, second, third] = await openAll(licensing)
  assert.deepEqual(second!.signers, [first!.kid])
  assert.deepEqual(third!.signers, [second!.recovery!.kids[0], first!.kid])
})

test('rotateKeys(): refuses a recovery key of the app as its signing key', async () => {
  const { licensing } = await newShop()
  const pair = testKeyPairs.at(-1)!
  const set = { threshold: 1, kids: [await recoveryKeyId(pair.privateKeyPem)] }
  await licensing.recovery.set(slug, set, async (payload) => [
    await signWithRecoveryKey(payload, pair.privateKeyPem),
  ])
  await assert.rejects(licensing.rotateKeys(slug, {}, pair), /^TypeError: A rotation needs a fresh key pair/)
  assert.equal((await openAll(licensing)).length, 2)
})

test('recovery.revoke(): refuses in an app without recovery keys', async () => {
  const { licensing } = await newShop()
  await licensing.rotateKeys(slug)
  const [, { kid } = { kid: '' }] = await licensing.apps.keys(slug)
  assert.equal(await codeOf(licensing.recovery.revoke(slug, [kid], recoverBy(0))), 'recovery_required')
})

test('recovery.set(): refuses a malformed set, and the signing key of the app', async () => {
  const { licensing } = await newShop()
  const [{ kid } = { kid: '' }] = await licensing.apps.keys(slug)
  const good = (await setOf(1, 0)).kids
  const wrong: readonly unknown[] = [
    { threshold: 0, kids: good },
    { threshold: 2, kids: good },
    { threshold: 1, kids: [] },
    { threshold: 1, kids: [...good, ...good] },
    { threshold: 1, kids: ['short'] },
    { threshold: 1, kids: [kid] },
    { threshold: 1, kids: good, more: 1 },
    null,
  ]
  for (const set of wrong)
    assert.equal(
      await codeOf(licensing.recovery.set(slug, set as RecoverySet, recoverBy(0))),
      'validation_error',
    )
  assert.equal((await openAll(licensing)).length, 1)
})

test('recovery: a value in a request is not taken for a function', async () => {
  const { licensing } = await newShop()
  const options = { compromised: true, recover: 'yes' } as never
  assert.equal(await codeOf(licensing.rotateKeys(slug, options)), 'validation_error')
})
