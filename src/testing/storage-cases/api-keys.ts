import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, atOnce, farFuture, idsOf, newApiKey, oddText } from './records.ts'

export const apiKeyCases: readonly ConformanceCase[] = [
  storageCase('API keys: every field comes back as it went in', async (storage) => {
    const app = await addApp(storage)
    const full = newApiKey({
      name: oddText,
      type: 'pk',
      mode: 'test',
      appId: app.id,
      app: app.slug,
      lastFour: '',
      createdAt: 0,
      expiresAt: farFuture,
      revokedAt: 0,
      lastUsedAt: farFuture,
    })
    const bare = newApiKey()
    await storage.insertApiKey(full)
    await storage.insertApiKey(bare)
    assert.deepEqual(await storage.findApiKey(full.id), full)
    assert.deepEqual(await storage.findApiKeyByHash(full.hash), full)
    assert.deepEqual(await storage.findApiKeyByHash(bare.hash), bare)
  }),
  storageCase('API keys: a missing one is null', async (storage) => {
    assert.equal(await storage.findApiKey('key_missing'), null)
    assert.equal(await storage.findApiKeyByHash('missing'), null)
    assert.equal(await storage.updateApiKey('key_missing', { name: 'x' }), null)
    assert.equal(await storage.countApiKeys({}), 0)
  }),
  storageCase('API keys: a change leaves the other fields, and null clears', async (storage) => {
    const key = newApiKey({ name: 'old', expiresAt: 5 })
    await storage.insertApiKey(key)
    const patch = { name: null, expiresAt: null, revokedAt: farFuture }
    assert.deepEqual(await storage.updateApiKey(key.id, patch), { ...key, ...patch })
    assert.deepEqual(await storage.updateApiKey(key.id, {}), { ...key, ...patch })
    assert.deepEqual(await storage.findApiKeyByHash(key.hash), { ...key, ...patch })
  }),
  storageCase('API keys: filters by mode', async (storage) => {
    const [live, test] = [newApiKey(), newApiKey({ mode: 'test' })]
    await storage.insertApiKey(live)
    await storage.insertApiKey(test)
    assert.deepEqual(idsOf(await storage.listApiKeys({ mode: 'test' }, { limit: 9 })), [test.id])
    assert.equal(await storage.countApiKeys({ mode: 'live' }), 1)
    assert.equal(await storage.countApiKeys({}), 2)
  }),
  storageCase('API keys: the first is written into an empty storage only', async (storage) => {
    const first = newApiKey()
    assert.equal(await storage.insertFirstApiKey(first), true)
    assert.equal(await storage.insertFirstApiKey(newApiKey()), false)
    assert.deepEqual(await storage.listApiKeys({}, { limit: 9 }), [first])
  }),
  storageCase('API keys: of 8 that would be the first, one is', async (storage) => {
    const keys = Array.from({ length: 8 }, () => newApiKey())
    const answers = await atOnce(8, (index) => storage.insertFirstApiKey(keys[index]!))
    assert.equal(answers.filter(Boolean).length, 1)
    assert.deepEqual(await storage.listApiKeys({}, { limit: 9 }), [keys[answers.indexOf(true)]])
  }),
  storageCase('API keys: the time of last use never goes back', async (storage) => {
    const [one, two, three] = [newApiKey(), newApiKey({ lastUsedAt: 50 }), newApiKey()]
    for (const key of [one, two, three]) await storage.insertApiKey(key)
    const usedAt = async () =>
      Promise.all([one, two, three].map(async ({ id }) => (await storage.findApiKey(id))!.lastUsedAt))
    await storage.touchApiKeys(
      new Map([
        [two.id, 40],
        [one.id, 10],
        ['key_missing', 9],
      ]),
    )
    assert.deepEqual(await usedAt(), [10, 50, null])
    await storage.touchApiKeys(
      new Map([
        [one.id, farFuture],
        [two.id, 51],
      ]),
    )
    await storage.touchApiKeys(new Map())
    assert.deepEqual(await usedAt(), [farFuture, 51, null])
  }),
  storageCase('key check: the first stands', async (storage) => {
    assert.equal(await storage.claimKeyCheck('first'), 'first')
    assert.equal(await storage.claimKeyCheck('second'), 'first')
    assert.equal(await storage.claimKeyCheck('first'), 'first')
  }),
  storageCase('key check: of 8 at once, all are told the one that stands', async (storage) => {
    const answers = await atOnce(8, (index) => storage.claimKeyCheck(`sealed ${index}`))
    assert.equal(new Set(answers).size, 1)
    assert.equal(await storage.claimKeyCheck('late'), answers[0])
  }),
]
