import assert from 'node:assert/strict'
import type { LicenseRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addLicense,
  addLicenseKey,
  addParents,
  addSeat,
  idsOf,
  madeAt,
  newCustomer,
  newInstallation,
  type Parents,
  several,
} from './records.ts'

const now = madeAt + 1_000

/** A license key with three taken seats, each seen later than the one before it, and one that was given back. */
async function addTaken(storage: Storage): Promise<{
  readonly parents: Parents
  readonly keyId: string
  readonly taken: readonly LicenseRecord[]
  readonly given: LicenseRecord
}> {
  const parents = await addParents(storage)
  const { id: keyId } = await addLicenseKey(storage, parents)
  // The first in the list is not the one that was seen first.
  const seenAt = [madeAt + 2, madeAt + 1, madeAt + 3]
  const taken = await several(3, (at) => addSeat(storage, parents, keyId, { seenAt: seenAt[at]! }))
  const given = await addSeat(storage, parents, keyId, {
    revokedAt: madeAt,
    revokedCause: 'released',
    seenAt: madeAt,
  })
  const { id: otherId } = await addLicenseKey(storage, parents)
  await addSeat(storage, parents, otherId)
  await addLicense(storage, parents)
  return { parents, keyId, taken, given }
}

/** The seats of a license key in their present state, by id. */
async function seatsOf(storage: Storage, { app }: Parents, licenseKeyId: string): Promise<LicenseRecord[]> {
  const all = await storage.listLicenses({ appId: app.id, licenseKeyId, now }, { limit: 99 })
  return all.toReversed()
}

/** The licenses that are no seats of this license key. */
async function othersOf(storage: Storage, { app }: Parents, licenseKeyId: string): Promise<LicenseRecord[]> {
  const all = await storage.listLicenses({ appId: app.id, now }, { limit: 99 })
  return all.filter((license) => license.licenseKeyId !== licenseKeyId)
}

const readCases: readonly ConformanceCase[] = [
  storageCase(
    'findSeating(): prefers the taken seat, then one that the vendor revoked, then the newest, and counts the taken ones',
    async (storage) => {
      const { keyId, parents } = await addTaken(storage)
      const installationId = newInstallation()
      const old = { installationId, current: false, revokedAt: madeAt }
      const given = { ...old, revokedCause: 'released' } as const
      assert.deepEqual(await storage.findSeating(keyId, installationId), { seat: null, taken: 3 })
      const [, last] = await several(2, () => addSeat(storage, parents, keyId, given))
      assert.deepEqual(await storage.findSeating(keyId, installationId), { seat: last, taken: 3 })
      const [first, second] = await several(2, () => addSeat(storage, parents, keyId, old))
      await addSeat(storage, parents, keyId, given)
      assert.deepEqual(await storage.findSeating(keyId, installationId), { seat: second, taken: 3 })
      const seat = await storage.updateLicense(first!.id, 1, { revokedAt: null, current: true })
      assert.deepEqual(await storage.findSeating(keyId, installationId), { seat, taken: 4 })
      assert.deepEqual(await storage.findSeating(keyId, newInstallation()), { seat: null, taken: 4 })
      assert.deepEqual(await storage.findSeating('lkey_missing', installationId), { seat: null, taken: 0 })
    },
  ),
  storageCase('countSeats(): counts the taken ones, and those seen before a time', async (storage) => {
    const { keyId, parents } = await addTaken(storage)
    assert.equal(await storage.countSeats(keyId), 3)
    assert.equal(await storage.countSeats(keyId, madeAt + 3), 2)
    assert.equal(await storage.countSeats(keyId, madeAt + 1), 0)
    await addSeat(storage, parents, keyId, { seenAt: null })
    assert.equal(await storage.countSeats(keyId, madeAt + 1), 1)
    assert.equal(await storage.countSeats('lkey_missing'), 0)
  }),
  storageCase('listLicenses(): lists the seats of a license key', async (storage) => {
    const { keyId, parents, taken, given } = await addTaken(storage)
    assert.deepEqual(await seatsOf(storage, parents, keyId), [...taken, given])
    const filter = { appId: parents.app.id, licenseKeyId: keyId, now, status: 'active' } as const
    assert.equal(await storage.countLicenses(filter), 3)
    assert.equal(await storage.countLicenses({ ...filter, status: undefined }), 4)
  }),
]

const releaseCases: readonly ConformanceCase[] = [
  storageCase('releaseSeats(): releases the seat that was seen first', async (storage) => {
    const { keyId, parents, taken } = await addTaken(storage)
    const others = await othersOf(storage, parents, keyId)
    const order = { licenseKeyId: keyId, now, cause: 'replaced', limit: 2 } as const
    const released = await storage.releaseSeats(order)
    const change = {
      revokedAt: now,
      revokedReason: null,
      revokedCause: 'replaced',
      updatedAt: now,
      version: 2,
    }
    assert.deepEqual(released, [
      { ...taken[1], ...change },
      { ...taken[0], ...change },
    ])
    assert.deepEqual((await seatsOf(storage, parents, keyId)).slice(0, 2), released.toReversed())
    assert.equal(await storage.countSeats(keyId), 1)
    assert.deepEqual(await othersOf(storage, parents, keyId), others)
    assert.deepEqual(await storage.releaseSeats({ ...order, limit: 0 }), [])
  }),
  storageCase(
    'releaseSeats(): takes only seats that were silent, and none that is excepted',
    async (storage) => {
      const { keyId, taken } = await addTaken(storage)
      const order = { licenseKeyId: keyId, now, cause: 'lapsed', limit: 9 } as const
      assert.deepEqual(await storage.releaseSeats({ ...order, seenBefore: madeAt + 1 }), [])
      const silent = await storage.releaseSeats({ ...order, seenBefore: madeAt + 2 })
      assert.deepEqual(idsOf(silent), [taken[1]!.id])
      const rest = await storage.releaseSeats({ ...order, exceptIds: [taken[2]!.id, 'lic_missing'] })
      assert.deepEqual(idsOf(rest), [taken[0]!.id])
      assert.equal(await storage.countSeats(keyId), 1)
    },
  ),
  storageCase('releaseInstallation(): revokes a taken seat that loses its slot', async (storage) => {
    const parents = await addParents(storage)
    const { id } = await addLicenseKey(storage, parents)
    const seat = await addSeat(storage, parents, id, { expiresAt: madeAt })
    const plain = await addLicense(storage, parents, { expiresAt: madeAt })
    const revoked = await addSeat(storage, parents, id, { revokedAt: madeAt, revokedReason: 'refund' })
    for (const { appId, installationId } of [seat, plain, revoked])
      await storage.releaseInstallation(appId, installationId, now)
    const lost = { current: false, version: 2 }
    const replaced = { revokedAt: now, revokedCause: 'replaced', updatedAt: now }
    assert.deepEqual(await storage.findLicense(seat.appId, seat.id), { ...seat, ...lost, ...replaced })
    assert.deepEqual(await storage.findLicense(plain.appId, plain.id), { ...plain, ...lost })
    assert.deepEqual(await storage.findLicense(revoked.appId, revoked.id), { ...revoked, ...lost })
  }),
]

const claimCases: readonly ConformanceCase[] = [
  storageCase('reissueSeats(): writes the claims and the end of all taken seats', async (storage) => {
    const { keyId, parents, taken, given } = await addTaken(storage)
    const others = await othersOf(storage, parents, keyId)
    const customer = newCustomer(parents.app.id)
    await storage.insertCustomer(customer)
    const claims = {
      customerId: customer.id,
      tierId: null,
      tier: 'other',
      tierFeatures: ['b', 'a'],
      tierLimits: { projects: 3 },
      customFeatures: ['own'],
      customLimits: { exports: 0 },
      updatesUntil: now,
    }
    const order = { licenseKeyId: keyId, now, end: now + 9, claims }
    assert.equal(await storage.reissueSeats(order), 3)
    const issued = { ...claims, expiresAt: now + 9, issuedAt: now, updatedAt: now, revision: 2, version: 2 }
    assert.deepEqual(await seatsOf(storage, parents, keyId), [
      ...taken.map((seat) => ({ ...seat, ...issued })),
      given,
    ])
    assert.deepEqual(await othersOf(storage, parents, keyId), others)
    assert.equal(await storage.reissueSeats({ ...order, end: null, claims: {} }), 3)
    const [first] = await seatsOf(storage, parents, keyId)
    assert.deepEqual([first!.expiresAt, first!.tier, first!.revision], [null, 'other', 3])
    assert.equal(await storage.reissueSeats({ ...order, end: now + 9, claims: {} }), 3)
    assert.equal(await storage.reissueSeats({ licenseKeyId: keyId, now, claims: { tier: 'last' } }), 3)
    const [again] = await seatsOf(storage, parents, keyId)
    assert.deepEqual([again!.expiresAt, again!.tier, again!.revision], [now + 9, 'last', 5])
  }),
  storageCase(
    'revokeSeats() and reinstateSeats(): one undoes the other, where the slot is still held',
    async (storage) => {
      const { keyId, parents, taken, given } = await addTaken(storage)
      const others = await othersOf(storage, parents, keyId)
      assert.equal(await storage.revokeSeats(keyId, now), 3)
      assert.equal(await storage.countSeats(keyId), 0)
      const revoked = { revokedAt: now, revokedCause: 'key_revoked', updatedAt: now, version: 2 }
      const state = taken.map((seat) => ({ ...seat, ...revoked }))
      assert.deepEqual(await seatsOf(storage, parents, keyId), [...state, given])
      assert.equal(await storage.revokeSeats(keyId, now), 0)
      const [first, ...rest] = taken
      await storage.releaseInstallation(first!.appId, first!.installationId, now)
      assert.equal(await storage.reinstateSeats(keyId, now + 1), 2)
      assert.deepEqual(await seatsOf(storage, parents, keyId), [
        { ...state[0], current: false, revokedCause: 'replaced', updatedAt: now + 1, version: 4 },
        ...rest.map((seat) => ({ ...seat, updatedAt: now + 1, version: 3 })),
        given,
      ])
      assert.deepEqual(await othersOf(storage, parents, keyId), others)
      assert.equal(await storage.reinstateSeats(keyId, now + 2), 0)
    },
  ),
]

const endCases: readonly ConformanceCase[] = [
  storageCase('deleteSeats(): deletes a page of seats in any state', async (storage) => {
    const { keyId, parents, taken, given } = await addTaken(storage)
    const others = await othersOf(storage, parents, keyId)
    assert.equal(await storage.deleteSeats(keyId, 2), 2)
    assert.deepEqual(await seatsOf(storage, parents, keyId), [taken[2], given])
    assert.equal(await storage.deleteSeats(keyId, 9), 2)
    assert.deepEqual(await othersOf(storage, parents, keyId), others)
  }),
  storageCase(
    'pruneSeats(): forgets seats that were given back long ago, and nothing else',
    async (storage) => {
      const parents = await addParents(storage)
      const { id } = await addLicenseKey(storage, parents)
      const old = { revokedAt: madeAt, updatedAt: madeAt }
      const causes = ['released', 'lapsed', 'replaced', 'moved'] as const
      await several(4, (at) => addSeat(storage, parents, id, { ...old, revokedCause: causes[at]! }))
      const kept = [
        await addSeat(storage, parents, id, { updatedAt: madeAt }),
        await addSeat(storage, parents, id, old),
        await addSeat(storage, parents, id, { ...old, revokedCause: 'key_revoked' }),
        await addSeat(storage, parents, id, { ...old, revokedCause: 'released', updatedAt: now }),
        await addLicense(storage, parents, { ...old, revokedCause: 'moved' }),
      ]
      assert.equal(await storage.pruneSeats(now, 3), 3)
      assert.equal(await storage.pruneSeats(now, 3), 1)
      const left = await storage.listLicenses({ appId: parents.app.id, now }, { limit: 99 })
      assert.deepEqual(idsOf(left).toSorted(), idsOf(kept))
    },
  ),
]

export const seatCases: readonly ConformanceCase[] = [
  ...readCases,
  ...releaseCases,
  ...claimCases,
  ...endCases,
]
