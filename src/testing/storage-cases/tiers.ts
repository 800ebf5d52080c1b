import assert from 'node:assert/strict'
import type { Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addFeature,
  addLicense,
  addParents,
  concurrently,
  farFuture,
  newFeature,
  newTier,
  oddLimits,
  oddText,
  several,
} from './records.ts'

const ownCases: readonly ConformanceCase[] = [
  storageCase('findTier(): returns every field unchanged, by id and by slug', async (storage) => {
    const app = await addApp(storage)
    const full = newTier(app.id, {
      name: oddText,
      description: '',
      position: -7,
      limits: oddLimits,
      createdAt: 0,
      updatedAt: farFuture,
    })
    const bare = newTier(app.id)
    assert.equal(await storage.insertTier(full), true)
    assert.equal(await storage.insertTier(bare), true)
    assert.deepEqual(await storage.findTier(app.id, full.id), full)
    assert.deepEqual(await storage.findTier(app.id, full.slug), full)
    assert.ok(Object.hasOwn((await storage.findTier(app.id, full.id))!.limits, '__proto__'))
    assert.deepEqual(await storage.listTiers(app.id, { limit: 9 }), [full, bare])
  }),
  storageCase('insertTier(): writes a tier without its features', async (storage) => {
    const { id: appId } = await addApp(storage)
    const feature = await addFeature(storage, appId)
    const tier = newTier(appId)
    await storage.insertTier({ ...tier, features: [feature.slug] })
    assert.deepEqual(await storage.findTier(appId, tier.id), tier)
  }),
  storageCase('findTier(): returns null for a missing tier, and for one of another app', async (storage) => {
    const { tier } = await addParents(storage)
    const other = await addApp(storage)
    assert.equal(await storage.findTier(other.id, tier.id), null)
    assert.equal(await storage.findTier(other.id, tier.slug), null)
    assert.equal(await storage.findTier(other.id, 'missing'), null)
    assert.equal(await storage.updateTier('tier_missing', { name: 'x' }), null)
    assert.equal(await storage.deleteTier('tier_missing'), false)
  }),
  storageCase('insertTier(): a slug is unique in its app only', async (storage) => {
    const { app, tier } = await addParents(storage)
    const other = await addApp(storage)
    assert.equal(await storage.insertTier(newTier(app.id, { slug: tier.slug, name: 'Other' })), false)
    assert.deepEqual(await storage.findTier(app.id, tier.slug), tier)
    assert.equal(await storage.insertTier(newTier(other.id, { slug: tier.slug })), true)
  }),
  storageCase('updateTier(): leaves the other fields and the features', async (storage) => {
    const { app, tier } = await addParents(storage)
    const feature = await addFeature(storage, app.id)
    await storage.addTierFeature(tier.id, feature.id, 9)
    const patch = { name: oddText, description: 'new', position: 3, limits: oddLimits, updatedAt: farFuture }
    const changed = { ...tier, ...patch, features: [feature.slug] }
    assert.deepEqual(await storage.updateTier(tier.id, patch), changed)
    assert.deepEqual(await storage.updateTier(tier.id, {}), changed)
    assert.deepEqual(await storage.findTier(app.id, tier.id), changed)
  }),
  storageCase('deleteTier(): its licenses stay, without the tier and in a new version', async (storage) => {
    const parents = await addParents(storage)
    const other = newTier(parents.app.id)
    await storage.insertTier(other)
    const license = await addLicense(storage, parents)
    const untouched = await addLicense(storage, { ...parents, tier: other })
    assert.equal(await storage.deleteTier(parents.tier.id), true)
    assert.equal(await storage.findTier(parents.app.id, parents.tier.id), null)
    assert.deepEqual(await storage.findLicense(parents.app.id, license.id), {
      ...license,
      tierId: null,
      version: 2,
    })
    assert.deepEqual(await storage.findLicense(parents.app.id, untouched.id), untouched)
    assert.equal(await storage.updateLicense(license.id, 1, { tier: 'x' }), null)
  }),
]

const featureCases: readonly ConformanceCase[] = [
  storageCase('findFeature(): returns every field unchanged, by id and by slug', async (storage) => {
    const app = await addApp(storage)
    const full = newFeature(app.id, { name: oddText, description: '', createdAt: 0, updatedAt: farFuture })
    const bare = newFeature(app.id)
    assert.equal(await storage.insertFeature(full), true)
    assert.equal(await storage.insertFeature(bare), true)
    assert.deepEqual(await storage.findFeature(app.id, full.id), full)
    assert.deepEqual(await storage.findFeature(app.id, full.slug), full)
    assert.deepEqual(await storage.findFeature(app.id, bare.id), bare)
  }),
  storageCase(
    'findFeature(): returns null for a missing feature, and for one of another app',
    async (storage) => {
      const [app, other] = [await addApp(storage), await addApp(storage)]
      const feature = await addFeature(storage, app.id)
      assert.equal(await storage.findFeature(other.id, feature.id), null)
      assert.equal(await storage.findFeature(other.id, feature.slug), null)
      assert.equal(await storage.findFeature(app.id, 'missing'), null)
      assert.equal(await storage.updateFeature('feat_missing', { name: 'x' }), null)
      assert.equal(await storage.deleteFeature('feat_missing'), false)
    },
  ),
  storageCase('insertFeature(): a slug is unique in its app only', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const feature = await addFeature(storage, app.id)
    assert.equal(
      await storage.insertFeature(newFeature(app.id, { slug: feature.slug, name: 'Other' })),
      false,
    )
    assert.deepEqual(await storage.findFeature(app.id, feature.slug), feature)
    assert.equal(await storage.insertFeature(newFeature(other.id, { slug: feature.slug })), true)
  }),
  storageCase('updateFeature(): leaves the other fields', async (storage) => {
    const app = await addApp(storage)
    const feature = await addFeature(storage, app.id)
    const patch = { name: oddText, description: '', updatedAt: farFuture }
    assert.deepEqual(await storage.updateFeature(feature.id, patch), { ...feature, ...patch })
    assert.deepEqual(await storage.updateFeature(feature.id, {}), { ...feature, ...patch })
  }),
]

async function tierWith(storage: Storage, count: number) {
  const { app, tier } = await addParents(storage)
  const features = await several(count, () => addFeature(storage, app.id))
  const slugs = async (): Promise<readonly string[]> => (await storage.findTier(app.id, tier.id))!.features
  const add = (index: number, limit = 9) => storage.addTierFeature(tier.id, features[index]!.id, limit)
  return { app, tier, features, slugs, add }
}

const linkCases: readonly ConformanceCase[] = [
  storageCase('addTierFeature(): features keep the order of adding', async (storage) => {
    const { tier, features, slugs, add } = await tierWith(storage, 4)
    const order = [2, 0, 3, 1]
    for (const index of order) assert.equal(await add(index), 'added')
    const expected = order.map((index) => features[index]!)
    assert.deepEqual(
      await slugs(),
      expected.map((feature) => feature.slug),
    )
    assert.deepEqual(await storage.listTierFeatures(tier.id), expected)
    await storage.removeTierFeature(tier.id, features[2]!.id)
    assert.equal(await add(2), 'added')
    assert.deepEqual(
      await slugs(),
      [0, 3, 1, 2].map((index) => features[index]!.slug),
    )
  }),
  storageCase('addTierFeature(): an existing feature is `present`, in a full tier too', async (storage) => {
    const { features, slugs, add } = await tierWith(storage, 3)
    await add(0)
    await add(1)
    assert.equal(await add(0), 'present')
    assert.equal(await add(0, 2), 'present')
    assert.equal(await add(2, 2), 'full')
    assert.deepEqual(await slugs(), [features[0]!.slug, features[1]!.slug])
  }),
  storageCase('addTierFeature(): 8 concurrent calls do not pass the limit', async (storage) => {
    const { slugs, add } = await tierWith(storage, 8)
    const results = await concurrently(8, (index) => add(index, 3))
    assert.equal(results.filter((result) => result === 'added').length, 3)
    assert.equal(results.filter((result) => result === 'full').length, 5)
    assert.equal((await slugs()).length, 3)
  }),
  storageCase(
    'removeTierFeature(): leaves the other features, and returns false if there is no such feature',
    async (storage) => {
      const { tier, features, slugs, add } = await tierWith(storage, 3)
      for (const index of [0, 1, 2]) await add(index)
      assert.equal(await storage.removeTierFeature(tier.id, features[1]!.id), true)
      assert.equal(await storage.removeTierFeature(tier.id, features[1]!.id), false)
      assert.equal(await storage.removeTierFeature('tier_missing', features[0]!.id), false)
      assert.deepEqual(await slugs(), [features[0]!.slug, features[2]!.slug])
    },
  ),
  storageCase('deleteFeature(): removes the feature from every tier', async (storage) => {
    const { app, tier, features, slugs, add } = await tierWith(storage, 2)
    const other = newTier(app.id)
    await storage.insertTier(other)
    for (const index of [0, 1]) await add(index)
    await storage.addTierFeature(other.id, features[0]!.id, 9)
    assert.equal(await storage.deleteFeature(features[0]!.id), true)
    assert.deepEqual(await slugs(), [features[1]!.slug])
    assert.deepEqual(await storage.listTierFeatures(tier.id), [features[1]!])
    assert.deepEqual(await storage.listTierFeatures(other.id), [])
    assert.equal(await storage.findFeature(app.id, features[0]!.id), null)
  }),
  storageCase('listTierFeatures(): a missing or deleted tier has no features', async (storage) => {
    const { tier, add } = await tierWith(storage, 1)
    await add(0)
    assert.deepEqual(await storage.listTierFeatures('tier_missing'), [])
    await storage.deleteTier(tier.id)
    assert.deepEqual(await storage.listTierFeatures(tier.id), [])
  }),
]

export const tierCases: readonly ConformanceCase[] = [...ownCases, ...featureCases, ...linkCases]
