import assert from 'node:assert/strict'
import type { LicenseKeyRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addLicense,
  addLicenseKey,
  addParents,
  addSeat,
  concurrently,
  farFuture,
  idsOf,
  madeAt,
  newCustomer,
  newLicenseKey,
  newTier,
  oddMetadata,
  oddText,
  several,
} from './records.ts'

/** The same license key by each of its names. */
async function findAll(storage: Storage, key: LicenseKeyRecord): Promise<(LicenseKeyRecord | null)[]> {
  const { appId, id, handle, aliasHash, externalId } = key
  return [
    await storage.findLicenseKey(appId, id),
    await storage.findLicenseKeyByHandle(appId, handle),
    await storage.findLicenseKeyByAlias(appId, aliasHash ?? ''),
    await storage.findLicenseKeyByExternalId(appId, externalId ?? ''),
  ]
}

const recordCases: readonly ConformanceCase[] = [
  storageCase('findLicenseKey…(): each name finds every field unchanged', async (storage) => {
    const parents = await addParents(storage)
    const full = newLicenseKey(parents, {
      ...{ tier: oddText, customFeatures: ['z', '__proto__', ''], name: oddText, keyRevision: 4_294_967_295 },
      customLimits: JSON.parse('{"__proto__": 1, "seats": 9007199254740991, "10": 0}') as Record<
        string,
        number
      >,
      ...{ previousUntil: farFuture, aliasHash: 'alias', aliasLastFour: 'last', aliasUntil: 0 },
      ...{ seats: 10_000, whenFull: 'replace_oldest', idleDays: 3650, releasesPerYear: 0 },
      ...{ releaseCount: 7, releaseYearStart: madeAt, expiresAt: farFuture, durationDays: 36_500 },
      ...{ starts: 'activation', activatedAt: 0, updatesUntil: farFuture, externalId: oddText },
      ...{ externalAsOf: farFuture, externalEnded: 'dispute', revokedAt: 0, revokedReason: oddText },
      ...{ revokedCause: 'refund', toldExpiring: 1, toldExpired: 2, toldFull: 3 },
      ...{ version: 9_007_199_254_740_990, metadata: oddMetadata, createdAt: 0, updatedAt: farFuture },
    })
    const bare = newLicenseKey(parents, { tierId: null })
    assert.equal(await storage.insertLicenseKey(full), true)
    assert.equal(await storage.insertLicenseKey(bare), true)
    assert.deepEqual(await findAll(storage, full), [full, full, full, full])
    assert.ok(Object.hasOwn((await storage.findLicenseKey(full.appId, full.id))!.customLimits, '__proto__'))
    assert.deepEqual(await findAll(storage, bare), [bare, bare, null, null])
  }),
  storageCase('findLicenseKey…(): returns null for one of another app', async (storage) => {
    const parents = await addParents(storage)
    const other = await addApp(storage)
    const key = await addLicenseKey(storage, parents, { aliasHash: 'alias', externalId: 'sale' })
    assert.deepEqual(await findAll(storage, { ...key, appId: other.id }), [null, null, null, null])
  }),
  storageCase(
    'insertLicenseKey(): a taken handle, alias or external id writes nothing; another app has its own',
    async (storage) => {
      const [parents, other] = [await addParents(storage), await addParents(storage)]
      const names = { aliasHash: 'alias', externalId: 'sale' }
      const key = await addLicenseKey(storage, parents, names)
      for (const name of ['handle', 'aliasHash', 'externalId'] as const) {
        const refused = newLicenseKey(parents, { [name]: key[name] })
        assert.equal(await storage.insertLicenseKey(refused), false, name)
        assert.equal(await storage.findLicenseKey(refused.appId, refused.id), null, name)
      }
      const elsewhere = newLicenseKey(other, { ...names, handle: key.handle })
      assert.equal(await storage.insertLicenseKey(elsewhere), true)
    },
  ),
  storageCase('insertLicenseKey(): rejects if app, customer or tier is missing', async (storage) => {
    const parents = await addParents(storage)
    const app = await addApp(storage)
    await storage.deleteApp(app.id)
    for (const wrong of [
      { customer: newCustomer(parents.app.id) },
      { tier: newTier(parents.app.id) },
      { app },
    ])
      await assert.rejects(storage.insertLicenseKey(newLicenseKey({ ...parents, ...wrong })), {
        code: 'not_found',
      })
  }),
]

const writeCases: readonly ConformanceCase[] = [
  storageCase('updateLicenseKey(): one of 16 changes to one version wins', async (storage) => {
    const parents = await addParents(storage)
    const key = await addLicenseKey(storage, parents)
    const results = await concurrently(16, (seats) =>
      storage.updateLicenseKey(key.id, 1, { seats: seats + 1 }),
    )
    const won = results.filter((result) => result !== null)
    assert.equal(won.length, 1)
    assert.deepEqual(won[0], { ...key, seats: won[0]!.seats, version: 2 })
    assert.deepEqual(await storage.findLicenseKey(key.appId, key.id), won[0])
    assert.equal(await storage.updateLicenseKey('lkey_missing', 1, {}), null)
  }),
  storageCase('updateLicenseKey(): a taken alias or external id changes nothing', async (storage) => {
    const parents = await addParents(storage)
    await addLicenseKey(storage, parents, { aliasHash: 'alias', externalId: 'sale' })
    const key = await addLicenseKey(storage, parents)
    assert.equal(await storage.updateLicenseKey(key.id, 1, { aliasHash: 'alias' }), null)
    assert.equal(await storage.updateLicenseKey(key.id, 1, { externalId: 'sale' }), null)
    assert.deepEqual(await storage.findLicenseKey(key.appId, key.id), key)
  }),
  storageCase('holdLicenseKey(): raises the version alone, and finds no missing one', async (storage) => {
    const parents = await addParents(storage)
    const key = await addLicenseKey(storage, parents)
    assert.deepEqual(await storage.holdLicenseKey(key.id), { ...key, version: 2 })
    assert.equal(await storage.holdLicenseKey('lkey_missing'), null)
  }),
  storageCase(
    'holdLicenseKey(): transactions that hold one license key come one after the other',
    async (storage) => {
      const parents = await addParents(storage)
      const key = await addLicenseKey(storage, parents, { seats: 5 })
      const take = (): Promise<boolean> =>
        storage.transaction(async (tx) => {
          const held = await tx.holdLicenseKey(key.id)
          if ((await tx.countSeats(key.id)) >= held!.seats) return false
          await addSeat(tx as Storage, parents, key.id)
          return true
        })
      const taken = await concurrently(16, take)
      assert.equal(taken.filter(Boolean).length, 5)
      assert.equal(await storage.countSeats(key.id), 5)
      assert.equal((await storage.findLicenseKey(key.appId, key.id))?.version, 17)
    },
  ),
  storageCase('deleteLicenseKey(): deletes its seats, and no other license', async (storage) => {
    const parents = await addParents(storage)
    const [key, other] = [await addLicenseKey(storage, parents), await addLicenseKey(storage, parents)]
    await addSeat(storage, parents, key.id)
    const kept = [await addSeat(storage, parents, other.id), await addLicense(storage, parents)]
    assert.equal(await storage.deleteLicenseKey(key.id), true)
    assert.equal(await storage.deleteLicenseKey(key.id), false)
    const left = await storage.listLicenses({ appId: parents.app.id, now: 0 }, { limit: 9 })
    assert.deepEqual(idsOf(left).toSorted(), idsOf(kept))
    await assert.rejects(addSeat(storage, parents, key.id), { code: 'not_found' })
  }),
]

const parentCases: readonly ConformanceCase[] = [
  storageCase('deleteCustomer(): deletes the license keys and their seats', async (storage) => {
    const parents = await addParents(storage)
    const customer = newCustomer(parents.app.id)
    await storage.insertCustomer(customer)
    const key = await addLicenseKey(storage, parents)
    const seat = await addSeat(storage, { ...parents, customer }, key.id)
    assert.equal(await storage.deleteCustomer(parents.customer.id), true)
    assert.equal(await storage.findLicenseKey(key.appId, key.id), null)
    assert.equal(await storage.findLicense(key.appId, seat.id), null)
  }),
  storageCase('deleteTier(): its license keys keep the slug, and their version rises', async (storage) => {
    const parents = await addParents(storage)
    const key = await addLicenseKey(storage, parents)
    assert.equal(await storage.deleteTier(parents.tier.id), true)
    assert.deepEqual(await storage.findLicenseKey(key.appId, key.id), { ...key, tierId: null, version: 2 })
  }),
  storageCase('deleteApp(): deletes its license keys', async (storage) => {
    const parents = await addParents(storage)
    const key = await addLicenseKey(storage, parents)
    await addSeat(storage, parents, key.id)
    assert.equal(await storage.deleteApp(parents.app.id), true)
    assert.equal(await storage.findLicenseKey(key.appId, key.id), null)
    assert.equal(await storage.holdLicenseKey(key.id), null)
  }),
  storageCase(
    'beginDeletion(): nobody finds the license keys of a leaving customer or app',
    async (storage) => {
      for (const kind of ['customer', 'app'] as const) {
        const parents = await addParents(storage)
        const key = await addLicenseKey(storage, parents, { aliasHash: 'alias', externalId: 'sale' })
        await addSeat(storage, parents, key.id)
        const { id } = parents[kind]
        const deletion = { id, appId: parents.app.id, kind, startedAt: madeAt }
        // A storage that deletes any number of records at once begins none.
        if ((await storage.beginDeletion(deletion, 1)) !== 'begun') return
        assert.deepEqual(await findAll(storage, key), [null, null, null, null])
        assert.equal(await storage.holdLicenseKey(key.id), null)
        assert.equal(await storage.updateLicenseKey(key.id, 1, {}), null)
        const filter = { appId: key.appId, now: 0 }
        assert.deepEqual(await storage.listLicenseKeys(filter, { limit: 9 }), [])
        assert.equal(await storage.countLicenseKeys(filter), 0)
        const keys: LicenseKeyRecord[] = []
        for (let isDone = false; !isDone;) {
          const page = await storage.continueDeletion(id, { limit: 1 })
          keys.push(...(page?.licenseKeys ?? []))
          isDone = page?.isDone !== false
        }
        assert.deepEqual(keys, kind === 'customer' ? [{ ...key, version: 2 }] : [])
        assert.deepEqual(await storage.listDeletions(), [])
      }
    },
  ),
]

const listCases: readonly ConformanceCase[] = [
  storageCase('listLicenseKeys(): filters, newest first, in pages', async (storage) => {
    const parents = await addParents(storage)
    const [customer, tier] = [newCustomer(parents.app.id), newTier(parents.app.id)]
    await storage.insertCustomer(customer)
    await storage.insertTier(tier)
    const states = [{}, { expiresAt: madeAt }, { revokedAt: 1, expiresAt: madeAt }, { expiresAt: madeAt + 1 }]
    const keys = await several(4, (at) => addLicenseKey(storage, parents, states[at]))
    keys.push(await addLicenseKey(storage, { ...parents, customer, tier }))
    const [active, expired, revoked, ending, other] = idsOf(keys)
    const cases = [
      [{}, [other, ending, revoked, expired, active]],
      [{ status: 'active' }, [other, ending, active]],
      [{ status: 'expired' }, [expired]],
      [{ status: 'revoked' }, [revoked]],
      [{ customerId: customer.id }, [other]],
      [{ tierId: tier.id }, [other]],
      [{ tierId: tier.id, customerId: parents.customer.id }, []],
    ] as const
    for (const [given, ids] of cases) {
      const filter = { appId: parents.app.id, now: madeAt, ...given }
      assert.deepEqual(idsOf(await storage.listLicenseKeys(filter, { limit: 9 })), ids)
      assert.equal(await storage.countLicenseKeys(filter), ids.length)
    }
    const filter = { appId: parents.app.id, now: madeAt }
    const after = { id: ending! }
    assert.deepEqual(idsOf(await storage.listLicenseKeys(filter, { limit: 2, after })), [revoked, expired])
    assert.deepEqual(idsOf(await storage.listLicenseKeys(filter, { limit: 1, offset: 1 })), [ending])
  }),
  storageCase(
    'listEndingLicenseKeys(): skips the revoked and the announced, the earliest end first',
    async (storage) => {
      const parents = await addParents(storage)
      const given = [
        { expiresAt: madeAt + 9 },
        { expiresAt: madeAt + 3, toldExpired: madeAt + 3 },
        { expiresAt: madeAt + 4, toldExpiring: madeAt + 4 },
        { expiresAt: madeAt + 5, toldExpiring: madeAt + 4 },
        { expiresAt: madeAt + 6, revokedAt: madeAt },
        { expiresAt: madeAt },
        { expiresAt: madeAt + 10 },
        {},
      ]
      const ids = idsOf(await several(given.length, (at) => addLicenseKey(storage, parents, given[at])))
      const span = { appId: parents.app.id, after: madeAt, until: madeAt + 9, limit: 9 }
      const coming = await storage.listEndingLicenseKeys({ ...span, unlessTold: 'toldExpiring' })
      assert.deepEqual(idsOf(coming), [ids[1], ids[3], ids[0]])
      const past = await storage.listEndingLicenseKeys({ ...span, unlessTold: 'toldExpired', limit: 2 })
      assert.deepEqual(idsOf(past), [ids[2], ids[3]])
    },
  ),
  storageCase('listEndingLicenses(): skips the seats of license keys', async (storage) => {
    const parents = await addParents(storage)
    const key = await addLicenseKey(storage, parents)
    await addSeat(storage, parents, key.id, { expiresAt: madeAt + 1 })
    const { id } = await addLicense(storage, parents, { expiresAt: madeAt + 1 })
    const span = { appId: parents.app.id, after: madeAt, until: madeAt + 9, limit: 9 }
    for (const withoutNotice of ['license.expiring', 'license.expired'] as const)
      assert.deepEqual(idsOf(await storage.listEndingLicenses({ ...span, withoutNotice })), [id])
  }),
]

export const licenseKeyCases: readonly ConformanceCase[] = [
  ...recordCases,
  ...writeCases,
  ...parentCases,
  ...listCases,
]
