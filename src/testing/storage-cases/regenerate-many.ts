import assert from 'node:assert/strict'
import type { LicenseRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addFeature,
  addLicense,
  addShop,
  atOnce,
  idsOf,
  madeAt,
  newCustomer,
  newTier,
  several,
  type Shop,
} from './records.ts'

const later = madeAt + 100

/** A shop whose tier has two features, added against the order of their ids. */
async function shopWithFeatures(storage: Storage): Promise<{ shop: Shop; slugs: string[] }> {
  const shop = await addShop(storage)
  const [one, two] = [await addFeature(storage, shop.app.id), await addFeature(storage, shop.app.id)]
  await storage.addTierFeature(shop.tier.id, two.id, 9)
  await storage.addTierFeature(shop.tier.id, one.id, 9)
  return { shop, slugs: [two.slug, one.slug] }
}

/** Regenerates page after page, and answers how many licenses all had. */
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

export const reissueCases: readonly ConformanceCase[] = [
  storageCase('bulk: issues the claims anew, and touches nothing else', async (storage) => {
    const { shop, slugs } = await shopWithFeatures(storage)
    const license = await addLicense(storage, shop, {
      tierFeatures: ['old'],
      customFeatures: ['own'],
      revision: 7,
      version: 9,
    })
    const answer = await storage.regenerateMany({ appId: shop.app.id, now: later, limit: 10 })
    assert.deepEqual(answer, { count: 1, last: null })
    assert.deepEqual(await storage.findLicense(shop.app.id, license.id), {
      ...license,
      tierFeatures: slugs,
      revision: 8,
      version: 10,
      issuedAt: later,
      updatedAt: later,
    })
    assert.equal(await storage.updateLicense(license.id, 9, {}), null)
  }),
  storageCase(
    'bulk: a time of issue in the future is corrected, and a tier may have no features',
    async (storage) => {
      const shop = await addShop(storage)
      const license = await addLicense(storage, shop, { tierFeatures: ['old'], issuedAt: later + 5 })
      await storage.regenerateMany({ appId: shop.app.id, now: later, limit: 10 })
      const found = await storage.findLicense(shop.app.id, license.id)
      assert.equal(found?.issuedAt, later)
      assert.equal(found?.revision, 2)
      assert.deepEqual(found?.tierFeatures, [])
    },
  ),
  storageCase('bulk: leaves what is revoked, expired, without a tier or of another app', async (storage) => {
    const [shop, other] = [await addShop(storage), await addShop(storage)]
    const left = [
      await addLicense(storage, shop, { revokedAt: 1 }),
      await addLicense(storage, shop, { expiresAt: later }),
      await addLicense(storage, shop, { tierId: null }),
      await addLicense(storage, other),
    ]
    const due = await addLicense(storage, shop, { expiresAt: later + 1, current: false })
    const answer = await storage.regenerateMany({ appId: shop.app.id, now: later, limit: 10 })
    assert.deepEqual(answer, { count: 1, last: null })
    assert.deepEqual(await revisionsOf(storage, [...left, due]), [1, 1, 1, 1, 2])
  }),
  storageCase('bulk: pages reach every license once', async (storage) => {
    const shop = await addShop(storage)
    const licenses = await several(7, (index) =>
      addLicense(storage, shop, index === 2 ? { revokedAt: 1 } : {}),
    )
    assert.equal(await allPages(storage, shop.app.id, 4), 6)
    assert.deepEqual(await revisionsOf(storage, licenses), [2, 2, 1, 2, 2, 2, 2])
    assert.equal(await allPages(storage, shop.app.id, 3), 6)
    assert.deepEqual(await revisionsOf(storage, licenses), [3, 3, 1, 3, 3, 3, 3])
  }),
  storageCase('bulk: a page names the license to go on after', async (storage) => {
    const shop = await addShop(storage)
    const ids = idsOf(await several(3, () => addLicense(storage, shop)))
    const page = { appId: shop.app.id, now: later, limit: 2 }
    assert.deepEqual(await storage.regenerateMany(page), { count: 2, last: ids[1] })
    assert.deepEqual(await storage.regenerateMany({ ...page, after: ids[1]! }), { count: 1, last: null })
    assert.deepEqual(await storage.regenerateMany({ ...page, after: ids[2]! }), { count: 0, last: null })
  }),
  storageCase('bulk: keeps to a tier and to a customer', async (storage) => {
    const shop = await addShop(storage)
    const [tier, customer] = [newTier(shop.app.id), newCustomer(shop.app.id)]
    await storage.insertTier(tier)
    await storage.insertCustomer(customer)
    const licenses = [
      await addLicense(storage, shop),
      await addLicense(storage, { ...shop, tier }),
      await addLicense(storage, { ...shop, customer }),
    ]
    const all = { appId: shop.app.id, now: later, limit: 10 }
    await storage.regenerateMany({ ...all, tierId: tier.id })
    assert.deepEqual(await revisionsOf(storage, licenses), [1, 2, 1])
    await storage.regenerateMany({ ...all, customerId: customer.id })
    assert.deepEqual(await revisionsOf(storage, licenses), [1, 2, 2])
    await storage.regenerateMany({ ...all, tierId: tier.id, customerId: customer.id })
    assert.deepEqual(await revisionsOf(storage, licenses), [1, 2, 2])
  }),
  storageCase('bulk: 4 calls at once each count, none is lost', async (storage) => {
    const shop = await addShop(storage)
    const license = await addLicense(storage, shop)
    await atOnce(4, () => storage.regenerateMany({ appId: shop.app.id, now: later, limit: 10 }))
    assert.deepEqual(await revisionsOf(storage, [license]), [5])
  }),
]
