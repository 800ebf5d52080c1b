import assert from 'node:assert/strict'
import type { Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addFeature,
  addLicense,
  addShop,
  atOnce,
  farFuture,
  newFeature,
  newTier,
  oddText,
  several,
} from './records.ts'

const tierCases: readonly ConformanceCase[] = [
  storageCase('tiers: every field comes back as it went in', async (storage) => {
    const app = await addApp(storage)
    const full = newTier(app.id, {
      name: oddText,
      description: '',
      position: -7,
      createdAt: 0,
      updatedAt: farFuture,
    })
    const bare = newTier(app.id)
    assert.equal(await storage.insertTier(full), true)
    assert.equal(await storage.insertTier(bare), true)
    assert.deepEqual(await storage.findTier(app.id, full.id), full)
    assert.deepEqual(await storage.findTier(app.id, full.slug), full)
    assert.deepEqual(await storage.listTiers(app.id, { limit: 9 }), [full, bare])
  }),
  storageCase('tiers: are written without features', async (storage) => {
    const { id: appId } = await addApp(storage)
    const feature = await addFeature(storage, appId)
    const tier = newTier(appId)
    await storage.insertTier({ ...tier, features: [feature.slug] })
    assert.deepEqual(await storage.findTier(appId, tier.id), tier)
  }),
  storageCase('tiers: a missing one, and one of another app, is null', async (storage) => {
    const { tier } = await addShop(storage)
    const other = await addApp(storage)
    assert.equal(await storage.findTier(other.id, tier.id), null)
    assert.equal(await storage.findTier(other.id, tier.slug), null)
    assert.equal(await storage.findTier(other.id, 'missing'), null)
    assert.equal(await storage.updateTier('tier_missing', { name: 'x' }), null)
    assert.equal(await storage.deleteTier('tier_missing'), false)
  }),
  storageCase('tiers: a slug is taken in its app alone', async (storage) => {
    const { app, tier } = await addShop(storage)
    const other = await addApp(storage)
    assert.equal(await storage.insertTier(newTier(app.id, { slug: tier.slug, name: 'Other' })), false)
    assert.deepEqual(await storage.findTier(app.id, tier.slug), tier)
    assert.equal(await storage.insertTier(newTier(other.id, { slug: tier.slug })), true)
  }),
  storageCase('tiers: a change leaves the other fields and the features', async (storage) => {
    const { app, tier } = await addShop(storage)
    const feature = await addFeature(storage, app.id)
    await storage.addTierFeature(tier.id, feature.id, 9)
    const patch = { name: oddText, description: 'new', position: 3, updatedAt: farFuture }
    const changed = { ...tier, ...patch, features: [feature.slug] }
    assert.deepEqual(await storage.updateTier(tier.id, patch), changed)
    assert.deepEqual(await storage.updateTier(tier.id, {}), changed)
    assert.deepEqual(await storage.findTier(app.id, tier.id), changed)
  }),
  storageCase(
    'tiers: deletion leaves the licenses, without their tier and in a new version',
    async (storage) => {
      const shop = await addShop(storage)
      const other = newTier(shop.app.id)
      await storage.insertTier(other)
      const license = await addLicense(storage, shop)
      const untouched = await addLicense(storage, { ...shop, tier: other })
      assert.equal(await storage.deleteTier(shop.tier.id), true)
      assert.equal(await storage.findTier(shop.app.id, shop.tier.id), null)
      assert.deepEqual(await storage.findLicense(shop.app.id, license.id), {
        ...license,
        tierId: null,
        version: 2,
      })
      assert.deepEqual(await storage.findLicense(shop.app.id, untouched.id), untouched)
      assert.equal(await storage.updateLicense(license.id, 1, { tier: 'x' }), null)
    },
  ),
]

const featureCases: readonly ConformanceCase[] = [
  storageCase('features: every field comes back as it went in', async (storage) => {
    const app = await addApp(storage)
    const full = newFeature(app.id, { name: oddText, description: '', createdAt: 0, updatedAt: farFuture })
    const bare = newFeature(app.id)
    assert.equal(await storage.insertFeature(full), true)
    assert.equal(await storage.insertFeature(bare), true)
    assert.deepEqual(await storage.findFeature(app.id, full.id), full)
    assert.deepEqual(await storage.findFeature(app.id, full.slug), full)
    assert.deepEqual(await storage.findFeature(app.id, bare.id), bare)
  }),
  storageCase('features: a missing one, and one of another app, is null', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const feature = await addFeature(storage, app.id)
    assert.equal(await storage.findFeature(other.id, feature.id), null)
    assert.equal(await storage.findFeature(other.id, feature.slug), null)
    assert.equal(await storage.findFeature(app.id, 'missing'), null)
    assert.equal(await storage.updateFeature('feat_missing', { name: 'x' }), null)
    assert.equal(await storage.deleteFeature('feat_missing'), false)
  }),
  storageCase('features: a slug is taken in its app alone', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const feature = await addFeature(storage, app.id)
    assert.equal(
      await storage.insertFeature(newFeature(app.id, { slug: feature.slug, name: 'Other' })),
      false,
    )
    assert.deepEqual(await storage.findFeature(app.id, feature.slug), feature)
    assert.equal(await storage.insertFeature(newFeature(other.id, { slug: feature.slug })), true)
  }),
  storageCase('features: a change leaves the other fields', async (storage) => {
    const app = await addApp(storage)
    const feature = await addFeature(storage, app.id)
    const patch = { name: oddText, description: '', updatedAt: farFuture }
    assert.deepEqual(await storage.updateFeature(feature.id, patch), { ...feature, ...patch })
    assert.deepEqual(await storage.updateFeature(feature.id, {}), { ...feature, ...patch })
  }),
]

async function tierWith(storage: Storage, count: number) {
  const { app, tier } = await addShop(storage)
  const features = await several(count, () => addFeature(storage, app.id))
  const slugs = async (): Promise<readonly string[]> => (await storage.findTier(app.id, tier.id))!.features
  const add = (index: number, limit = 9) => storage.addTierFeature(tier.id, features[index]!.id, limit)
  return { app, tier, features, slugs, add }
}

const linkCases: readonly ConformanceCase[] = [
  storageCase('tier features: keep the order in which they were added', async (storage) => {
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
  storageCase('tier features: one that is there is `present`, in a full tier too', async (storage) => {
    const { features, slugs, add } = await tierWith(storage, 3)
    await add(0)
    await add(1)
    assert.equal(await add(0), 'present')
    assert.equal(await add(0, 2), 'present')
    assert.equal(await add(2, 2), 'full')
    assert.deepEqual(await slugs(), [features[0]!.slug, features[1]!.slug])
  }),
  storageCase('tier features: 8 at once do not pass the limit', async (storage) => {
    const { slugs, add } = await tierWith(storage, 8)
    const answers = await atOnce(8, (index) => add(index, 3))
    assert.equal(answers.filter((answer) => answer === 'added').length, 3)
    assert.equal(answers.filter((answer) => answer === 'full').length, 5)
    assert.equal((await slugs()).length, 3)
  }),
  storageCase(
    'tier features: removal leaves the others, and is false when there is none',
    async (storage) => {
      const { tier, features, slugs, add } = await tierWith(storage, 3)
      for (const index of [0, 1, 2]) await add(index)
      assert.equal(await storage.removeTierFeature(tier.id, features[1]!.id), true)
      assert.equal(await storage.removeTierFeature(tier.id, features[1]!.id), false)
      assert.equal(await storage.removeTierFeature('tier_missing', features[0]!.id), false)
      assert.deepEqual(await slugs(), [features[0]!.slug, features[2]!.slug])
    },
  ),
  storageCase('tier features: deleting a feature takes it out of every tier', async (storage) => {
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
  storageCase('tier features: none in a tier that is missing or deleted', async (storage) => {
    const { tier, add } = await tierWith(storage, 1)
    await add(0)
    assert.deepEqual(await storage.listTierFeatures('tier_missing'), [])
    await storage.deleteTier(tier.id)
    assert.deepEqual(await storage.listTierFeatures(tier.id), [])
  }),
]

export const tierAndFeatureCases: readonly ConformanceCase[] = [...tierCases, ...featureCases, ...linkCases]
