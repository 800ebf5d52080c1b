import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, concurrently, farFuture, madeAt, newSigningKey, oddText } from './records.ts'

export const signingKeyCases: readonly ConformanceCase[] = [
  storageCase('findActiveKey(): returns every field unchanged', async (storage) => {
    const app = await addApp(storage)
    const key = newSigningKey(app.id, { publicKeyPem: oddText, privateKey: oddText, createdAt: farFuture })
    assert.equal(await storage.findActiveKey(app.id), null)
    assert.deepEqual(await storage.listSigningKeys(app.id), [])
    assert.equal(await storage.swapActiveKey(app.id, null, key, null), true)
    assert.deepEqual(await storage.findActiveKey(app.id), key)
    assert.deepEqual(await storage.listSigningKeys(app.id), [key])
  }),
  storageCase('swapActiveKey(): changes the keys of one app only', async (storage) => {
    const [one, other] = [await addApp(storage), await addApp(storage)]
    const key = newSigningKey(one.id)
    await storage.swapActiveKey(one.id, null, key, null)
    assert.equal(await storage.findActiveKey(other.id), null)
    assert.equal(await storage.swapActiveKey(other.id, key.kid, newSigningKey(other.id), null), false)
    assert.equal(await storage.swapActiveKey(other.id, null, { ...key, appId: other.id }, null), true)
    assert.deepEqual(await storage.findActiveKey(one.id), key)
  }),
  storageCase(
    'swapActiveKey(): without a grace period, the other keys stay as tombstones only',
    async (storage) => {
      const app = await addApp(storage)
      const [first, second, third] = [newSigningKey(app.id), newSigningKey(app.id), newSigningKey(app.id)]
      await storage.swapActiveKey(app.id, null, first, null)
      const compromised = { retiredAt: madeAt + 5, retiredReason: 'compromised' } as const
      await storage.swapActiveKey(app.id, first.kid, second, farFuture)
      assert.equal(await storage.swapActiveKey(app.id, second.kid, third, null, compromised), true)
      assert.deepEqual(await storage.listSigningKeys(app.id), [
        third,
        { ...second, ...compromised, privateKey: null, acceptedUntil: 0 },
        { ...first, retiredAt: madeAt, retiredReason: 'rotated', privateKey: null, acceptedUntil: 0 },
      ])
      const old = { ...first, privateKey: 'sealed' }
      assert.equal(await storage.swapActiveKey(app.id, third.kid, old, null), false)
    },
  ),
  storageCase(
    'swapActiveKey(): with a grace period, the old public keys stay, newest first',
    async (storage) => {
      const app = await addApp(storage)
      const keys = [1, 2, 3].map((createdAt) => newSigningKey(app.id, { createdAt }))
      const [first, second, third] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]]
      await storage.swapActiveKey(app.id, null, first, null)
      await storage.swapActiveKey(app.id, first.kid, second, farFuture)
      await storage.swapActiveKey(app.id, second.kid, third, farFuture - 1)
      assert.deepEqual(await storage.listSigningKeys(app.id), [
        third,
        { ...second, ...rotatedAt(3), privateKey: null, acceptedUntil: farFuture - 1 },
        { ...first, ...rotatedAt(2), privateKey: null, acceptedUntil: farFuture },
      ])
      assert.deepEqual(await storage.findActiveKey(app.id), third)
    },
  ),
  storageCase('swapActiveKey(): another expected key changes nothing', async (storage) => {
    const app = await addApp(storage)
    const key = newSigningKey(app.id)
    const next = newSigningKey(app.id)
    assert.equal(await storage.swapActiveKey(app.id, 'kid_missing', next, null), false)
    await storage.swapActiveKey(app.id, null, key, null)
    assert.equal(await storage.swapActiveKey(app.id, null, next, null), false)
    assert.equal(await storage.swapActiveKey(app.id, 'kid_missing', next, farFuture), false)
    assert.equal(await storage.swapActiveKey(app.id, key.kid, { ...next, kid: key.kid }, null), false)
    assert.deepEqual(await storage.listSigningKeys(app.id), [key])
  }),
  ...[null, farFuture].map((acceptOldUntil) => wonByOne(acceptOldUntil)),
  storageCase('endGracePeriods(): ends those of the named keys of one app only', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const keys = [1, 2, 3, 4].map((createdAt) => newSigningKey(app.id, { createdAt }))
    for (const appId of [app.id, other.id])
      for (const [at, key] of keys.entries())
        await storage.swapActiveKey(appId, keys[at - 1]?.kid ?? null, { ...key, appId }, farFuture)
    const before = [await storage.listSigningKeys(app.id), await storage.listSigningKeys(other.id)]
    await storage.endGracePeriods(app.id, [])
    await storage.endGracePeriods(app.id, ['kid_missing'])
    await storage.endGracePeriods('app_missing', [keys[0]!.kid])
    assert.deepEqual(await storage.listSigningKeys(app.id), before[0])
    const named = [keys[0]!.kid, keys[2]!.kid, keys[3]!.kid]
    await storage.endGracePeriods(app.id, named)
    assert.deepEqual(
      await storage.listSigningKeys(app.id),
      before[0]!.map((key) =>
        key.acceptedUntil !== null && named.includes(key.kid) ? { ...key, acceptedUntil: 0 } : key,
      ),
    )
    assert.deepEqual(await storage.listSigningKeys(other.id), before[1])
  }),
  storageCase('swapActiveKey(): one of 8 concurrent first keys wins', async (storage) => {
    const app = await addApp(storage)
    const keys = Array.from({ length: 8 }, () => newSigningKey(app.id))
    const results = await concurrently(8, (index) => storage.swapActiveKey(app.id, null, keys[index]!, null))
    assert.equal(results.filter(Boolean).length, 1)
    assert.deepEqual(await storage.listSigningKeys(app.id), [keys[results.indexOf(true)]])
  }),
]

function rotatedAt(retiredAt: number) {
  return { retiredAt, retiredReason: 'rotated' } as const
}

function wonByOne(acceptOldUntil: number | null): ConformanceCase {
  const kind = acceptOldUntil === null ? 'without grace' : 'with grace'
  return storageCase(`swapActiveKey(): one of 8 concurrent calls ${kind} wins`, async (storage) => {
    const app = await addApp(storage)
    const old = newSigningKey(app.id)
    await storage.swapActiveKey(app.id, null, old, null)
    const keys = Array.from({ length: 8 }, () => newSigningKey(app.id))
    const results = await concurrently(8, (index) =>
      storage.swapActiveKey(app.id, old.kid, keys[index]!, acceptOldUntil),
    )
    assert.equal(results.filter(Boolean).length, 1)
    const all = await storage.listSigningKeys(app.id)
    assert.deepEqual(all[0], keys[results.indexOf(true)])
    assert.equal(all.filter((key) => key.acceptedUntil === null).length, 1)
    assert.equal(all.filter((key) => key.privateKey !== null).length, 1)
    assert.equal(all.length, 2)
  })
}
