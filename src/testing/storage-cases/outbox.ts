import assert from 'node:assert/strict'
import type { DeliveryRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addDelivery,
  addLicense,
  addShop,
  atOnce,
  farFuture,
  idsOf,
  madeAt,
  newWebhook,
  oddText,
  several,
} from './records.ts'

const webhookCases: readonly ConformanceCase[] = [
  storageCase('webhooks: every field comes back as it went in, and the first stands', async (storage) => {
    const app = await addApp(storage)
    const webhook = newWebhook(app.id, {
      secret: oddText,
      previousSecret: oddText,
      previousUntil: farFuture,
      failures: 7,
      disabledAt: 0,
    })
    assert.equal(await storage.findWebhook(app.id), null)
    assert.deepEqual(await storage.insertWebhook(webhook), webhook)
    assert.deepEqual(await storage.insertWebhook(newWebhook(app.id)), webhook)
    assert.deepEqual(await storage.findWebhook(app.id), webhook)
  }),
  storageCase('webhooks: of 8 that make one, all get the same', async (storage) => {
    const app = await addApp(storage)
    const made = await atOnce(8, (index) => storage.insertWebhook(newWebhook(app.id, { secret: `${index}` })))
    assert.equal(new Set(made.map(({ secret }) => secret)).size, 1)
    assert.deepEqual(await storage.findWebhook(app.id), made[0])
  }),
  storageCase('webhooks: a change needs the version, null clears, and of 8 one wins', async (storage) => {
    const app = await addApp(storage)
    const webhook = await storage.insertWebhook(newWebhook(app.id, { disabledAt: 5, previousSecret: 'old' }))
    const patch = { disabledAt: null, previousSecret: null }
    assert.deepEqual(await storage.updateWebhook(app.id, 1, patch), { ...webhook, ...patch, version: 2 })
    assert.equal(await storage.updateWebhook(app.id, 1, { failures: 1 }), null)
    assert.equal(await storage.updateWebhook('app_missing', 1, {}), null)
    const changes = await atOnce(8, (index) => storage.updateWebhook(app.id, 2, { failures: index }))
    assert.equal(changes.filter((change) => change !== null).length, 1)
  }),
]

const deliveryCases: readonly ConformanceCase[] = [
  storageCase('deliveries: every field comes back as it went in', async (storage) => {
    const app = await addApp(storage)
    const full = await addDelivery(storage, app.id, {
      payload: oddText,
      type: oddText,
      priority: 0,
      state: 'failed',
      attempts: 10,
      lastStatus: 500,
      lastError: oddText,
      lastAttemptAt: farFuture,
      dueAt: null,
    })
    const bare = await addDelivery(storage, app.id)
    assert.deepEqual(await storage.findDelivery(app.id, full.id), full)
    assert.deepEqual(await storage.findDelivery(app.id, bare.id), bare)
    assert.equal(await storage.findDelivery((await addApp(storage)).id, bare.id), null)
    assert.equal(await storage.findDelivery(app.id, 'whd_missing'), null)
  }),
  storageCase('deliveries: are listed newest first, by app and state', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const made = await several(3, () => addDelivery(storage, app.id))
    await addDelivery(storage, other.id)
    const failed = await addDelivery(storage, app.id, { state: 'failed', dueAt: null })
    const newest = [failed.id, ...idsOf(made).toReversed()]
    const list = (limit: number) => storage.listDeliveries({ appId: app.id }, { limit })
    assert.deepEqual(idsOf(await list(9)), newest)
    assert.deepEqual(idsOf(await list(2)), newest.slice(0, 2))
    const after = { limit: 9, after: { id: newest[1]! } }
    assert.deepEqual(idsOf(await storage.listDeliveries({ appId: app.id }, after)), newest.slice(2))
    const onlyFailed = { appId: app.id, state: 'failed' } as const
    assert.deepEqual(idsOf(await storage.listDeliveries(onlyFailed, { limit: 9 })), [failed.id])
    assert.equal(await storage.countDeliveries(onlyFailed), 1)
    assert.equal(await storage.countDeliveries({ appId: app.id }), 4)
  }),
  storageCase('deliveries: a change needs the version, and of 8 one wins', async (storage) => {
    const app = await addApp(storage)
    const delivery = await addDelivery(storage, app.id)
    const patch = { state: 'delivered', attempts: 1, lastStatus: 204, lastAttemptAt: 9, dueAt: null } as const
    const changes = await atOnce(8, () => storage.updateDelivery(delivery.id, 1, patch))
    assert.deepEqual(
      changes.filter((change) => change !== null),
      [{ ...delivery, ...patch, version: 2 }],
    )
    assert.equal(await storage.updateDelivery(delivery.id, 1, {}), null)
    assert.equal(await storage.updateDelivery('whd_missing', 1, {}), null)
  }),
  storageCase('deliveries: forgets what is old and done, and nothing else', async (storage) => {
    const app = await addApp(storage)
    const done = { state: 'delivered', dueAt: null } as const
    const old = await several(3, () => addDelivery(storage, app.id, { ...done, createdAt: madeAt - 1 }))
    const stays = [
      await addDelivery(storage, app.id, done),
      await addDelivery(storage, app.id, { createdAt: 0 }),
    ]
    assert.equal(await storage.pruneDeliveries(madeAt, 2), 2)
    assert.equal(await storage.pruneDeliveries(madeAt, 2), 1)
    assert.equal(await storage.pruneDeliveries(madeAt, 2), 0)
    assert.equal(await storage.findDelivery(app.id, old[0]!.id), null)
    const left = await storage.listDeliveries({ appId: app.id }, { limit: 9 })
    assert.deepEqual(idsOf(left).toReversed(), idsOf(stays))
  }),
]

const now = madeAt
const until = madeAt + 60

function claim(storage: Storage, appId: string, limit = 99): Promise<readonly DeliveryRecord[]> {
  return storage.leaseDeliveries({ appId, now, until, limit })
}

const claimCases: readonly ConformanceCase[] = [
  storageCase(
    'claims: take what is due of the app, the urgent and the longest due first',
    async (storage) => {
      const [app, other] = [await addApp(storage), await addApp(storage)]
      const [late, early] = [
        await addDelivery(storage, app.id, { dueAt: now }),
        await addDelivery(storage, app.id, { dueAt: now - 9 }),
      ]
      await addDelivery(storage, app.id, { dueAt: now + 1 })
      await addDelivery(storage, app.id, { state: 'failed', dueAt: null })
      const urgent = await addDelivery(storage, app.id, { dueAt: now, priority: 0 })
      await addDelivery(storage, other.id)
      const [first, ...none] = await claim(storage, app.id, 1)
      assert.deepEqual(first, { ...urgent, dueAt: until, version: 2 })
      assert.deepEqual(none, [])
      assert.deepEqual(idsOf(await claim(storage, app.id, 1)), [early.id])
      assert.deepEqual(idsOf(await claim(storage, app.id)), [late.id])
      assert.deepEqual(await claim(storage, app.id), [])
      assert.deepEqual(await storage.findDelivery(app.id, urgent.id), first)
    },
  ),
  storageCase('claims: name the apps with something due', async (storage) => {
    const [urgent, waiting, done, later] = await several(4, () => addApp(storage))
    await addDelivery(storage, urgent!.id, { priority: 0 })
    await several(2, () => addDelivery(storage, waiting!.id))
    await addDelivery(storage, done!.id, { state: 'delivered', dueAt: null })
    await addDelivery(storage, later!.id, { dueAt: now + 1 })
    const due = await storage.listAppsWithDueDeliveries(now)
    assert.deepEqual(due.toSorted(), [urgent!.id, waiting!.id].toSorted())
    await claim(storage, waiting!.id)
    assert.deepEqual(await storage.listAppsWithDueDeliveries(now), [urgent!.id])
  }),
  storageCase('claims: take what only a clock that ran ahead can have put off', async (storage) => {
    const app = await addApp(storage)
    const twoDays = 2 * 86_400
    await addDelivery(storage, app.id, { dueAt: now + twoDays })
    assert.deepEqual(await storage.listAppsWithDueDeliveries(now), [])
    const { id } = await addDelivery(storage, app.id, { dueAt: now + twoDays + 1 })
    assert.deepEqual(await storage.listAppsWithDueDeliveries(now), [app.id])
    assert.deepEqual(idsOf(await claim(storage, app.id)), [id])
  }),
  storageCase('claims: come back when their time is over, and are then another’s', async (storage) => {
    const app = await addApp(storage)
    const { id } = await addDelivery(storage, app.id)
    const [mine] = await claim(storage, app.id)
    const [theirs] = await storage.leaseDeliveries({ appId: app.id, now: until, until: until + 9, limit: 1 })
    assert.equal(theirs?.id, id)
    assert.equal(await storage.updateDelivery(id, mine!.version, { attempts: 1 }), null)
    assert.notEqual(await storage.updateDelivery(id, theirs.version, { attempts: 1 }), null)
  }),
  storageCase('claims: of 8 callers no two get the same, and none is left', async (storage) => {
    const app = await addApp(storage)
    const made = await several(40, () => addDelivery(storage, app.id))
    const claims = await atOnce(8, () => claim(storage, app.id, 5))
    const ids = claims.flatMap((claimed) => idsOf(claimed))
    const rest = idsOf(await claim(storage, app.id))
    assert.equal(new Set(ids).size, ids.length)
    assert.deepEqual([...ids, ...rest].toSorted(), idsOf(made))
  }),
]

const noticeCases: readonly ConformanceCase[] = [
  storageCase('notices: each is written once for a license, a type and an end', async (storage) => {
    const license = await addLicense(storage, await addShop(storage), { expiresAt: 9 })
    const notice = { licenseId: license.id, type: 'license.expired', expiresAt: 9 } as const
    const answers = await atOnce(8, () => storage.insertExpiryNotice(notice))
    assert.equal(answers.filter(Boolean).length, 1)
    assert.equal(await storage.insertExpiryNotice({ ...notice, expiresAt: 10 }), true)
    assert.equal(await storage.insertExpiryNotice({ ...notice, type: 'license.expiring' }), true)
  }),
  storageCase('notices: licenses that end in a span and were not told of', async (storage) => {
    const [shop, other] = [await addShop(storage), await addShop(storage)]
    const second = await addLicense(storage, shop, { expiresAt: 20 })
    const first = await addLicense(storage, shop, { expiresAt: 11 })
    await addLicense(storage, shop, { expiresAt: 10 })
    await addLicense(storage, shop, { expiresAt: 21 })
    await addLicense(storage, shop, { expiresAt: null })
    await addLicense(storage, shop, { expiresAt: 15, revokedAt: 1 })
    await addLicense(storage, other, { expiresAt: 15 })
    const span = {
      appId: shop.app.id,
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
  }),
  storageCase('notices: are listed for the licenses asked for', async (storage) => {
    const shop = await addShop(storage)
    const [one, two] = [await addLicense(storage, shop), await addLicense(storage, shop)]
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
  storageCase('notices: do not keep a license from being deleted', async (storage) => {
    const shop = await addShop(storage)
    for (const remove of [
      (id: string) => storage.deleteLicense(id),
      () => storage.deleteCustomer(shop.customer.id),
    ]) {
      const { id } = await addLicense(storage, shop, { expiresAt: 9 })
      await storage.insertExpiryNotice({ licenseId: id, type: 'license.expired', expiresAt: 9 })
      assert.equal(await remove(id), true)
      assert.equal(await storage.findLicense(shop.app.id, id), null)
    }
  }),
  storageCase('clock: sightings that follow each other are steady, a leap begins anew', async (storage) => {
    const sighted = await several(8, async (index) =>
      storage.recordClockReading([1000, 1100, 1090, 1200, 9000, 9050, 1300, 1301][index]!, 100),
    )
    assert.deepEqual(sighted, [1000, 1000, 1000, 1200, 9000, 9000, 1300, 1300])
  }),
]

export const outboxCases: readonly ConformanceCase[] = [
  ...webhookCases,
  ...deliveryCases,
  ...claimCases,
  ...noticeCases,
]
