import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStorage } from '../../src/storage/memory.ts'
import { claimsOf, verdictOf } from '../support/tokens.ts'
import { codeOf, day, installation, newShop, start, tallyOf, tokenOf } from '../support/fixtures.ts'

const times = <T>(count: number, make: (at: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, at) => make(at))

test('licenses.create(): of two concurrent calls for an installation one wins', async () => {
  const { licensing, issue } = await newShop()
  const installationId = installation(1)
  assert.deepEqual(await tallyOf(times(8, () => issue({ installationId }))), { conflict: 7, ok: 1 })
  assert.equal((await licensing.licenses.list('desktop-app')).total, 1)
})

test('licenses.create(): of concurrent calls for the slot of an expired license one wins', async () => {
  const { licensing, clock, issue } = await newShop()
  const old = await issue({ durationDays: 1 })
  clock.seconds = start + day
  const { installationId } = old
  assert.deepEqual(await tallyOf(times(8, () => issue({ installationId }))), { conflict: 7, ok: 1 })
  assert.equal((await licensing.licenses.list('desktop-app', { status: 'active' })).total, 1)
})

test('licenses.reinstate(): beside a concurrent create() for the slot, one wins', async () => {
  const { licensing, issue } = await newShop()
  for (let round = 0; round < 10; round++) {
    const installationId = installation(100 + round)
    const { id } = await issue({ installationId })
    await licensing.licenses.revoke('desktop-app', id)
    const calls = [licensing.licenses.reinstate('desktop-app', id), issue({ installationId })]
    assert.deepEqual(await tallyOf(round % 2 ? calls : calls.toReversed()), { conflict: 1, ok: 1 })
    const { data } = await licensing.licenses.list('desktop-app', { installationId, status: 'active' })
    assert.equal(data.length, 1)
  }
})

test('licenses.update(): beside a concurrent create() for the slot, one wins', async () => {
  const { licensing, clock, issue } = await newShop()
  for (let round = 0; round < 10; round++) {
    const installationId = installation(200 + round)
    const { id } = await issue({ installationId, durationDays: 1 })
    clock.seconds += day
    const calls = [
      () => licensing.licenses.update('desktop-app', id, { durationDays: 30 }),
      () => issue({ installationId }),
    ]
    const began = (round % 2 ? calls : calls.toReversed()).map((call) => call())
    assert.deepEqual(await tallyOf(began), { conflict: 1, ok: 1 })
    const { data } = await licensing.licenses.list('desktop-app', { installationId, status: 'active' })
    assert.equal(data.length, 1)
  }
})

test('licenses.renew(): 50 concurrent renewals succeed, each with its own token', async () => {
  const { licensing, storage, app, issue } = await newShop()
  const { id, token } = await issue()
  const renewed = await Promise.all(times(50, () => licensing.licenses.renew('desktop-app', id, token)))
  assert.equal(new Set(renewed.map(({ jti }) => jti)).size, 50)
  for (const each of renewed) {
    assert.equal(claimsOf(tokenOf(each)).jti, each.jti)
    assert.equal(await verdictOf(licensing, 'desktop-app', each.token), 'ok')
  }
  assert.equal((await storage.findLicense(app.id, id))?.revision, 51)
})

test('licenses.renew(): calls `admit` once, although other requests change the license first', async () => {
  const storage = memoryStorage()
  let losses = 0
  const losing: typeof storage = {
    ...storage,
    updateLicense: async (...args) => (losses-- > 0 ? null : storage.updateLicense(...args)),
  }
  const { licensing, issue } = await newShop({ storage: losing })
  const { id, token } = await issue()
  const admitted: string[] = []
  for (const lost of [0, 1, 3]) {
    losses = lost
    await licensing.licenses.renew('desktop-app', id, token, {
      admit: (licenseId) => void admitted.push(licenseId),
    })
    assert.equal(losses, -1)
    assert.deepEqual(admitted.splice(0), [id])
  }
})

test('licenses.update(): 100 concurrent changes of one license succeed on a slow storage', async () => {
  const storage = memoryStorage()
  const slow: typeof storage = {
    ...storage,
    findLicense: async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return storage.findLicense(...args)
    },
  }
  const { licensing, app, issue } = await newShop({ storage: slow })
  const { id } = await issue()
  const changes = times(100, (at) => licensing.licenses.update('desktop-app', id, { metadata: { at } }))
  assert.deepEqual(await tallyOf(changes), { ok: 100 })
  assert.equal((await storage.findLicense(app.id, id))?.version, 101)
})

test('licenses.revoke(): no concurrent renewal undoes it', async () => {
  const { licensing, issue } = await newShop()
  for (let round = 0; round < 10; round++) {
    const { id, token } = await issue()
    const calls = [
      ...times(round, () => licensing.licenses.renew('desktop-app', id, token)),
      licensing.licenses.revoke('desktop-app', id),
      ...times(10 - round, () => licensing.licenses.renew('desktop-app', id, token)),
    ]
    const codes = await Promise.all(calls.map(codeOf))
    assert.equal(codes[round], 'ok')
    assert.deepEqual(
      codes.filter((code) => !['ok', 'license_revoked'].includes(code)),
      [],
    )
    assert.equal((await licensing.licenses.get('desktop-app', id)).status, 'revoked')
    assert.equal(await verdictOf(licensing, 'desktop-app', token), 'license_revoked')
  }
})

test('licenses: concurrent changes all survive', async () => {
  const { licensing, storage, app, issue } = await newShop()
  const { regenerate, renew, update } = licensing.licenses
  const { id, token } = await issue()
  await Promise.all([
    ...times(5, () => regenerate('desktop-app', id)),
    update('desktop-app', id, { customFeatures: ['own'] }),
    update('desktop-app', id, { metadata: { a: 1 } }),
    ...times(5, () => renew('desktop-app', id, token)),
    update('desktop-app', id, { durationDays: 60 }),
    update('desktop-app', id, { installationId: installation(90) }),
    licensing.tiers.addFeature('desktop-app', 'pro', { name: 'Later', slug: 'later' }),
  ])
  const record = (await storage.findLicense(app.id, id))!
  assert.deepEqual(
    [record.customFeatures, record.metadata, record.expiresAt, record.installationId, record.revision],
    [['own'], { a: 1 }, start + 60 * day, installation(90), 14],
  )
})

test('licenses.update(): concurrent changes to a replaced license do not collide with its successor', async () => {
  const { licensing, clock, issue } = await newShop()
  const { revoke, update } = licensing.licenses
  const old = await issue({ durationDays: 1 })
  clock.seconds = start + day
  await issue({ installationId: old.installationId })
  const notes = times(6, (at) => update('desktop-app', old.id, { metadata: { at } }))
  assert.deepEqual(await tallyOf(notes), { ok: 6 })
  assert.deepEqual(await tallyOf(times(6, () => revoke('desktop-app', old.id))), { ok: 6 })
})

test('licenses.update(): two licenses that swap installations end on two, or one is refused', async () => {
  const { licensing, issue } = await newShop()
  const { update, list } = licensing.licenses
  const [one, two] = [await issue(), await issue()]
  await tallyOf([
    update('desktop-app', one.id, { installationId: installation(70) }),
    update('desktop-app', two.id, { installationId: installation(70) }),
  ]).then((tally) => assert.deepEqual(tally, { conflict: 1, ok: 1 }))
  const { data } = await list('desktop-app', { status: 'active' })
  assert.equal(new Set(data.map(({ installationId }) => installationId)).size, 2)
})

test('licenses.create(): a concurrent delete of customer or tier leaves no license without one', async () => {
  for (const what of ['customer', 'tier'] as const) {
    const { licensing, customer, issue } = await newShop()
    const going =
      what === 'customer'
        ? licensing.customers.delete('desktop-app', customer.id)
        : licensing.tiers.delete('desktop-app', 'pro')
    const codes = await Promise.all([...times(4, () => codeOf(issue())), codeOf(going)])
    assert.equal(codes.at(-1), 'ok')
    for (const code of codes.slice(0, -1))
      assert.ok(['ok', 'validation_error', 'not_found'].includes(code), `${what}: ${code}`)
    const { data } = await licensing.licenses.list('desktop-app')
    for (const license of data)
      assert.equal(
        what === 'customer' ? license.customerId : license.tierId,
        null,
        'nothing refers to what is gone',
      )
  }
})

test('apps.delete(): beside concurrent rotations and new licenses, nothing of the app remains', async () => {
  const { licensing, storage, app, issue } = await newShop()
  const { id, token } = await issue()
  const codes = await Promise.all(
    [
      licensing.rotateKeys('desktop-app'),
      issue(),
      licensing.licenses.renew('desktop-app', id, token),
      licensing.apps.delete('desktop-app'),
      issue(),
      licensing.tiers.addFeature('desktop-app', 'pro', { name: 'x', slug: 'x' }),
    ].map(codeOf),
  )
  assert.equal(codes[3], 'ok')
  assert.equal(await codeOf(licensing.apps.get('desktop-app')), 'not_found')
  assert.deepEqual([await storage.countTiers(app.id), (await storage.listSigningKeys(app.id)).length], [0, 0])
})
