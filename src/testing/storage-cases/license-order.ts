import assert from 'node:assert/strict'
import type { LicenseFilter, LicenseOrder, LicenseRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addLicense, addParents, idsOf, madeAt, type Parents } from './records.ts'

const now = madeAt

const orders: readonly LicenseOrder[] = [
  { by: 'createdAt', descending: false },
  { by: 'createdAt', descending: true },
  { by: 'expiresAt', descending: false },
  { by: 'expiresAt', descending: true },
  { by: 'seenAt', descending: true },
]

type Times = Omit<LicenseFilter, 'appId' | 'now' | 'status'>

const filters: readonly Times[] = [
  {},
  { expiresBefore: now + 2 },
  { expiresAfter: now },
  { expiresAfter: now, expiresBefore: now + 2 },
  { seenBefore: now },
  { createdAfter: now },
  { createdAfter: now, expiresBefore: now + 2, seenBefore: now + 1 },
]

/** Licenses of every status with times around now, in no order of them. Some have the same times. */
async function addLicenses(storage: Storage, parents: Parents): Promise<readonly LicenseRecord[]> {
  const licenses: LicenseRecord[] = []
  for (const [at, expiresAt] of [now + 1, null, now, now + 2, now - 1, now + 1].entries())
    for (const seenAt of [null, now - 1, now])
      for (const revokedAt of at % 2 === 0 ? [null] : [null, now]) {
        const createdAt = now - 1 + (at % 3)
        licenses.push(await addLicense(storage, parents, { expiresAt, seenAt, revokedAt, createdAt }))
      }
  return licenses
}

function statusOf({ revokedAt, expiresAt }: LicenseRecord): LicenseFilter['status'] {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && now >= expiresAt ? 'expired' : 'active'
}

/** True if the license passes, by the words of the contract. */
function passes(license: LicenseRecord, filter: LicenseFilter): boolean {
  const { expiresAt, seenAt, createdAt } = license
  const { status, expiresBefore, expiresAfter, seenBefore, createdAfter } = filter
  return (
    (status === undefined || status === statusOf(license)) &&
    (expiresBefore === undefined || (expiresAt !== null && expiresAt < expiresBefore)) &&
    (expiresAfter === undefined || (expiresAt !== null && expiresAt >= expiresAfter)) &&
    (seenBefore === undefined || (seenAt !== null && seenAt < seenBefore)) &&
    (createdAfter === undefined || createdAt >= createdAfter)
  )
}

function sorted(
  licenses: readonly LicenseRecord[],
  { by, descending }: LicenseOrder,
): readonly LicenseRecord[] {
  const listed = licenses.filter((license) => by !== 'seenAt' || license.seenAt !== null)
  const [timed, endless] = [
    listed.filter((license) => license[by] !== null),
    listed.filter((license) => license[by] === null),
  ]
  const compare = (a: LicenseRecord, b: LicenseRecord): number =>
    (descending ? -1 : 1) * (a[by]! - b[by]! || (a.id < b.id ? -1 : 1))
  return [...timed.toSorted(compare), ...endless.toSorted(compare)]
}

/** Reads the whole list in pages that each begin after the last license of the page before. */
async function walk(storage: Storage, filter: LicenseFilter, order: LicenseOrder): Promise<string[]> {
  const ids: string[] = []
  let last: LicenseRecord | undefined
  do {
    const after = last && { id: last.id, position: last[order.by] }
    const page = await storage.listLicenses(filter, { limit: 4, after }, order)
    ids.push(...idsOf(page))
    last = page.length < 4 ? undefined : page.at(-1)
  } while (last !== undefined)
  return ids
}

const nameOf = ({ by, descending }: LicenseOrder): string => `${by}, ${descending ? 'falling' : 'rising'}`

const orderCases: readonly ConformanceCase[] = orders.map((order) =>
  storageCase(`listLicenses(): in the order of ${nameOf(order)}, with every filter`, async (storage) => {
    const parents = await addParents(storage)
    const others = await addParents(storage)
    const licenses = await addLicenses(storage, parents)
    await addLicense(storage, others, { expiresAt: now, seenAt: now - 1 })
    for (const status of [undefined, 'active', 'expired', 'revoked'] as const)
      for (const times of filters) {
        const filter = { ...times, status, appId: parents.app.id, now }
        const found = licenses.filter((license) => passes(license, filter))
        const expected = idsOf(sorted(found, order))
        const about = JSON.stringify({ ...times, status })
        assert.deepEqual(idsOf(await storage.listLicenses(filter, { limit: 99 }, order)), expected, about)
        assert.deepEqual(await walk(storage, filter, order), expected, about)
        const part = await storage.listLicenses(filter, { limit: 3, offset: 4 }, order)
        assert.deepEqual(idsOf(part), expected.slice(4, 7), about)
        assert.equal(await storage.countLicenses(filter), found.length, about)
      }
  }),
)

const filterCases: readonly ConformanceCase[] = [
  storageCase('listLicenses(): a filter by time without an order is newest first', async (storage) => {
    const parents = await addParents(storage)
    const licenses = await addLicenses(storage, parents)
    for (const times of filters) {
      const filter = { ...times, appId: parents.app.id, now }
      const expected = idsOf(licenses.filter((license) => passes(license, filter))).toReversed()
      assert.deepEqual(idsOf(await storage.listLicenses(filter, { limit: 99 })), expected)
    }
  }),
  storageCase('listLicenses(): no place in an order leads out of the filter', async (storage) => {
    const parents = await addParents(storage)
    const licenses = await addLicenses(storage, parents)
    const filter = { appId: parents.app.id, now, expiresAfter: now, expiresBefore: now + 2 }
    for (const order of orders)
      for (const position of [0, now, now + 9, null]) {
        const after = { id: 'lic_0', position }
        const listed = await storage.listLicenses(filter, { limit: 99, after }, order)
        const ids = idsOf(licenses.filter((license) => passes(license, filter)))
        assert.deepEqual(
          listed.filter(({ id }) => !ids.includes(id)),
          [],
        )
      }
  }),
  storageCase(
    'listLicenses(): in the order of expiresAt, a license that is extended or deleted makes no other one missing',
    async (storage) => {
      const parents = await addParents(storage)
      const licenses: LicenseRecord[] = []
      for (let end = 1; end <= 8; end++)
        licenses.push(await addLicense(storage, parents, { expiresAt: now + end }))
      const filter = { appId: parents.app.id, now }
      const order = { by: 'expiresAt', descending: false } as const
      const page = { limit: 2 }
      const first = await storage.listLicenses(filter, page, order)
      const [extended, deleted] = first
      await storage.updateLicense(extended!.id, extended!.version, { expiresAt: now + 100 })
      await storage.deleteLicense(deleted!.id)
      const after = { id: deleted!.id, position: deleted!.expiresAt }
      const rest = await storage.listLicenses(filter, { limit: 99, after }, order)
      assert.deepEqual(idsOf(rest), [...idsOf(licenses).slice(2), extended!.id])
    },
  ),
]

export const licenseOrderCases: readonly ConformanceCase[] = [...orderCases, ...filterCases]
