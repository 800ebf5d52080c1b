import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type {
  CustomerRecord,
  DeliveryFilter,
  DeliveryRecord,
  LicenseFilter,
  LicenseRecord,
  SearchRequest,
  Storage,
} from '../../src/core/index.ts'
import { sqliteStorage, type SqliteClient } from '../../src/storage/sqlite.ts'
import { licenseRows } from '../../src/storage/kysely/rows.ts'
import {
  addParents,
  madeAt as now,
  newCustomer,
  newDelivery,
  newInstallation,
  newLicense,
  newTier,
  type Parents,
} from '../../src/testing/storage-cases/records.ts'
import { holds, length, type List, newestFirst } from './list-pages.ts'
import { emptyClient, type Watch, watched } from './watched-client.ts'

let watch: Watch = () => {}

/** Records in the order of their ids, as the storage has them. */
interface Filled extends Parents {
  readonly storage: Storage
  readonly client: SqliteClient
  readonly licenses: readonly LicenseRecord[]
  readonly customers: readonly CustomerRecord[]
  readonly deliveries: readonly DeliveryRecord[]
}

const customersOfLicenses = 40

async function filled(): Promise<Filled> {
  const client = watched(await emptyClient(), (sql, values) => watch(sql, values))
  const storage = await sqliteStorage({ client })
  const parents = await addParents(storage)
  const { app, tier, customer } = parents
  const other = newTier(app.id)
  await storage.insertTier(other)
  const customers = [
    customer,
    ...several((at) => {
      const foldedEmail = `${at % 4_000 === 7 ? 'rare' : 'often'}.${at}@example.com`
      return newCustomer(app.id, { foldedEmail, externalId: `crm-${at}` })
    }),
  ]
  const installations = [newInstallation(), newInstallation()]
  const licenses = several((at) =>
    newLicense(parents, {
      customerId: customers[at % customersOfLicenses]!.id,
      tierId: at % 3 === 0 ? null : at % 3 === 1 ? tier.id : other.id,
      // A license is seldom revoked among the first, and often among the last.
      revokedAt: at % (at < 10_000 ? 700 : 3) === 0 ? now : null,
      expiresAt: [null, now, now + 1][at % 7] ?? now - at,
      ...(at % 5 === 0 && { installationId: installations[at % 2]!, current: false }),
    }),
  )
  const deliveries = several((at) =>
    newDelivery(app.id, {
      state: at % 3_000 === 0 ? 'failed' : 'delivered',
      type: at % 4_000 === 0 ? 'license.revoked' : 'license.updated',
      licenseId: at % 2 === 0 ? licenses[at % 4]!.id : null,
      dueAt: null,
    }),
  )
  await storage.transaction(async (tx) => {
    for (const record of customers.slice(1)) await tx.insertCustomer(record)
    for (const record of licenses) await tx.insertLicense(record)
    for (const record of deliveries) await tx.insertDelivery(record)
  })
  return { ...parents, storage, client, customers, licenses, deliveries }
}

function several<T>(make: (at: number) => T): T[] {
  return Array.from({ length }, (_, at) => make(at))
}

/** The status by the words of the contract. */
function statusOf({ revokedAt, expiresAt }: LicenseRecord): LicenseFilter['status'] {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && now >= expiresAt ? 'expired' : 'active'
}

function passes(
  license: LicenseRecord,
  { status, customerId, tierId, installationId }: LicenseFilter,
): boolean {
  return (
    (status === undefined || status === statusOf(license)) &&
    (customerId === undefined || customerId === license.customerId) &&
    (tierId === undefined || tierId === license.tierId) &&
    (installationId === undefined || installationId === license.installationId)
  )
}

/** Every filter of deliveries, alone and together. */
function deliveryFilters({ licenses }: Filled): readonly Omit<DeliveryFilter, 'appId'>[] {
  const all: Omit<DeliveryFilter, 'appId'>[] = []
  for (const state of [undefined, 'failed', 'delivered', 'pending'] as const)
    for (const type of [undefined, 'license.updated', 'license.revoked'])
      for (const licenseId of [undefined, licenses[0]!.id]) all.push({ state, type, licenseId })
  return all
}

/** A search that finds nothing. */
const nobody: Omit<SearchRequest, 'apps'> = {
  ...{ kinds: ['customer', 'license'], text: 'nobody', licenseId: null, installationId: null, limit: 9 },
  ...{ emailPrefix: 'nobody', namePrefix: 'nobody' },
}

describe('SQLite storage: a list of many thousand records', () => {
  let data: Filled
  before(async () => void (data = await filled()))
  after(() => data.storage.close())

  const licenseList = (filter: Omit<LicenseFilter, 'appId' | 'now'>): List => {
    const { app, storage, licenses } = data
    const whole = { ...filter, appId: app.id, now }
    return {
      expected: newestFirst(licenses.filter((license) => passes(license, whole))),
      list: (page) => storage.listLicenses(whole, page),
      count: () => storage.countLicenses(whole),
    }
  }

  for (const status of [undefined, 'active', 'expired', 'revoked'] as const) {
    it(`has the licenses of each filter: ${status ?? 'any status'}`, async () => {
      const { tier, customer, licenses } = data
      const tierIds = [undefined, null, tier.id]
      const others = [{}, { customerId: customer.id }, { installationId: licenses[0]!.installationId }]
      for (const tierId of tierIds)
        for (const other of others) await holds(licenseList({ status, tierId, ...other }))
    })
  }

  it('has the few licenses that are expired', async () => {
    const { app, storage, licenses } = data
    const early = now - length + 500
    const filter = { appId: app.id, status: 'expired', now: early } as const
    const expired = licenses.filter(
      ({ revokedAt, expiresAt }) => revokedAt === null && expiresAt !== null && expiresAt <= early,
    )
    assert.ok(expired.length > 10 && expired.length < 500)
    await holds({
      expected: newestFirst(expired),
      list: (page) => storage.listLicenses(filter, page),
      count: () => storage.countLicenses(filter),
    })
  })

  it('has the customers of each filter', async () => {
    const { app, storage, customers } = data
    for (const foldedEmailPart of [undefined, 'rare.', 'often.', 'nobody'])
      for (const externalId of [undefined, 'crm-7']) {
        const filter = { appId: app.id, foldedEmailPart, externalId }
        const expected = customers.filter(
          (customer) =>
            customer.foldedEmail.includes(foldedEmailPart ?? '') &&
            (externalId === undefined || customer.externalId === externalId),
        )
        await holds({
          expected: newestFirst(expected),
          list: (page) => storage.listCustomers(filter, page),
          count: () => storage.countCustomers(filter),
        })
      }
  })

  it('has the deliveries of each filter', async () => {
    const { app, storage, deliveries } = data
    for (const filter of deliveryFilters(data)) {
      const names = (['state', 'type', 'licenseId'] as const).filter((name) => filter[name] !== undefined)
      await holds({
        expected: newestFirst(
          deliveries.filter((delivery) => names.every((name) => delivery[name] === filter[name])),
        ),
        list: (page) => storage.listDeliveries({ ...filter, appId: app.id }, page),
        count: () => storage.countDeliveries({ ...filter, appId: app.id }),
      })
    }
  })

  it('has an index for each filter of deliveries, in the order of the list', async () => {
    const { app, client, storage } = data
    const plans: string[] = []
    watch = (sql, values) => {
      if (!/^(?!explain).*heartwood_delivery/s.test(sql)) return
      const rows = client.prepare(`explain query plan ${sql}`).all(...values) as { readonly detail: string }[]
      plans.push(
        ...rows.map(({ detail }) => detail).filter((detail) => detail.includes('heartwood_delivery')),
      )
    }
    for (const filter of deliveryFilters(data))
      await storage.listDeliveries({ ...filter, appId: app.id }, { limit: 5 })
    await storage.countPendingDeliveries(app.id, 1_000)
    await storage.retryDeliveries({ appId: app.id, since: now + 1, now, limit: 5 })
    watch = () => {}
    assert.ok(plans.length > 20)
    const wrong = plans.filter((plan) => !/USING (COVERING )?INDEX \w+ \(\w+=\?/.test(plan))
    assert.deepEqual(wrong, [])
  })

  it('is the same inside a transaction', async () => {
    const filter = { appId: data.app.id, status: 'active', now } as const
    const { expected } = licenseList({ status: 'active' })
    await data.storage.transaction((tx) =>
      holds({
        expected,
        list: (page) => tx.listLicenses(filter, page),
        count: () => tx.countLicenses(filter),
      }),
    )
  })

  it('is read by statements that each pass few rows, so that others have turns between them', async () => {
    const { app, storage } = data
    const licenses = { appId: app.id, now }
    const one = { limit: 1 }
    const reads: Readonly<Record<string, () => Promise<unknown>>> = {
      'all licenses are counted': () => storage.countLicenses(licenses),
      'active licenses are counted': () => storage.countLicenses({ ...licenses, status: 'active' }),
      'expired licenses are counted': () => storage.countLicenses({ ...licenses, status: 'expired' }),
      'no license is active': () => storage.listLicenses({ ...licenses, status: 'active', now: 1e12 }, one),
      'licenses are passed over': () => storage.listLicenses(licenses, { limit: 1, offset: length - 1 }),
      'customers are counted': () => storage.countCustomers({ appId: app.id }),
      'no e-mail has the part': () =>
        storage.listCustomers({ appId: app.id, foldedEmailPart: 'nobody' }, one),
      'deliveries are counted': () => storage.countDeliveries({ appId: app.id }),
      'deliveries of a type are counted': () =>
        storage.countDeliveries({ appId: app.id, type: 'license.updated' }),
      'deliveries of a type are passed over': () =>
        storage.listDeliveries({ appId: app.id, type: 'license.updated' }, { limit: 1, offset: 9_000 }),
    }
    const statements: Record<string, number> = {}
    for (const [name, read] of Object.entries(reads)) {
      statements[name] = 0
      watch = (sql) => void (statements[name]! += /order by|count\(/.test(sql) ? 1 : 0)
      await read()
    }
    watch = () => {}
    const few = Object.entries(statements).filter(([, count]) => count < 4)
    assert.deepEqual(few, [])
  })

  it('lets due deliveries be found among many others without reading those', async () => {
    const { app, client, storage } = data
    const plans: string[] = []
    watch = (sql, values) => {
      if (!/^(?!explain).*heartwood_delivery/s.test(sql)) return
      const rows = client.prepare(`explain query plan ${sql}`).all(...values) as { readonly detail: string }[]
      plans.push(
        ...rows.map(({ detail }) => detail).filter((detail) => detail.includes('heartwood_delivery')),
      )
    }
    assert.deepEqual(await storage.listAppsWithDueDeliveries(now), [])
    assert.deepEqual(await storage.leaseDeliveries({ appId: app.id, now, until: now + 60, limit: 5 }), [])
    watch = () => {}
    const byKey =
      /USING (COVERING )?INDEX (sqlite_autoindex_heartwood_delivery_1 \(id=\?\)|heartwood_delivery_due )/
    assert.ok(plans.length >= 6)
    assert.deepEqual(
      plans.filter((plan) => !byKey.test(plan)),
      [],
    )
  })

  it('has every record that stays, each once, while others come and go', async () => {
    const { app, client, storage, licenses } = data
    const filter = { appId: app.id, now, status: 'active' } as const
    const wanted = licenses.filter((license) => passes(license, filter))
    const [goers, stayers] = [0, 1].map((rest) => wanted.filter((_, at) => at % 2 === rest))
    let changes = 0
    const change: Watch = (sql) => {
      if (!/order by/.test(sql)) return
      const gone = [goers!.at(changes)!.id, goers!.at(-1 - changes)!.id]
      const row = licenseRows.toRow(newLicense(data))
      changes++
      watch = () => {}
      client.prepare('delete from heartwood_license where id in (?, ?)').all(...gone)
      client
        .prepare(
          `insert into heartwood_license (${Object.keys(row).join()}) values (${Object.keys(row)
            .map(() => '?')
            .join()})`,
        )
        .all(...Object.values(row))
      watch = change
    }
    watch = change
    const listed = await storage.listLicenses(filter, { limit: 2 * length })
    const count = await storage.countLicenses(filter)
    watch = () => {}
    assert.ok(changes >= 5, `${changes} changes`)
    const ids = listed.map(({ id }) => id)
    assert.deepEqual(ids, [...new Set(ids)].toSorted().toReversed())
    assert.deepEqual(
      stayers!.filter(({ id }) => !ids.includes(id)),
      [],
    )
    assert.ok(count >= stayers!.length && count <= wanted.length + changes)
  })

  it('is read to its end if the storage closes meanwhile', async () => {
    const { app, storage } = data
    const reads: Readonly<Record<string, () => Promise<unknown>>> = {
      'licenses are listed': () =>
        storage.listLicenses({ appId: app.id, now }, { limit: 1, offset: length - 9 }),
      'licenses are counted': () => storage.countLicenses({ appId: app.id, status: 'active', now }),
      'licenses are counted by their last sign of life': () =>
        storage.countSeen({ appId: app.id, now, since: [] }),
      'licenses are counted by their status': () =>
        storage.countStatuses({ appId: app.id, tierId: data.tier.id, now }),
      'queues are counted': () =>
        storage.findWebhookQueues(
          [app.id, ...Array.from({ length: 50 }, (_, at) => `app_${at}`)],
          now,
          9_000,
        ),
      'entries of the audit log are listed': () =>
        storage.listAuditEntries({ appId: app.id, mode: 'live' }, { limit: 1, offset: 1 }),
      'entries of the audit log are counted': () =>
        storage.countAuditEntries({ appId: app.id, mode: 'live' }),
      'names are searched': () => storage.search({ ...nobody, apps: { id: app.id } }),
      'customers are listed': () =>
        storage.listCustomers({ appId: app.id, foldedEmailPart: 'nobody' }, { limit: 1 }),
      'customers are counted': () => storage.countCustomers({ appId: app.id }),
      'deliveries are listed': () => storage.listDeliveries({ appId: app.id }, { limit: 1, offset: 9_000 }),
      'deliveries are counted': () => storage.countDeliveries({ appId: app.id, type: 'license.updated' }),
    }
    const outcomes = Object.entries(reads).map(([name, read]) => read().then(() => name))
    const closed = storage.close()
    await assert.rejects(storage.countLicenses({ appId: app.id, now }), { code: 'unavailable' })
    assert.deepEqual(await Promise.all(outcomes), Object.keys(reads))
    await closed
  })
})
