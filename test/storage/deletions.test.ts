import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { createLicensing, type Licensing, type SignedLicense, type Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import {
  codeOf,
  installation,
  masterKey,
  newShop,
  risingIds,
  type Shop,
  tokenOf,
} from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { awayAfter, withSmallPages } from './small-pages.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const app = 'desktop-app'
const limits = { most: 4, page: 2 }
const all = { perPage: 100 }

/** A shop whose first customer, tier and app have more records than one transaction deletes. */
interface BigShop extends Shop {
  /** The licenses of the first customer. */
  readonly licenses: readonly SignedLicense[]
  /** A license of another customer, without a tier that goes. */
  readonly other: SignedLicense
  readonly target: string | null
}

/** Licensing whose database goes away after some pages of a deletion. */
async function interrupted({ storage, clock }: Shop, pages = 1): Promise<Licensing> {
  const away = withSmallPages(storage, { ...limits, beforePage: awayAfter(pages) })
  return licensingOn(away, clock.seconds, 7_000)
}

function licensingOn(storage: Storage, seconds: number, firstId: number): Promise<Licensing> {
  return createLicensing({
    storage,
    masterKey,
    now: () => seconds * 1000,
    newId: risingIds(firstId),
    newKeyPair: async () => testKeyPairs[2]!,
  })
}

async function bigShop(storage: Storage, target: string | null): Promise<BigShop> {
  const shop = await newShop({ storage: withSmallPages(storage, limits) })
  await shop.licensing.apps.update(app, { webhookUrl: 'https://example.com/licenses' })
  await shop.licensing.customers.update(app, shop.customer.id, { externalId: 'crm-1' })
  await shop.licensing.tiers.create(app, { name: 'Basic', slug: 'basic' })
  const licenses: SignedLicense[] = []
  for (let count = 0; count < 7; count++) licenses.push(await shop.issue())
  const { id } = await shop.licensing.customers.create(app, { email: 'bob@example.com' })
  const other = await shop.issue({ customerId: id, tierId: 'basic' })
  return { ...shop, storage, licenses, other, target }
}

/** The payloads of the events of one type, the oldest first. */
async function eventsOf(licensing: Licensing, storage: Storage, type: string): Promise<readonly EventData[]> {
  const { id } = await licensing.apps.get(app)
  const deliveries = await storage.listDeliveries({ appId: id }, { limit: 1_000 })
  return deliveries
    .filter((delivery) => delivery.type === type)
    .map(({ payload }) => (JSON.parse(payload) as { data: EventData }).data)
    .toReversed()
}

interface EventData {
  readonly license_id: string
  readonly sequence: number
}

const isOver = async ({ storage }: Shop): Promise<boolean> => (await storage.listDeletions()).length === 0

async function over(shop: Shop): Promise<void> {
  while (!(await isOver(shop))) await new Promise((resolve) => void setTimeout(resolve, 5))
}

type Case = (shop: BigShop) => Promise<void>

/** Cases that every storage passes, if it deletes in pages or not. */
const always: Readonly<Record<string, Case>> = {
  'a customer, its licenses and their events, each once': async (shop) => {
    const { licensing, storage, licenses, customer, other } = shop
    const versions = new Map<string, number>()
    for (const { id } of licenses) {
      const record = await storage.findLicense(shop.app.id, id)
      versions.set(id, record!.version)
    }
    await licensing.customers.delete(app, customer.id)
    await over(shop)
    assert.deepEqual(
      (await licensing.licenses.list(app)).data.map(({ id }) => id),
      [other.id],
    )
    const events = await eventsOf(licensing, storage, 'license.deleted')
    assert.deepEqual(
      new Map(events.map(({ license_id, sequence }) => [license_id, sequence])),
      new Map([...versions].map(([id, version]) => [id, version + 1])),
    )
    assert.equal(events.length, licenses.length)
  },

  'a tier, and its licenses stay good without it': async (shop) => {
    const { licensing, storage, licenses } = shop
    const before = await storage.findLicense(shop.app.id, licenses[0]!.id)
    await licensing.tiers.delete(app, 'pro')
    await over(shop)
    for (const license of licenses) {
      const { tierId, tier, features } = await licensing.licenses.get(app, license.id)
      assert.deepEqual([tierId, tier, features], [null, 'pro', ['api_access']])
      assert.equal((await licensing.verification.verifyToken(app, tokenOf(license))).valid, true)
    }
    const later = await storage.findLicense(shop.app.id, licenses[0]!.id)
    assert.equal(later?.version, before!.version + 1)
  },

  'an app, and a namesake has none of it': async (shop) => {
    const { licensing, storage } = shop
    await licensing.apps.delete(app)
    await over(shop)
    assert.equal((await licensing.apps.list()).total, 0)
    const { id } = await licensing.apps.create({ name: 'Namesake', slug: app })
    assert.equal((await licensing.licenses.list(app)).total, 0)
    assert.equal((await licensing.customers.list(app)).total, 0)
    assert.equal(await storage.findLicense(shop.app.id, shop.other.id), null)
    assert.notEqual(id, shop.app.id)
  },

  'two callers delete at once, and one of them does': async ({ licensing, customer, clock, storage }) => {
    const twin = await licensingOn(withSmallPages(storage, limits), clock.seconds, 5_000)
    const deletes: readonly ((by: Licensing) => Promise<void>)[] = [
      (by) => by.customers.delete(app, customer.id),
      (by) => by.tiers.delete(app, 'pro'),
      (by) => by.apps.delete(app),
    ]
    for (const run of deletes) {
      const codes = await Promise.all([codeOf(run(licensing)), codeOf(run(twin))])
      assert.deepEqual(codes.toSorted(), ['not_found', 'ok'])
    }
  },
}

/** Cases for storages that delete in pages: the deletion stops in the middle. */
const inPages: Readonly<Record<string, Case>> = {
  'nobody finds a customer that is being deleted, nor its licenses': async (shop) => {
    const { licensing, customer, licenses, other } = shop
    const last = licenses.at(-1)!
    await (await interrupted(shop)).customers.delete(app, customer.id)
    assert.equal(await isOver(shop), false)
    const { customers, verification } = licensing
    const refused: readonly Promise<unknown>[] = [
      customers.get(app, customer.id),
      customers.getByEmail(app, customer.email),
      customers.getByExternalId(app, 'crm-1'),
      customers.update(app, customer.id, { name: 'x' }),
      customers.delete(app, customer.id),
      licensing.licenses.get(app, last.id),
      licensing.licenses.getByInstallation(app, last.installationId),
      licensing.licenses.token(app, last.id),
      licensing.licenses.update(app, last.id, { metadata: { x: 1 } }),
      licensing.licenses.revoke(app, last.id),
      licensing.licenses.regenerate(app, last.id),
      licensing.licenses.renew(app, last.id, tokenOf(last)),
      licensing.licenses.delete(app, last.id),
      verification.verify(app, { installationId: last.installationId }),
      verification.verify(app, { jti: last.jti }),
    ]
    assert.deepEqual(
      await Promise.all(refused.map(codeOf)),
      refused.map(() => 'not_found'),
    )
    assert.equal((await verification.verifyToken(app, tokenOf(last))).valid, false)
    assert.equal((await customers.list(app)).total, 1)
    assert.equal((await customers.list(app)).data.length, 1)
    for (const query of [{}, { status: 'active' }, { tierId: 'pro' }, { customerId: customer.id }] as const) {
      const { total, data } = await licensing.licenses.list(app, query)
      assert.deepEqual([total, data.length], 'tierId' in query || 'customerId' in query ? [0, 0] : [1, 1])
    }
    assert.equal((await licensing.licenses.regenerateAll(app)).licensesRegenerated, 1)
    assert.equal((await licensing.rotateKeys(app, { dryRun: true })).licensesResigned, 1)
    assert.equal((await licensing.licenses.get(app, other.id)).status, 'active')
  },

  'a namesake customer is made meanwhile, takes the installations, and stays whole': async (shop) => {
    const { licensing, storage, customer, licenses } = shop
    await (await interrupted(shop)).customers.delete(app, customer.id)
    const { id: customerId } = await licensing.customers.create(app, {
      email: customer.email,
      externalId: 'crm-1',
    })
    const again: SignedLicense[] = []
    for (const { installationId } of licenses)
      again.push(
        await licensing.licenses.create(app, { installationId, customerId, tierId: 'pro', forever: true }),
      )
    assert.equal(await licensing.finishDeletions(), 1)
    assert.equal(await licensing.finishDeletions(), 0)
    await over(shop)
    const found = await licensing.licenses.list(app, { customerId, ...all })
    assert.deepEqual(
      found.data.map(({ id }) => id),
      again.map(({ id }) => id).toReversed(),
    )
    const { installationId } = again[0]!
    assert.equal((await licensing.verification.verify(app, { installationId })).valid, true)
    const deleted = (await eventsOf(licensing, storage, 'license.deleted')).map(
      ({ license_id }) => license_id,
    )
    assert.deepEqual(deleted.toSorted(), licenses.map(({ id }) => id).toSorted())
  },

  'a tier that is being deleted is gone for its licenses': async (shop) => {
    const { licensing, storage, tier, licenses } = shop
    await (await interrupted(shop)).tiers.delete(app, 'pro')
    assert.equal(await isOver(shop), false)
    assert.equal(await codeOf(licensing.tiers.get(app, tier.id)), 'not_found')
    assert.equal(await codeOf(licensing.tiers.update(app, tier.id, { name: 'x' })), 'not_found')
    assert.equal(await codeOf(licensing.tiers.delete(app, tier.id)), 'not_found')
    assert.equal((await licensing.tiers.list(app)).total, 1)
    const { tierId } = await licensing.licenses.revoke(app, licenses[5]!.id)
    assert.equal(tierId, null)
    const last = licenses.at(-1)!
    assert.equal(await codeOf(licensing.licenses.renew(app, last.id, tokenOf(last))), 'missing_tier')
    const listed = await licensing.licenses.list(app, all)
    assert.equal(listed.data.filter(({ tierId: id }) => id === tier.id).length, 0)
    const namesake = await licensing.tiers.create(app, { name: 'Pro', slug: 'pro', features: ['new'] })
    const fresh = await shop.issue({ tierId: 'pro' })
    assert.equal((await licensing.licenses.regenerateAll(app)).licensesRegenerated, 2)
    assert.equal(await licensing.finishDeletions(), 1)
    const { tierId: kept, features } = await licensing.licenses.get(app, fresh.id)
    assert.deepEqual([kept, features], [namesake.id, ['new']])
    const versions = await Promise.all(
      licenses.map(async ({ id }) => (await storage.findLicense(shop.app.id, id))!.version),
    )
    assert.deepEqual(versions, [2, 2, 2, 2, 2, 3, 2])
  },

  'an app that is being deleted is gone, with its secrets': async (shop) => {
    const { licensing, storage, licenses } = shop
    const { id } = shop.app
    const bound = await licensing.apiKeys.create({ type: 'sk', app })
    await (await interrupted(shop)).apps.delete(app)
    assert.equal(await isOver(shop), false)
    const [license] = licenses
    for (const name of [app, id]) {
      assert.equal(await codeOf(licensing.apps.get(name)), 'not_found')
      assert.equal(await codeOf(licensing.apps.delete(name)), 'not_found')
      assert.equal(await codeOf(licensing.licenses.list(name)), 'not_found')
      assert.equal(await codeOf(licensing.verification.verifyToken(name, tokenOf(license!))), 'not_found')
      const { installationId } = licenses.at(-1)!
      assert.equal(await codeOf(licensing.verification.verify(name, { installationId })), 'not_found')
    }
    assert.equal((await licensing.apps.list()).total, 0)
    assert.deepEqual(await storage.listSigningKeys(id), [])
    assert.equal(await storage.findWebhook(id), null)
    assert.equal(await storage.findApiKey(bound.id), null)
    assert.deepEqual(await licensing.outbox.due(), [])
    await licensing.rekey()
    const namesake = await (await interrupted(shop)).apps.create({ name: 'Namesake', slug: app })
    await licensing.customers.create(app, { email: 'ada@example.com' })
    assert.equal(await licensing.finishDeletions(), 1)
    assert.equal((await licensing.apps.get(app)).id, namesake.id)
    assert.equal((await licensing.customers.list(app)).total, 1)
  },

  'two servers finish at once, and each event comes once': async (shop) => {
    const { licensing, storage, customer, licenses, clock, target } = shop
    await (await interrupted(shop, 0)).customers.delete(app, customer.id)
    await (await interrupted(shop, 0)).tiers.delete(app, 'pro')
    const second = target === null ? null : await openTarget(target)
    const other = await licensingOn(withSmallPages(second ?? storage, limits), clock.seconds, 5_000)
    while (!(await isOver(shop))) await Promise.all([licensing, other].map((one) => one.finishDeletions()))
    await second?.close()
    const deleted = (await eventsOf(licensing, storage, 'license.deleted')).map(
      ({ license_id }) => license_id,
    )
    assert.deepEqual(deleted.toSorted(), licenses.map(({ id }) => id).toSorted())
    assert.equal((await licensing.licenses.list(app)).total, 1)
  },

  'licenses are issued, changed and regenerated beside the pages': async (shop) => {
    const { licensing, customer, other } = shop
    const customerIds = [customer.id, other.customerId]
    const work = async (at: number) =>
      licensing.licenses.create(app, {
        installationId: installation(100 + at),
        customerId: customerIds[at % 2]!,
        tierId: 'pro',
        forever: true,
      })
    const codes = await Promise.all([
      codeOf(licensing.customers.delete(app, customer.id)),
      ...Array.from({ length: 12 }, (_, at) => codeOf(work(at))),
      codeOf(licensing.licenses.regenerateAll(app)),
    ])
    const allowed = ['ok', 'not_found', 'validation_error']
    assert.deepEqual(
      codes.filter((code) => !allowed.includes(code)),
      [],
    )
    await licensing.finishDeletions()
    await over(shop)
    const { data } = await licensing.licenses.list(app, all)
    assert.deepEqual([...new Set(data.map(({ customerId }) => customerId))], [other.customerId])
    assert.equal(data.length, 7)
  },

  'a deletion that takes long goes on without its caller': async (shop) => {
    const { storage, customer, clock } = shop
    const gate = Promise.withResolvers<void>()
    const slow = withSmallPages(storage, { ...limits, beforePage: () => gate.promise })
    const licensing = await licensingOn(slow, clock.seconds, 7_000)
    await licensing.customers.delete(app, customer.id)
    assert.equal(await isOver(shop), false)
    gate.resolve()
    await over(shop)
  },

  'startDelivery() finishes what another process left': async (shop) => {
    const { licensing, customer } = shop
    await (await interrupted(shop)).customers.delete(app, customer.id)
    const delivery = startDelivery(licensing, { connect: () => Promise.reject(new Error('no network')) })
    await over(shop)
    await delivery.stop()
  },

  'a transaction of the host deletes all in one step': async (shop) => {
    const { licensing, storage, customer } = shop
    await storage.transaction(async (tx) => {
      const whole: Storage = Object.assign(Object.create(tx) as Storage, {
        transaction: <T>(work: (session: typeof tx) => Promise<T>) => work(tx),
      })
      let pages = 0
      const counting = withSmallPages(whole, { ...limits, beforePage: () => void pages++ })
      await licensing.with(counting).customers.delete(app, customer.id)
      assert.equal(pages, 0)
    })
    assert.equal((await licensing.licenses.list(app)).total, 1)
  },
}

async function withStorage(storage: Storage, target: string | null, work: Case): Promise<void> {
  try {
    await work(await bigShop(storage, target))
  } finally {
    await storage.close()
  }
}

describe('A deletion of many records, in memory', () => {
  for (const [name, work] of Object.entries(always)) it(name, () => withStorage(memoryStorage(), null, work))
})

describe('A deletion of many records, on SQLite', () => {
  for (const [name, work] of Object.entries({ ...always, ...inPages }))
    it(name, () =>
      withFiles(async (nextFile) => {
        const file = nextFile()
        await withStorage(await openTarget(file), file, work)
      }),
    )
})

describe('A deletion of many records, on PostgreSQL', { skip: database === undefined && noPostgres }, () => {
  for (const [name, work] of Object.entries({ ...always, ...inPages }))
    it(name, async () => {
      const url = await database!.emptied()
      await withStorage(await openTarget(url), url, work)
    })
})
