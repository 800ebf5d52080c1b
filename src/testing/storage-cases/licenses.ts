import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addLicense,
  addShop,
  atOnce,
  farFuture,
  idsOf,
  madeAt,
  newCustomer,
  newInstallation,
  newLicense,
  newTier,
  oddMetadata,
  oddText,
} from './records.ts'

const recordCases: readonly ConformanceCase[] = [
  storageCase('licenses: every field comes back as it went in', async (storage) => {
    const shop = await addShop(storage)
    const full = newLicense(shop, {
      tier: oddText,
      tierFeatures: ['b', 'a', oddText, ''],
      customFeatures: ['z', '__proto__'],
      expiresAt: farFuture,
      revokedAt: 0,
      revokedReason: oddText,
      issuedAt: farFuture,
      revision: 4_294_967_295,
      minRevision: 0,
      version: 9_007_199_254_740_991,
      metadata: oddMetadata,
      createdAt: 0,
      updatedAt: farFuture,
    })
    const bare = newLicense(shop, { tierId: null, current: false })
    assert.equal(await storage.insertLicense(full), true)
    assert.equal(await storage.insertLicense(bare), true)
    const found = await storage.findLicense(shop.app.id, full.id)
    assert.deepEqual(found, full)
    assert.ok(Object.hasOwn(found!.metadata, '__proto__'))
    assert.deepEqual(await storage.findLicense(shop.app.id, bare.id), bare)
    assert.deepEqual(await storage.listLicenses({ appId: shop.app.id, now: 0 }, { limit: 9 }), [bare, full])
  }),
  storageCase('licenses: a missing one, and one of another app, is null', async (storage) => {
    const shop = await addShop(storage)
    const other = await addApp(storage)
    const license = await addLicense(storage, shop)
    assert.equal(await storage.findLicense(other.id, license.id), null)
    assert.equal(await storage.findLicense(shop.app.id, 'lic_missing'), null)
    assert.equal(await storage.findCurrentLicense(other.id, license.installationId), null)
    assert.equal(await storage.findCurrentLicense(other.slug, license.installationId), null)
    assert.equal(await storage.findCurrentLicense('app_missing', license.installationId), null)
    assert.equal(await storage.findCurrentLicense('missing', license.installationId), null)
    assert.equal(await storage.deleteLicense('lic_missing'), false)
    assert.equal(await storage.updateLicense('lic_missing', 1, {}), null)
  }),
  storageCase('licenses: the one that holds a place is found by slug and by id', async (storage) => {
    const shop = await addShop(storage)
    const license = await addLicense(storage, shop)
    await addLicense(storage, shop, { installationId: license.installationId, current: false })
    assert.deepEqual(await storage.findCurrentLicense(shop.app.slug, license.installationId), license)
    assert.deepEqual(await storage.findCurrentLicense(shop.app.id, license.installationId), license)
    assert.equal(await storage.findCurrentLicense(shop.app.slug, newInstallation()), null)
  }),
  storageCase('licenses: deletion frees the place and promotes none', async (storage) => {
    const shop = await addShop(storage)
    const { id, installationId } = await addLicense(storage, shop)
    await addLicense(storage, shop, { installationId, current: false })
    assert.equal(await storage.deleteLicense(id), true)
    assert.equal(await storage.deleteLicense(id), false)
    assert.equal(await storage.findLicense(shop.app.id, id), null)
    assert.equal(await storage.findCurrentLicense(shop.app.id, installationId), null)
    assert.equal(await storage.insertLicense(newLicense(shop, { installationId })), true)
  }),
]

const placeCases: readonly ConformanceCase[] = [
  storageCase('licenses: a held place is not given twice, an app over', async (storage) => {
    const [shop, other] = [await addShop(storage), await addShop(storage)]
    const { installationId } = await addLicense(storage, shop)
    const refused = newLicense(shop, { installationId })
    assert.equal(await storage.insertLicense(refused), false)
    assert.equal(await storage.findLicense(shop.app.id, refused.id), null)
    assert.equal(await storage.insertLicense(newLicense(shop, { installationId, current: false })), true)
    assert.equal(await storage.insertLicense(newLicense(other, { installationId })), true)
  }),
  storageCase('licenses: of 16 that want one place, one gets it', async (storage) => {
    const shop = await addShop(storage)
    const installationId = newInstallation()
    const wanting = Array.from({ length: 16 }, () => newLicense(shop, { installationId }))
    const answers = await atOnce(16, (index) => storage.insertLicense(wanting[index]!))
    assert.equal(answers.filter(Boolean).length, 1)
    const holder = await storage.findCurrentLicense(shop.app.id, installationId)
    assert.deepEqual(holder, wanting[answers.indexOf(true)])
    assert.equal(await storage.countLicenses({ appId: shop.app.id, now: 0 }), 1)
  }),
  ...[
    { state: 'an expired license', given: { expiresAt: madeAt }, leaves: true },
    { state: 'a revoked license', given: { revokedAt: madeAt + 9 }, leaves: true },
    { state: 'a license that expires in a second', given: { expiresAt: madeAt + 1 }, leaves: false },
    { state: 'a license without end', given: {}, leaves: false },
  ].map(({ state, given, leaves }) =>
    storageCase(
      `licenses: setting aside ${leaves ? 'takes' : 'leaves'} the place of ${state}`,
      async (storage) => {
        const shop = await addShop(storage)
        const license = await addLicense(storage, shop, given)
        const bystander = await addLicense(storage, shop, given)
        await storage.releaseInstallation(shop.app.id, license.installationId, madeAt)
        const expected = leaves ? { ...license, current: false, version: 2 } : license
        assert.deepEqual(await storage.findLicense(shop.app.id, license.id), expected)
        assert.deepEqual(await storage.findLicense(shop.app.id, bystander.id), bystander)
        const next = newLicense(shop, { installationId: license.installationId })
        assert.equal(await storage.insertLicense(next), leaves)
      },
    ),
  ),
  storageCase('licenses: setting aside spares the exception, and another app', async (storage) => {
    const [shop, other] = [await addShop(storage), await addShop(storage)]
    const license = await addLicense(storage, shop, { revokedAt: madeAt })
    const { installationId } = license
    await storage.releaseInstallation(other.app.id, installationId, madeAt)
    await storage.releaseInstallation(shop.app.id, installationId, madeAt, license.id)
    assert.deepEqual(await storage.findLicense(shop.app.id, license.id), license)
    await storage.releaseInstallation(shop.app.id, installationId, madeAt, 'lic_other')
    assert.equal(await storage.findCurrentLicense(shop.app.id, installationId), null)
  }),
]

const updateCases: readonly ConformanceCase[] = [
  storageCase('licenses: a change raises the version and leaves the other fields', async (storage) => {
    const shop = await addShop(storage)
    const [tier, customer] = [newTier(shop.app.id), newCustomer(shop.app.id)]
    await storage.insertTier(tier)
    await storage.insertCustomer(customer)
    const license = await addLicense(storage, shop, { expiresAt: 5, revokedAt: 6, revokedReason: 'x' })
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
      revision: 2,
      minRevision: 2,
      issuedAt: farFuture,
      metadata: oddMetadata,
      updatedAt: farFuture,
    }
    const changed = { ...license, ...patch, version: 2 }
    assert.deepEqual(await storage.updateLicense(license.id, 1, patch), changed)
    assert.deepEqual(await storage.findLicense(shop.app.id, license.id), changed)
    assert.deepEqual(await storage.updateLicense(license.id, 2, {}), { ...changed, version: 3 })
    assert.equal(await storage.findCurrentLicense(shop.app.id, license.installationId), null)
  }),
  storageCase('licenses: a stale version changes nothing', async (storage) => {
    const shop = await addShop(storage)
    const license = await addLicense(storage, shop, { version: 5 })
    for (const version of [4, 6, 0]) {
      assert.equal(await storage.updateLicense(license.id, version, { tier: 'x' }), null)
    }
    assert.deepEqual(await storage.findLicense(shop.app.id, license.id), license)
  }),
  storageCase('licenses: of 16 changes of one version, one wins', async (storage) => {
    const shop = await addShop(storage)
    const license = await addLicense(storage, shop)
    const answers = await atOnce(16, (index) => storage.updateLicense(license.id, 1, { revision: index + 2 }))
    const winners = answers.filter((answer) => answer !== null)
    assert.equal(winners.length, 1)
    assert.equal(winners[0]!.version, 2)
    assert.deepEqual(await storage.findLicense(shop.app.id, license.id), winners[0])
  }),
  storageCase('licenses: a change that would take a held place changes nothing', async (storage) => {
    const shop = await addShop(storage)
    const holder = await addLicense(storage, shop)
    const { installationId } = holder
    const mover = await addLicense(storage, shop)
    const aside = await addLicense(storage, shop, { installationId, current: false })
    assert.equal(await storage.updateLicense(mover.id, 1, { installationId }), null)
    assert.equal(await storage.updateLicense(aside.id, 1, { current: true }), null)
    assert.deepEqual(await storage.findLicense(shop.app.id, mover.id), mover)
    assert.deepEqual(await storage.findLicense(shop.app.id, aside.id), aside)
    assert.deepEqual(await storage.findCurrentLicense(shop.app.id, installationId), holder)
    await storage.updateLicense(holder.id, 1, { current: false })
    assert.equal((await storage.updateLicense(aside.id, 1, { current: true }))?.current, true)
  }),
]

const filterCases: readonly ConformanceCase[] = [
  storageCase('licenses: filters by status, judged as of the time given', async (storage) => {
    const shop = await addShop(storage)
    const ids = {
      forever: (await addLicense(storage, shop)).id,
      limited: (await addLicense(storage, shop, { expiresAt: madeAt + 1 })).id,
      expired: (await addLicense(storage, shop, { expiresAt: madeAt })).id,
      revoked: (await addLicense(storage, shop, { revokedAt: farFuture })).id,
      revokedThenExpired: (await addLicense(storage, shop, { revokedAt: madeAt, expiresAt: 1 })).id,
    }
    const expect = async (status: 'active' | 'expired' | 'revoked', now: number, expected: string[]) => {
      const filter = { appId: shop.app.id, status, now }
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
  storageCase('licenses: filters by customer, tier and installation, alone and together', async (storage) => {
    const shop = await addShop(storage)
    const [tier, customer] = [newTier(shop.app.id), newCustomer(shop.app.id)]
    await storage.insertTier(tier)
    await storage.insertCustomer(customer)
    const first = await addLicense(storage, shop)
    const second = await addLicense(storage, { ...shop, tier })
    const third = await addLicense(storage, { ...shop, customer }, { revokedAt: 1 })
    const expect = async (given: object, expected: string[]) => {
      const filter = { appId: shop.app.id, now: madeAt, ...given }
      assert.deepEqual(idsOf(await storage.listLicenses(filter, { limit: 9 })), expected)
      assert.equal(await storage.countLicenses(filter), expected.length)
    }
    await expect({ customerId: shop.customer.id }, [second.id, first.id])
    await expect({ tierId: shop.tier.id }, [third.id, first.id])
    await expect({ tierId: shop.tier.id, customerId: shop.customer.id }, [first.id])
    await expect({ tierId: shop.tier.id, status: 'active' }, [first.id])
    await expect({ installationId: third.installationId }, [third.id])
    await expect({ installationId: third.installationId, status: 'active' }, [])
    await expect({ customerId: 'cus_missing' }, [])
    await expect({ appId: 'app_missing' }, [])
  }),
]

export const licenseCases: readonly ConformanceCase[] = [
  ...recordCases,
  ...placeCases,
  ...updateCases,
  ...filterCases,
]
