import assert from 'node:assert/strict'
import type { LicenseRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addFeature,
  addLicense,
  addParents,
  concurrently,
  idsOf,
  madeAt,
  newCustomer,
  newTier,
  oddLimits,
  several,
  type Parents,
} from './records.ts'

const later = madeAt + 100

/** An app whose tier has limits and two features. They were added in the reverse order of their ids. */
async function addTierWithFeatures(storage: Storage): Promise<{ parents: Parents; slugs: string[] }> {
  const parents = await addParents(storage)
  const [one, two] = [await addFeature(storage, parents.app.id), await addFeature(storage, parents.app.id)]
  await storage.addTierFeature(parents.tier.id, two.id, 9)
  await storage.addTierFeature(parents.tier.id, one.id, 9)
  await storage.updateTier(parents.tier.id, { limits: oddLimits })
  return { parents, slugs: [two.slug, one.slug] }
}

/** Regenerates page after page. Resolves to the number of licenses in all pages. */
async function allPages(storage: Storage, appId: string, limit: number): Promise<number> {
  const counts: number[] = []
  let after: string | null = null
  do {
    const from: { after?: string } = after === null ? {} : { after }
    const { count, last } = await storage.regenerateMany({ appId, now: later, limit, ...from })
    counts.push(count)
    after = last
  } while (after !== null && counts.length < 99)
  assert.ok(counts.length > 1 && counts.every((count) => count <= limit))
  return counts.reduce((sum, count) => sum + count, 0)
}

function revisionsOf(storage: Storage, licenses: readonly LicenseRecord[]): Promise<number[]> {
  return Promise.all(licenses.map(async ({ appId, id }) => (await storage.findLicense(appId, id))!.revision))
}

export const regenerationCases: readonly ConformanceCase[] = [
  storageCase('regenerateMany(): issues new claims, and changes nothing else', async (storage) => {
    const { parents, slugs } = await addTierWithFeatures(storage)
    const license = await addLicense(storage, parents, {
      tierFeatures: ['old'],
      customFeatures: ['own'],
      tierLimits: { old: 1 },
      customLimits: { own: 2 },
      updatesUntil: later - 1,
      revision: 7,
      version: 9,
    })
    const result = await storage.regenerateMany({ appId: parents.app.id, now: later, limit: 10 })
    assert.deepEqual(result, { count: 1, last: null })
    assert.deepEqual(await storage.findLicense(parents.app.id, license.id), {
      ...license,
      tierFeatures: slugs,
      tierLimits: oddLimits,
      revision: 8,
      version: 10,
      issuedAt: later,
      updatedAt: later,
    })
    assert.equal(await storage.updateLicense(license.id, 9, {}), null)
  }),
  storageCase(
    'regenerateMany(): corrects a time of issue in the future, and a tier may have no features',
    async (storage) => {
      const parents = await addParents(storage)
      const license = await addLicense(storage, parents, { tierFeatures: ['old'], issuedAt: later + 5 })
      await storage.regenerateMany({ appId: parents.app.id, now: later, limit: 10 })
      const found = await storage.findLicense(parents.app.id, license.id)
      assert.equal(found?.issuedAt, later)
      assert.equal(found?.revision, 2)
      assert.deepEqual(found?.tierFeatures, [])
    },
  ),
  storageCase(
    'regenerateMany(): skips licenses that are revoked, expired, without a tier or of another app',
    async (storage) => {
      const [parents, other] = [await addParents(storage), await addParents(storage)]
      const left = [
        await addLicense(storage, parents, { revokedAt: 1 }),
        await addLicense(storage, parents, { expiresAt: later }),
        await addLicense(storage, parents, { tierId: null }),
        await addLicense(storage, other),
      ]
      const due = await addLicense(storage, parents, { expiresAt: later + 1, current: false })
      const result = await storage.regenerateMany({ appId: parents.app.id, now: later, limit: 10 })
      assert.deepEqual(result, { count: 1, last: null })
      assert.deepEqual(await revisionsOf(storage, [...left, due]), [1, 1, 1, 1, 2])
    },
  ),
  storageCase('regenerateMany(): its pages reach every license once', async (storage) => {
    const parents = await addParents(storage)
    const licenses = await several(7, (index) =>
      addLicense(storage, parents, index === 2 ? { revokedAt: 1 } : {}),
    )
    assert.equal(await allPages(storage, parents.app.id, 4), 6)
    assert.deepEqual(await revisionsOf(storage, licenses), [2, 2, 1, 2, 2, 2, 2])
    assert.equal(await allPages(storage, parents.app.id, 3), 6)
    assert.deepEqual(await revisionsOf(storage, licenses), [3, 3, 1, 3, 3, 3, 3])
  }),
  storageCase(
    'regenerateMany(): a page names the license after which the next page begins',
    async (storage) => {
      const parents = await addParents(storage)
      const ids = idsOf(await several(3, () => addLicense(storage, parents)))
      const page = { appId: parents.app.id, now: later, limit: 2 }
      assert.deepEqual(await storage.regenerateMany(page), { count: 2, last: ids[1] })
      assert.deepEqual(await storage.regenerateMany({ ...page, after: ids[1]! }), { count: 1, last: null })
      assert.deepEqual(await storage.regenerateMany({ ...page, after: ids[2]! }), { count: 0, last: null })
    },
  ),
  storageCase('regenerateMany(): filters by tier and by customer', async (storage) => {
    const parents = await addParents(storage)
    const [tier, customer] = [newTier(parents.app.id), newCustomer(parents.app.id)]
    await storage.insertTier(tier)
    await storage.insertCustomer(customer)
    const licenses = [
      await addLicense(storage, parents),
      await addLicense(storage, { ...parents, tier }),
      await addLicense(storage, { ...parents, customer }),
    ]
    const all = { appId: parents.app.id, now: later, limit: 10 }
    await storage.regenerateMany({ ...all, tierId: tier.id })
    assert.deepEqual(await revisionsOf(storage, licenses), [1, 2, 1])
    await storage.regenerateMany({ ...all, customerId: customer.id })
    assert.deepEqual(await revisionsOf(storage, licenses), [1, 2, 2])
    await storage.regenerateMany({ ...all, tierId: tier.id, customerId: customer.id })
    assert.deepEqual(await revisionsOf(storage, licenses), [1, 2, 2])
  }),
  storageCase('regenerateMany(): 4 concurrent calls raise the revision by 4', async (storage) => {
    const parents = await addParents(storage)
    const license = await addLicense(storage, parents)
    await concurrently(4, () => storage.regenerateMany({ appId: parents.app.id, now: later, limit: 10 }))
    assert.deepEqual(await revisionsOf(storage, [license]), [5])
  }),
]
