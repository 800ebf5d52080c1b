import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addLicense,
  addShop,
  newApiKey,
  newCustomer,
  newDelivery,
  newFeature,
  newLicense,
  newSigningKey,
  newTier,
  newWebhook,
} from './records.ts'

/** What a record belongs to may be deleted just before the record is written. */
export const orphanCases: readonly ConformanceCase[] = [
  storageCase('a record is not written into an app that was deleted', async (storage) => {
    const shop = await addShop(storage)
    const appId = shop.app.id
    await storage.deleteApp(appId)
    const late = [
      storage.insertTier(newTier(appId)),
      storage.insertFeature(newFeature(appId)),
      storage.insertCustomer(newCustomer(appId)),
      storage.insertLicense(newLicense(shop)),
      storage.insertApiKey(newApiKey({ appId, app: shop.app.slug })),
      storage.swapActiveKey(appId, null, newSigningKey(appId), null),
      storage.insertWebhook(newWebhook(appId)),
      storage.insertDelivery(newDelivery(appId)),
    ]
    for (const write of await Promise.allSettled(late)) assert.equal(write.status, 'rejected')
    assert.equal(await storage.countLicenses({ appId, now: 0 }), 0)
    assert.equal(await storage.countApiKeys({}), 0)
  }),
  storageCase('a license is not written for a customer or a tier that was deleted', async (storage) => {
    const shop = await addShop(storage)
    const license = await addLicense(storage, shop)
    const tier = newTier(shop.app.id)
    const customer = newCustomer(shop.app.id)
    await assert.rejects(storage.insertLicense(newLicense({ ...shop, customer })))
    await assert.rejects(storage.insertLicense(newLicense({ ...shop, tier })))
    await assert.rejects(storage.updateLicense(license.id, 1, { tierId: tier.id }))
    await assert.rejects(storage.updateLicense(license.id, 1, { customerId: customer.id }))
    assert.deepEqual(await storage.findLicense(shop.app.id, license.id), license)
    assert.equal(await storage.countLicenses({ appId: shop.app.id, now: 0 }), 1)
  }),
]
