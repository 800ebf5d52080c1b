import assert from 'node:assert/strict'
import type { Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addDelivery,
  addFeature,
  addLicense,
  addShop,
  farFuture,
  idsOf,
  newApiKey,
  newApp,
  newSigningKey,
  newWebhook,
  oddText,
  type Shop,
} from './records.ts'

const fieldCases: readonly ConformanceCase[] = [
  storageCase('apps: every field comes back as it went in', async (storage) => {
    const full = newApp({
      name: oddText,
      mode: 'test',
      description: '',
      webhookUrl: 'https://example.com/?a=1&b=%20',
      issuer: oddText,
      tokenSecret: oddText,
      createdAt: 0,
      updatedAt: farFuture,
    })
    const bare = newApp()
    assert.equal(await storage.insertApp(full), true)
    assert.equal(await storage.insertApp(bare), true)
    assert.deepEqual(await storage.findApp(full.id), full)
    assert.deepEqual(await storage.findApp(full.slug), full)
    assert.deepEqual(await storage.findApp(bare.slug), bare)
  }),
  storageCase('apps: a missing one is null', async (storage) => {
    const app = await addApp(storage)
    assert.equal(await storage.findApp('app_missing'), null)
    assert.equal(await storage.findApp('missing'), null)
    assert.equal(await storage.updateApp('app_missing', { name: 'x' }), null)
    assert.equal(await storage.updateApp(app.slug, { name: 'x' }), null)
    assert.equal(await storage.deleteApp('app_missing'), false)
  }),
  storageCase('apps: a taken slug changes nothing', async (storage) => {
    const app = await addApp(storage)
    assert.equal(await storage.insertApp(newApp({ slug: app.slug, name: 'Other' })), false)
    assert.deepEqual(await storage.findApp(app.slug), app)
    assert.equal(await storage.countApps({}), 1)
  }),
  storageCase('apps: of 8 that want one slug, one gets it', async (storage) => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => storage.insertApp(newApp({ slug: 'wanted' }))),
    )
    assert.equal(answers.filter(Boolean).length, 1)
    assert.equal(await storage.countApps({}), 1)
  }),
  storageCase('apps: a change leaves the other fields, and null clears', async (storage) => {
    const app = await addApp(storage, { description: 'old', webhookUrl: 'https://example.com' })
    const patch = { name: oddText, description: null, updatedAt: farFuture }
    assert.deepEqual(await storage.updateApp(app.id, patch), { ...app, ...patch })
    assert.deepEqual(await storage.updateApp(app.id, {}), { ...app, ...patch })
    assert.deepEqual(await storage.findApp(app.id), { ...app, ...patch })
  }),
  storageCase('apps: filters by mode and by id', async (storage) => {
    const live = await addApp(storage)
    const test = await addApp(storage, { mode: 'test' })
    assert.deepEqual(idsOf(await storage.listApps({ mode: 'test' }, { limit: 9 })), [test.id])
    assert.deepEqual(idsOf(await storage.listApps({ id: live.id }, { limit: 9 })), [live.id])
    assert.deepEqual(await storage.listApps({ id: live.id, mode: 'test' }, { limit: 9 }), [])
    assert.equal(await storage.countApps({ mode: 'live' }), 1)
    assert.equal(await storage.countApps({ id: live.id, mode: 'test' }), 0)
  }),
]

/** What is left of a shop's app, counted in every table. */
async function contentsOf(storage: Storage, { app, tier }: Shop): Promise<number[]> {
  return [
    await storage.countTiers(app.id),
    await storage.countFeatures(app.id),
    (await storage.listTierFeatures(tier.id)).length,
    await storage.countCustomers({ appId: app.id }),
    await storage.countLicenses({ appId: app.id, now: 0 }),
    (await storage.listSigningKeys(app.id)).length,
    await storage.countDeliveries({ appId: app.id }),
    (await storage.findWebhook(app.id)) === null ? 0 : 1,
  ]
}

async function fullShop(storage: Storage): Promise<Shop> {
  const shop = await addShop(storage)
  const feature = await addFeature(storage, shop.app.id)
  await storage.addTierFeature(shop.tier.id, feature.id, 9)
  await addLicense(storage, shop)
  await storage.swapActiveKey(shop.app.id, null, newSigningKey(shop.app.id), null)
  await storage.insertApiKey(newApiKey({ appId: shop.app.id, app: shop.app.slug }))
  await storage.insertWebhook(newWebhook(shop.app.id))
  await addDelivery(storage, shop.app.id)
  return shop
}

const deletionCases: readonly ConformanceCase[] = [
  storageCase('apps: deletion takes everything in it, and nothing else', async (storage) => {
    const gone = await fullShop(storage)
    const stays = await fullShop(storage)
    assert.deepEqual(await contentsOf(storage, gone), [1, 1, 1, 1, 1, 1, 1, 1])
    assert.equal(await storage.deleteApp(gone.app.id), true)
    assert.equal(await storage.findApp(gone.app.id), null)
    assert.deepEqual(await contentsOf(storage, gone), [0, 0, 0, 0, 0, 0, 0, 0])
    assert.deepEqual(await contentsOf(storage, stays), [1, 1, 1, 1, 1, 1, 1, 1])
    const keys = await storage.listApiKeys({}, { limit: 9 })
    assert.deepEqual(
      keys.map((key) => key.appId),
      [stays.app.id],
    )
    assert.deepEqual(await storage.listAppsWithDueDeliveries(farFuture), [stays.app.id])
    assert.equal(await storage.deleteApp(gone.app.id), false)
  }),
  storageCase('apps: a freed slug may be taken again, with nothing of the old app', async (storage) => {
    const old = await fullShop(storage)
    await storage.deleteApp(old.app.id)
    const next = newApp({ slug: old.app.slug })
    assert.equal(await storage.insertApp(next), true)
    assert.deepEqual(await storage.findApp(old.app.slug), next)
    assert.equal(await storage.findActiveKey(next.id), null)
  }),
]

export const appCases: readonly ConformanceCase[] = [...fieldCases, ...deletionCases]
