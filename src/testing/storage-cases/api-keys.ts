import assert from 'node:assert/strict'
import type { ApiKeyRecord } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, concurrently, farFuture, idsOf, newApiKey, oddText } from './records.ts'

export const apiKeyCases: readonly ConformanceCase[] = [
  storageCase('findApiKey(): returns every field unchanged, by id and by hash', async (storage) => {
    const app = await addApp(storage)
    const full = newApiKey({
      name: oddText,
      type: 'scoped_pk',
      mode: 'test',
      appId: app.id,
      app: app.slug,
      lastFour: '',
      createdAt: 0,
      expiresAt: farFuture,
      revokedAt: 0,
      lastUsedAt: farFuture,
      scopes: ['catalogue:read', 'audit:read'],
    })
    const bare = newApiKey()
    await storage.insertApiKey(full)
    await storage.insertApiKey(bare)
    assert.deepEqual(await storage.findApiKey(full.id), full)
    assert.deepEqual(await storage.findApiKeyByHash(full.hash), full)
    assert.deepEqual(await storage.findApiKeyByHash(bare.hash), bare)
  }),
  storageCase('findApiKey(): returns null for a missing key', async (storage) => {
    assert.equal(await storage.findApiKey('key_missing'), null)
    assert.equal(await storage.findApiKeyByHash('missing'), null)
    assert.equal(await storage.updateApiKey('key_missing', { name: 'x' }), null)
    assert.equal(await storage.countApiKeys({}), 0)
  }),
  storageCase('insertApiKey(): a taken id or hash rejects with `conflict`', async (storage) => {
    const key = newApiKey()
    await storage.insertApiKey(key)
    await assert.rejects(storage.insertApiKey(newApiKey({ id: key.id })), { code: 'conflict' })
    await assert.rejects(storage.insertApiKey(newApiKey({ hash: key.hash })), { code: 'conflict' })
    assert.deepEqual(await storage.listApiKeys({}, { limit: 9 }), [key])
  }),
  storageCase('updateApiKey(): leaves the other fields, and null clears a field', async (storage) => {
    const key = newApiKey({ name: 'old', expiresAt: 5 })
    await storage.insertApiKey(key)
    const patch = { name: null, expiresAt: null, revokedAt: farFuture }
    assert.deepEqual(await storage.updateApiKey(key.id, patch), { ...key, ...patch })
    assert.deepEqual(await storage.updateApiKey(key.id, {}), { ...key, ...patch })
    assert.deepEqual(await storage.findApiKeyByHash(key.hash), { ...key, ...patch })
  }),
  storageCase('listApiKeys(): filters by mode', async (storage) => {
    const [live, test] = [newApiKey(), newApiKey({ mode: 'test' })]
    await storage.insertApiKey(live)
    await storage.insertApiKey(test)
    assert.deepEqual(idsOf(await storage.listApiKeys({ mode: 'test' }, { limit: 9 })), [test.id])
    assert.equal(await storage.countApiKeys({ mode: 'live' }), 1)
    assert.equal(await storage.countApiKeys({}), 2)
  }),
  storageCase(
    'listApiKeys(): leaves out keys without scopes, and those with one of the given',
    async (storage) => {
      const [sells, reads, writes] = (
        [['license_keys:write'], ['licenses:read', 'customers:read'], ['licenses:write']] as const
      ).map((scopes) => newApiKey({ type: 'scoped_sk', scopes })) as [
        ApiKeyRecord,
        ApiKeyRecord,
        ApiKeyRecord,
      ]
      for (const key of [sells, newApiKey(), reads, writes]) await storage.insertApiKey(key)
      const filter = { withoutScopes: ['licenses:write', 'delete'] } as const
      assert.deepEqual(idsOf(await storage.listApiKeys(filter, { limit: 9 })), [reads.id, sells.id])
      assert.deepEqual(idsOf(await storage.listApiKeys({ ...filter, mode: 'test' }, { limit: 9 })), [])
      assert.equal(await storage.countApiKeys({ withoutScopes: ['customers:read'] }), 2)
      assert.equal(await storage.countApiKeys({ withoutScopes: [] }), 3)
    },
  ),
  storageCase('insertFirstApiKey(): writes only into a storage without API keys', async (storage) => {
    const first = newApiKey()
    assert.equal(await storage.insertFirstApiKey(first), true)
    assert.equal(await storage.insertFirstApiKey(newApiKey()), false)
    assert.deepEqual(await storage.listApiKeys({}, { limit: 9 }), [first])
  }),
  storageCase('insertFirstApiKey(): one of 8 concurrent calls wins', async (storage) => {
    const keys = Array.from({ length: 8 }, () => newApiKey())
    const results = await concurrently(8, (index) => storage.insertFirstApiKey(keys[index]!))
    assert.equal(results.filter(Boolean).length, 1)
    assert.deepEqual(await storage.listApiKeys({}, { limit: 9 }), [keys[results.indexOf(true)]])
  }),
  storageCase('touchApiKeys(): never lowers the time of last use', async (storage) => {
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
]
