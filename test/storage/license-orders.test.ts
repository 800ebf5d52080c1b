import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Kysely, SqliteDialect } from 'kysely'
import type { LicenseFilter, LicenseOrder, LicenseRecord, Storage } from '../../src/core/index.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import {
  addParents,
  idsOf,
  madeAt as now,
  newCustomer,
  newLicense,
  newTier,
  type Parents,
} from '../../src/testing/storage-cases/records.ts'

/** More licenses than two statements pass. */
const length = 12_000

interface Filled extends Parents {
  readonly storage: Storage
  readonly licenses: readonly LicenseRecord[]
}

let statements: string[] = []

async function filled(): Promise<Filled> {
  const database = await openConnection(':memory:', { readonly: false })
  database.exec('pragma foreign_keys = on')
  const log = ({ query }: { readonly query: { readonly sql: string } }) => void statements.push(query.sql)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }), log })
  await migrate(db)
  const storage = kyselyStorage(db)
  const parents = await addParents(storage)
  const [other, buyer] = [newTier(parents.app.id), newCustomer(parents.app.id)]
  await storage.insertTier(other)
  await storage.insertCustomer(buyer)
  const licenses = Array.from({ length }, (_, at) =>
    newLicense(parents, {
      customerId: at % 40 === 0 ? buyer.id : parents.customer.id,
      tierId: at % 3 === 0 ? null : at % 3 === 1 ? parents.tier.id : other.id,
      // A license is seldom revoked among the first, and often among the last.
      revokedAt: at % (at < 10_000 ? 700 : 3) === 0 ? now : null,
      expiresAt: [null, now, now + 1][at % 7] ?? now - at,
      createdAt: now - ((at * 7) % 5_000),
      seenAt: at % 4 === 0 ? null : now - (at % 3_000),
    }),
  )
  await storage.transaction(async (tx) => {
    for (const license of licenses) await tx.insertLicense(license)
  })
  return { ...parents, customer: buyer, storage, licenses }
}

function statusOf({ revokedAt, expiresAt }: LicenseRecord): LicenseFilter['status'] {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && now >= expiresAt ? 'expired' : 'active'
}

/** True if the license passes, by the words of the contract. */
function passes(license: LicenseRecord, filter: LicenseFilter): boolean {
  const { status, customerId, tierId, expiresBefore, expiresAfter, seenBefore, createdAfter } = filter
  const { expiresAt, seenAt, createdAt } = license
  return (
    (status === undefined || status === statusOf(license)) &&
    (customerId === undefined || customerId === license.customerId) &&
    (tierId === undefined || tierId === license.tierId) &&
    (expiresBefore === undefined || (expiresAt !== null && expiresAt < expiresBefore)) &&
    (expiresAfter === undefined || (expiresAt !== null && expiresAt >= expiresAfter)) &&
    (seenBefore === undefined || (seenAt !== null && seenAt < seenBefore)) &&
    (createdAfter === undefined || createdAt >= createdAfter)
  )
}

/** The licenses in an order, by the words of the contract. */
function inOrder(
  licenses: readonly LicenseRecord[],
  { by, descending }: LicenseOrder,
): readonly LicenseRecord[] {
  const last = descending ? -Infinity : Infinity
  const rise = (a: LicenseRecord, b: LicenseRecord): number => {
    const [first, second] = [a[by] ?? last, b[by] ?? last]
    return first === second ? (a.id < b.id ? -1 : 1) : first - second
  }
  return licenses.toSorted((a, b) => (descending ? rise(b, a) : rise(a, b)))
}

const rising: LicenseOrder = { by: 'expiresAt', descending: false }
const byCreation: LicenseOrder = { by: 'createdAt', descending: false }
const orders: readonly LicenseOrder[] = [
  rising,
  byCreation,
  { by: 'expiresAt', descending: true },
  { by: 'createdAt', descending: true },
  { by: 'seenAt', descending: true },
]

/** Many licenses pass some of them, and few pass others. */
const filters: readonly Partial<LicenseFilter>[] = [
  {},
  { createdAfter: now - 2_000 },
  { createdAfter: now - 20 },
  { expiresBefore: now - 6_000, createdAfter: now - 2_500 },
  { expiresAfter: now - 30, expiresBefore: now },
  { seenBefore: now - 1_500, tierId: null },
  { seenBefore: now - 2_990 },
]

describe('SQLite storage: many thousand licenses in an order by time', () => {
  let data: Filled
  before(async () => void (data = await filled()))
  after(() => data.storage.close())

  for (const order of orders)
    it(`are right on each page by ${order.descending ? '-' : ''}${order.by}`, async () => {
      const { app, customer, licenses, storage } = data
      for (const status of [undefined, 'active', 'expired', 'revoked'] as const)
        for (const times of [...filters, { expiresAfter: 0, customerId: customer.id }]) {
          const filter = { ...times, status, appId: app.id, now }
          const wanted = licenses.filter((license) => passes(license, filter))
          const listed = wanted.filter(({ seenAt }) => order.by !== 'seenAt' || seenAt !== null)
          const expected = inOrder(listed, order)
          const about = JSON.stringify({ ...times, status })
          assert.equal(await storage.countLicenses(filter), wanted.length, about)
          for (const offset of [0, 199, 5_001, expected.length - 3].filter((at) => at >= 0)) {
            const page = await storage.listLicenses(filter, { limit: 7, offset }, order)
            assert.deepEqual(idsOf(page), idsOf(expected.slice(offset, offset + 7)), `${about} ${offset}`)
          }
          for (const at of [0, 100, expected.length - 2]) {
            const last = expected[at]
            if (last === undefined) continue
            const position = { id: last.id, position: last[order.by] }
            const page = await storage.listLicenses(filter, { limit: 7, after: position }, order)
            assert.deepEqual(idsOf(page), idsOf(expected.slice(at + 1, at + 8)), `${about} after ${at}`)
          }
        }
    })

  it('are read by statements that each pass few of them, so that others have turns between', async () => {
    const { app, storage, tier } = data
    const all = { appId: app.id, now }
    const reads: Readonly<Record<string, () => Promise<unknown>>> = {
      'those with an end are counted': () => storage.countLicenses({ ...all, expiresAfter: 0 }),
      'a page by number is far behind': () =>
        storage.listLicenses(all, { limit: 1, offset: length - 1 }, rising),
      'none of a tier ends so late': () =>
        storage.listLicenses({ ...all, tierId: tier.id, expiresAfter: now + 2 }, { limit: 1 }, byCreation),
    }
    for (const [name, read] of Object.entries(reads)) {
      statements = []
      await read()
      const parts = statements.filter((text) => /order by|count\(/.test(text))
      assert.ok(parts.length >= 4, `${name}: ${parts.length}`)
    }
  })

  it('are read from their first on if a cursor points far before it, as quickly as without one', async () => {
    const { app, storage } = data
    const read = async (filter: Partial<LicenseFilter>, order: LicenseOrder, position?: number) => {
      statements = []
      const after = position === undefined ? undefined : { id: app.id.replace('app_', 'lic_'), position }
      const page = await storage.listLicenses({ appId: app.id, now, ...filter }, { limit: 7, after }, order)
      return [idsOf(page), statements.length]
    }
    const falling: LicenseOrder = { by: 'expiresAt', descending: true }
    for (const [filter, order, position] of [
      [{ status: 'expired' }, falling, now * 2],
      [{ expiresBefore: now - 6_000 }, falling, now * 2],
      [{ status: 'active' }, rising, 0],
      [{ expiresAfter: now - 30 }, rising, 0],
    ] as const)
      assert.deepEqual(await read(filter, order, position), await read(filter, order))
  })
})
