import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addLicense,
  addParents,
  madeAt,
  newApiKey,
  newCustomer,
  newDelivery,
  newFeature,
  newLicense,
  newSigningKey,
  newTier,
  newWebhook,
} from './records.ts'

/** The parent of a record may be deleted just before the record is written. */
export const orphanCases: readonly ConformanceCase[] = [
  storageCase('insert…(): writes nothing into a deleted app', async (storage) => {
    const parents = await addParents(storage)
    const appId = parents.app.id
    await storage.deleteApp(appId)
    const late = [
      storage.insertTier(newTier(appId)),
      storage.insertFeature(newFeature(appId)),
      storage.insertCustomer(newCustomer(appId)),
      storage.insertLicense(newLicense(parents)),
      storage.insertApiKey(newApiKey({ appId, app: parents.app.slug })),
      storage.swapActiveKey(appId, null, newSigningKey(appId), null),
      storage.insertKeyStatement({ appId, seq: 1, payload: '{}', signatures: '[]', createdAt: madeAt }),
      storage.insertWebhook(newWebhook(appId)),
      storage.insertDelivery(newDelivery(appId)),
    ]
    for (const write of await Promise.allSettled(late)) assert.equal(write.status, 'rejected')
    assert.equal(await storage.countLicenses({ appId, now: 0 }), 0)
    assert.equal(await storage.countApiKeys({}), 0)
  }),
  storageCase('insertLicense(): writes nothing for a deleted customer or tier', async (storage) => {
    const parents = await addParents(storage)
    const license = await addLicense(storage, parents)
    const tier = newTier(parents.app.id)
    const customer = newCustomer(parents.app.id)
    await assert.rejects(storage.insertLicense(newLicense({ ...parents, customer })))
    await assert.rejects(storage.insertLicense(newLicense({ ...parents, tier })))
    await assert.rejects(storage.updateLicense(license.id, 1, { tierId: tier.id }))
    await assert.rejects(storage.updateLicense(license.id, 1, { customerId: customer.id }))
    assert.deepEqual(await storage.findLicense(parents.app.id, license.id), license)
    assert.equal(await storage.countLicenses({ appId: parents.app.id, now: 0 }), 1)
  }),
]
