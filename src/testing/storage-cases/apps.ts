import assert from 'node:assert/strict'
import type { Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addDelivery,
  addFeature,
  addLicense,
  addParents,
  farFuture,
  idsOf,
  newApiKey,
  newApp,
  newSigningKey,
  newWebhook,
  oddText,
  type Parents,
} from './records.ts'

const fieldCases: readonly ConformanceCase[] = [
  storageCase('findApp(): returns every field unchanged, by id and by slug', async (storage) => {
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
  storageCase('findApp(): returns null for a missing app', async (storage) => {
    const app = await addApp(storage)
    assert.equal(await storage.findApp('app_missing'), null)
    assert.equal(await storage.findApp('missing'), null)
    assert.equal(await storage.updateApp('app_missing', { name: 'x' }), null)
    assert.equal(await storage.updateApp(app.slug, { name: 'x' }), null)
    assert.equal(await storage.deleteApp('app_missing'), false)
  }),
  storageCase('insertApp(): a taken slug writes nothing', async (storage) => {
    const app = await addApp(storage)
    assert.equal(await storage.insertApp(newApp({ slug: app.slug, name: 'Other' })), false)
    assert.deepEqual(await storage.findApp(app.slug), app)
    assert.equal(await storage.countApps({}), 1)
  }),
  storageCase('insertApp(): one of 8 concurrent calls gets the slug', async (storage) => {
    const results = await Promise.all(
      Array.from({ length: 8 }, () => storage.insertApp(newApp({ slug: 'wanted' }))),
    )
    assert.equal(results.filter(Boolean).length, 1)
    assert.equal(await storage.countApps({}), 1)
  }),
  storageCase('updateApp(): leaves the other fields, and null clears a field', async (storage) => {
    const app = await addApp(storage, { description: 'old', webhookUrl: 'https://example.com' })
    const patch = { name: oddText, description: null, updatedAt: farFuture }
    assert.deepEqual(await storage.updateApp(app.id, patch), { ...app, ...patch })
    assert.deepEqual(await storage.updateApp(app.id, {}), { ...app, ...patch })
    assert.deepEqual(await storage.findApp(app.id), { ...app, ...patch })
  }),
  storageCase('listApps(): filters by mode, by id and by slugs', async (storage) => {
    const live = await addApp(storage)
    const test = await addApp(storage, { mode: 'test' })
    assert.deepEqual(idsOf(await storage.listApps({ mode: 'test' }, { limit: 9 })), [test.id])
    assert.deepEqual(idsOf(await storage.listApps({ id: live.id }, { limit: 9 })), [live.id])
    assert.deepEqual(await storage.listApps({ id: live.id, mode: 'test' }, { limit: 9 }), [])
    const slugs = [test.slug, 'no-app']
    assert.deepEqual(idsOf(await storage.listApps({ slugs }, { limit: 9 })), [test.id])
    assert.equal(await storage.countApps({ slugs, mode: 'live' }), 0)
    assert.deepEqual(await storage.listApps({ slugs: [] }, { limit: 9 }), [])
    assert.equal(await storage.countApps({ mode: 'live' }), 1)
    assert.equal(await storage.countApps({ id: live.id, mode: 'test' }), 0)
  }),
]

/** The number of records in an app, by kind. */
async function contentsOf(storage: Storage, { app, tier }: Parents): Promise<number[]> {
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

async function addFullApp(storage: Storage): Promise<Parents> {
  const parents = await addParents(storage)
  const feature = await addFeature(storage, parents.app.id)
  await storage.addTierFeature(parents.tier.id, feature.id, 9)
  await addLicense(storage, parents)
  await storage.swapActiveKey(parents.app.id, null, newSigningKey(parents.app.id), null)
  await storage.insertApiKey(newApiKey({ appId: parents.app.id, app: parents.app.slug }))
  await storage.insertWebhook(newWebhook(parents.app.id))
  await addDelivery(storage, parents.app.id)
  return parents
}

const deletionCases: readonly ConformanceCase[] = [
  storageCase('deleteApp(): deletes everything in the app, and nothing else', async (storage) => {
    const gone = await addFullApp(storage)
    const stays = await addFullApp(storage)
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
  storageCase('deleteApp(): frees the slug, and a new app has nothing of the old one', async (storage) => {
    const old = await addFullApp(storage)
    await storage.deleteApp(old.app.id)
    const next = newApp({ slug: old.app.slug })
    assert.equal(await storage.insertApp(next), true)
    assert.deepEqual(await storage.findApp(old.app.slug), next)
    assert.equal(await storage.findActiveKey(next.id), null)
  }),
]

export const appCases: readonly ConformanceCase[] = [...fieldCases, ...deletionCases]
