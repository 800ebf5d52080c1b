import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addLicense, addParents, concurrently, idsOf, several } from './records.ts'

export const expiryNoticeCases: readonly ConformanceCase[] = [
  storageCase(
    'insertExpiryNotice(): writes a notice once for a license, a type and an end',
    async (storage) => {
      const license = await addLicense(storage, await addParents(storage), { expiresAt: 9 })
      const notice = { licenseId: license.id, type: 'license.expired', expiresAt: 9 } as const
      const results = await concurrently(8, () => storage.insertExpiryNotice(notice))
      assert.equal(results.filter(Boolean).length, 1)
      assert.equal(await storage.insertExpiryNotice({ ...notice, expiresAt: 10 }), true)
      assert.equal(await storage.insertExpiryNotice({ ...notice, type: 'license.expiring' }), true)
    },
  ),
  storageCase(
    'listEndingLicenses(): lists licenses that end in a span of time and have no notice',
    async (storage) => {
      const [parents, other] = [await addParents(storage), await addParents(storage)]
      const second = await addLicense(storage, parents, { expiresAt: 20 })
      const first = await addLicense(storage, parents, { expiresAt: 11 })
      await addLicense(storage, parents, { expiresAt: 10 })
      await addLicense(storage, parents, { expiresAt: 21 })
      await addLicense(storage, parents, { expiresAt: null })
      await addLicense(storage, parents, { expiresAt: 15, revokedAt: 1 })
      await addLicense(storage, other, { expiresAt: 15 })
      const span = {
        appId: parents.app.id,
        after: 10,
        until: 20,
        withoutNotice: 'license.expired',
        limit: 9,
      } as const
      const ending = async (limit = 9) => idsOf(await storage.listEndingLicenses({ ...span, limit }))
      assert.deepEqual(await ending(), [first.id, second.id])
      assert.deepEqual(await ending(1), [first.id])
      await storage.insertExpiryNotice({ licenseId: first.id, type: 'license.expiring', expiresAt: 11 })
      await storage.insertExpiryNotice({ licenseId: first.id, type: 'license.expired', expiresAt: 12 })
      assert.deepEqual(await ending(), [first.id, second.id])
      await storage.insertExpiryNotice({ licenseId: first.id, type: 'license.expired', expiresAt: 11 })
      assert.deepEqual(await ending(), [second.id])
    },
  ),
  storageCase('listEndingLicenses(): a license counts anew when its end changes', async (storage) => {
    const parents = await addParents(storage)
    const { id, version } = await addLicense(storage, parents, { expiresAt: 11 })
    const span = { appId: parents.app.id, after: 10, until: 20, withoutNotice: 'license.expired' } as const
    const ending = async () => idsOf(await storage.listEndingLicenses({ ...span, limit: 9 }))
    const tell = (expiresAt: number) =>
      storage.insertExpiryNotice({ licenseId: id, type: 'license.expired', expiresAt })
    await tell(11)
    assert.deepEqual(await ending(), [])
    await storage.updateLicense(id, version, { expiresAt: 12 })
    assert.deepEqual(await ending(), [id])
    await tell(12)
    assert.deepEqual(await ending(), [])
    // The first end was told before the second one.
    await storage.updateLicense(id, version + 1, { expiresAt: 11 })
    assert.deepEqual(await ending(), [])
  }),
  storageCase('listExpiryNotices(): lists the notices of the given licenses', async (storage) => {
    const parents = await addParents(storage)
    const [one, two] = [await addLicense(storage, parents), await addLicense(storage, parents)]
    const ofOne = [
      { licenseId: one.id, type: 'license.expired', expiresAt: 9 },
      { licenseId: one.id, type: 'license.expiring', expiresAt: 9 },
    ] as const
    for (const notice of ofOne) await storage.insertExpiryNotice(notice)
    await storage.insertExpiryNotice({ licenseId: two.id, type: 'license.expired', expiresAt: 7 })
    const listed = await storage.listExpiryNotices([one.id])
    assert.deepEqual(
      listed.toSorted((a, b) => (a.type < b.type ? -1 : 1)),
      ofOne,
    )
    assert.equal((await storage.listExpiryNotices([one.id, two.id])).length, 3)
    assert.deepEqual(await storage.listExpiryNotices([]), [])
  }),
  storageCase('deleteLicense(): deletes a license that has notices', async (storage) => {
    const parents = await addParents(storage)
    for (const remove of [
      (id: string) => storage.deleteLicense(id),
      () => storage.deleteCustomer(parents.customer.id),
    ]) {
      const { id } = await addLicense(storage, parents, { expiresAt: 9 })
      await storage.insertExpiryNotice({ licenseId: id, type: 'license.expired', expiresAt: 9 })
      assert.equal(await remove(id), true)
      assert.equal(await storage.findLicense(parents.app.id, id), null)
    }
  }),
  storageCase('recordClockReading(): close readings are steady, and a leap starts anew', async (storage) => {
    const sighted = await several(8, async (index) =>
      storage.recordClockReading([1000, 1100, 1090, 1200, 9000, 9050, 1300, 1301][index]!, 100),
    )
    assert.deepEqual(sighted, [1000, 1000, 1000, 1200, 9000, 9000, 1300, 1300])
  }),
]
