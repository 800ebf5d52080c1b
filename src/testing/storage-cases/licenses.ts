import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addLicense,
  addParents,
  concurrently,
  farFuture,
  idsOf,
  madeAt,
  newCustomer,
  newInstallation,
  newLicense,
  newTier,
  oddLimits,
  oddMetadata,
  oddText,
} from './records.ts'

const recordCases: readonly ConformanceCase[] = [
  storageCase('findLicense(): returns every field unchanged', async (storage) => {
    const parents = await addParents(storage)
    const full = newLicense(parents, {
      tier: oddText,
      tierFeatures: ['b', 'a', oddText, ''],
      customFeatures: ['z', '__proto__'],
      tierLimits: oddLimits,
      customLimits: { projects: 0 },
      expiresAt: farFuture,
      updatesUntil: 0,
      revokedAt: 0,
      revokedReason: oddText,
      revokedCause: 'key_revoked',
      issuedAt: farFuture,
      revision: 4_294_967_295,
      minRevision: 0,
      version: 9_007_199_254_740_991,
      seenAt: farFuture,
      seenKid: oddText,
      seenClient: oddText,
      metadata: oddMetadata,
      createdAt: 0,
      updatedAt: farFuture,
    })
    const bare = newLicense(parents, { tierId: null, current: false })
    assert.equal(await storage.insertLicense(full), true)
    assert.equal(await storage.insertLicense(bare), true)
    const found = await storage.findLicense(parents.app.id, full.id)
    assert.deepEqual(found, full)
    assert.ok(Object.hasOwn(found!.metadata, '__proto__'))
    assert.ok(Object.hasOwn(found!.tierLimits, '__proto__'))
    assert.deepEqual(await storage.findLicense(parents.app.id, bare.id), bare)
    assert.deepEqual(await storage.listLicenses({ appId: parents.app.id, now: 0 }, { limit: 9 }), [
      bare,
      full,
    ])
  }),
  storageCase(
    'findLicense(): returns null for a missing license, and for one of another app',
    async (storage) => {
      const parents = await addParents(storage)
      const other = await addApp(storage)
      const license = await addLicense(storage, parents)
      assert.equal(await storage.findLicense(other.id, license.id), null)
      assert.equal(await storage.findLicense(parents.app.id, 'lic_missing'), null)
      assert.equal(await storage.findCurrentLicense(other.id, license.installationId), null)
      assert.equal(await storage.findCurrentLicense(other.slug, license.installationId), null)
      assert.equal(await storage.findCurrentLicense('app_missing', license.installationId), null)
      assert.equal(await storage.findCurrentLicense('missing', license.installationId), null)
      assert.equal(await storage.deleteLicense('lic_missing'), false)
      assert.equal(await storage.updateLicense('lic_missing', 1, {}), null)
    },
  ),
  storageCase(
    'findCurrentLicense(): finds the license in the slot, by the app’s slug and id',
    async (storage) => {
      const parents = await addParents(storage)
      const license = await addLicense(storage, parents)
      await addLicense(storage, parents, { installationId: license.installationId, current: false })
      assert.deepEqual(await storage.findCurrentLicense(parents.app.slug, license.installationId), license)
      assert.deepEqual(await storage.findCurrentLicense(parents.app.id, license.installationId), license)
      assert.equal(await storage.findCurrentLicense(parents.app.slug, newInstallation()), null)
    },
  ),
  storageCase('deleteLicense(): frees the slot, and no other license takes it', async (storage) => {
    const parents = await addParents(storage)
    const { id, installationId } = await addLicense(storage, parents)
    await addLicense(storage, parents, { installationId, current: false })
    assert.equal(await storage.deleteLicense(id), true)
    assert.equal(await storage.deleteLicense(id), false)
    assert.equal(await storage.findLicense(parents.app.id, id), null)
    assert.equal(await storage.findCurrentLicense(parents.app.id, installationId), null)
    assert.equal(await storage.insertLicense(newLicense(parents, { installationId })), true)
  }),
]

const slotCases: readonly ConformanceCase[] = [
  storageCase(
    'insertLicense(): an occupied slot writes nothing; another app has its own slot',
    async (storage) => {
      const [parents, other] = [await addParents(storage), await addParents(storage)]
      const { installationId } = await addLicense(storage, parents)
      const refused = newLicense(parents, { installationId })
      assert.equal(await storage.insertLicense(refused), false)
      assert.equal(await storage.findLicense(parents.app.id, refused.id), null)
      assert.equal(await storage.insertLicense(newLicense(parents, { installationId, current: false })), true)
      assert.equal(await storage.insertLicense(newLicense(other, { installationId })), true)
    },
  ),
  storageCase('insertLicense(): one of 16 concurrent calls gets the slot', async (storage) => {
    const parents = await addParents(storage)
    const installationId = newInstallation()
    const wanting = Array.from({ length: 16 }, () => newLicense(parents, { installationId }))
    const results = await concurrently(16, (index) => storage.insertLicense(wanting[index]!))
    assert.equal(results.filter(Boolean).length, 1)
    const holder = await storage.findCurrentLicense(parents.app.id, installationId)
    assert.deepEqual(holder, wanting[results.indexOf(true)])
    assert.equal(await storage.countLicenses({ appId: parents.app.id, now: 0 }), 1)
  }),
  ...[
    { state: 'an expired license', given: { expiresAt: madeAt }, isReleased: true },
    { state: 'a revoked license', given: { revokedAt: madeAt + 9 }, isReleased: true },
    { state: 'a license that expires in a second', given: { expiresAt: madeAt + 1 }, isReleased: false },
    { state: 'a license without end', given: {}, isReleased: false },
  ].map(({ state, given, isReleased }) =>
    storageCase(
      `releaseInstallation(): ${isReleased ? 'releases' : 'keeps'} the slot of ${state}`,
      async (storage) => {
        const parents = await addParents(storage)
        const license = await addLicense(storage, parents, given)
        const bystander = await addLicense(storage, parents, given)
        await storage.releaseInstallation(parents.app.id, license.installationId, madeAt)
        const expected = isReleased ? { ...license, current: false, version: 2 } : license
        assert.deepEqual(await storage.findLicense(parents.app.id, license.id), expected)
        assert.deepEqual(await storage.findLicense(parents.app.id, bystander.id), bystander)
        const next = newLicense(parents, { installationId: license.installationId })
        assert.equal(await storage.insertLicense(next), isReleased)
      },
    ),
  ),
  storageCase(
    'releaseInstallation(): keeps the slot of the exception, and of another app',
    async (storage) => {
      const [parents, other] = [await addParents(storage), await addParents(storage)]
      const license = await addLicense(storage, parents, { revokedAt: madeAt })
      const { installationId } = license
      await storage.releaseInstallation(other.app.id, installationId, madeAt)
      await storage.releaseInstallation(parents.app.id, installationId, madeAt, license.id)
      assert.deepEqual(await storage.findLicense(parents.app.id, license.id), license)
      await storage.releaseInstallation(parents.app.id, installationId, madeAt, 'lic_other')
      assert.equal(await storage.findCurrentLicense(parents.app.id, installationId), null)
    },
  ),
]

const updateCases: readonly ConformanceCase[] = [
  storageCase('updateLicense(): raises the version, and isReleased the other fields', async (storage) => {
    const parents = await addParents(storage)
    const [tier, customer] = [newTier(parents.app.id), newCustomer(parents.app.id)]
    await storage.insertTier(tier)
    await storage.insertCustomer(customer)
    const revoked = { revokedAt: 6, revokedReason: 'x', revokedCause: 'lapsed' } as const
    const license = await addLicense(storage, parents, { expiresAt: 5, ...revoked })
    const patch = {
      tierId: tier.id,
      tier: tier.slug,
      customerId: customer.id,
      tierFeatures: ['b', 'a'],
      customFeatures: ['c'],
      installationId: newInstallation(),
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
      revokedCause: null,
      seenAt: madeAt,
      seenKid: 'kid',
      seenClient: 'desktop-app/2.3.1',
      revision: 2,
      minRevision: 2,
      issuedAt: farFuture,
      metadata: oddMetadata,
      updatedAt: farFuture,
    }
    const changed = { ...license, ...patch, version: 2 }
    assert.deepEqual(await storage.updateLicense(license.id, 1, patch), changed)
    assert.deepEqual(await storage.findLicense(parents.app.id, license.id), changed)
    assert.deepEqual(await storage.updateLicense(license.id, 2, {}), { ...changed, version: 3 })
    assert.equal(await storage.findCurrentLicense(parents.app.id, license.installationId), null)
  }),
  storageCase('updateLicense(): a stale version changes nothing', async (storage) => {
    const parents = await addParents(storage)
    const license = await addLicense(storage, parents, { version: 5 })
    for (const version of [4, 6, 0]) {
      assert.equal(await storage.updateLicense(license.id, version, { tier: 'x' }), null)
    }
    assert.deepEqual(await storage.findLicense(parents.app.id, license.id), license)
  }),
  storageCase('updateLicense(): one of 16 concurrent calls with one version wins', async (storage) => {
    const parents = await addParents(storage)
    const license = await addLicense(storage, parents)
    const results = await concurrently(16, (index) =>
      storage.updateLicense(license.id, 1, { revision: index + 2 }),
    )
    const winners = results.filter((result) => result !== null)
    assert.equal(winners.length, 1)
    assert.equal(winners[0]!.version, 2)
    assert.deepEqual(await storage.findLicense(parents.app.id, license.id), winners[0])
  }),
  storageCase('updateLicense(): a patch for an occupied slot changes nothing', async (storage) => {
    const parents = await addParents(storage)
    const holder = await addLicense(storage, parents)
    const { installationId } = holder
    const mover = await addLicense(storage, parents)
    const aside = await addLicense(storage, parents, { installationId, current: false })
    assert.equal(await storage.updateLicense(mover.id, 1, { installationId }), null)
    assert.equal(await storage.updateLicense(aside.id, 1, { current: true }), null)
    assert.deepEqual(await storage.findLicense(parents.app.id, mover.id), mover)
    assert.deepEqual(await storage.findLicense(parents.app.id, aside.id), aside)
    assert.deepEqual(await storage.findCurrentLicense(parents.app.id, installationId), holder)
    await storage.updateLicense(holder.id, 1, { current: false })
    assert.equal((await storage.updateLicense(aside.id, 1, { current: true }))?.current, true)
  }),
]

const filterCases: readonly ConformanceCase[] = [
  storageCase('listLicenses(): filters by status as of the given time', async (storage) => {
    const parents = await addParents(storage)
    const ids = {
      forever: (await addLicense(storage, parents)).id,
      limited: (await addLicense(storage, parents, { expiresAt: madeAt + 1 })).id,
      expired: (await addLicense(storage, parents, { expiresAt: madeAt })).id,
      revoked: (await addLicense(storage, parents, { revokedAt: farFuture })).id,
      revokedThenExpired: (await addLicense(storage, parents, { revokedAt: madeAt, expiresAt: 1 })).id,
    }
    const expect = async (status: 'active' | 'expired' | 'revoked', now: number, expected: string[]) => {
      const filter = { appId: parents.app.id, status, now }
      assert.deepEqual(idsOf(await storage.listLicenses(filter, { limit: 9 })), expected)
      assert.equal(await storage.countLicenses(filter), expected.length)
    }
    await expect('active', madeAt, [ids.limited, ids.forever])
    await expect('active', madeAt + 1, [ids.forever])
    await expect('active', madeAt - 1, [ids.expired, ids.limited, ids.forever])
    await expect('expired', madeAt, [ids.expired])
    await expect('expired', madeAt + 1, [ids.expired, ids.limited])
    await expect('revoked', madeAt, [ids.revokedThenExpired, ids.revoked])
  }),
  storageCase(
    'listLicenses(): filters by customer, tier and installation, alone and together',
    async (storage) => {
      const parents = await addParents(storage)
      const [tier, customer] = [newTier(parents.app.id), newCustomer(parents.app.id)]
      await storage.insertTier(tier)
      await storage.insertCustomer(customer)
      const first = await addLicense(storage, parents)
      const second = await addLicense(storage, { ...parents, tier })
      const third = await addLicense(storage, { ...parents, customer }, { revokedAt: 1 })
      const bare = await addLicense(storage, { ...parents, customer }, { tierId: null })
      const expect = async (given: object, expected: string[]) => {
        const filter = { appId: parents.app.id, now: madeAt, ...given }
        assert.deepEqual(idsOf(await storage.listLicenses(filter, { limit: 9 })), expected)
        assert.equal(await storage.countLicenses(filter), expected.length)
      }
      await expect({ customerId: parents.customer.id }, [second.id, first.id])
      await expect({ tierId: parents.tier.id }, [third.id, first.id])
      await expect({ tierId: null }, [bare.id])
      await expect({ tierId: null, status: 'active' }, [bare.id])
      await expect({ tierId: null, status: 'revoked' }, [])
      await expect({ tierId: parents.tier.id, customerId: parents.customer.id }, [first.id])
      await expect({ tierId: parents.tier.id, status: 'active' }, [first.id])
      await expect({ installationId: third.installationId }, [third.id])
      await expect({ installationId: third.installationId, status: 'active' }, [])
      await expect({ customerId: 'cus_missing' }, [])
      await expect({ appId: 'app_missing' }, [])
    },
  ),
]

export const licenseCases: readonly ConformanceCase[] = [
  ...recordCases,
  ...slotCases,
  ...updateCases,
  ...filterCases,
]
