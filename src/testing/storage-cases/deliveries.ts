import assert from 'node:assert/strict'
import type { DeliveryFilter, DeliveryRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addDelivery,
  concurrently,
  farFuture,
  idsOf,
  madeAt,
  newId,
  oddText,
  several,
} from './records.ts'

const recordCases: readonly ConformanceCase[] = [
  storageCase('findDelivery(): returns every field unchanged', async (storage) => {
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
      licenseId: newId('lic'),
      lastAttempts: [
        { attemptedAt: 0, status: null, error: oddText, durationMs: null },
        { attemptedAt: farFuture, status: 500, error: null, durationMs: 2 ** 31 - 1 },
      ],
      dueAt: null,
    })
    const bare = await addDelivery(storage, app.id)
    assert.deepEqual(await storage.findDelivery(app.id, full.id), full)
    assert.deepEqual(await storage.findDelivery(app.id, bare.id), bare)
    assert.equal(await storage.findDelivery((await addApp(storage)).id, bare.id), null)
    assert.equal(await storage.findDelivery(app.id, 'whd_missing'), null)
  }),
  storageCase('insertDelivery(): a taken id rejects with `conflict`', async (storage) => {
    const app = await addApp(storage)
    const delivery = await addDelivery(storage, app.id)
    const rewritten = storage.insertDelivery({ ...delivery, payload: '{"other":1}' })
    await assert.rejects(rewritten, { code: 'conflict' })
    assert.deepEqual(await storage.findDelivery(app.id, delivery.id), delivery)
  }),
  storageCase('listDeliveries(): returns the newest first, by app and state', async (storage) => {
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
  storageCase('listDeliveries(): filters by state, type and license, alone and together', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    const licenses = [newId('lic'), newId('lic'), null] as const
    const made: DeliveryRecord[] = []
    for (const appId of [app.id, other.id])
      for (const state of ['pending', 'delivered', 'failed'] as const)
        for (const type of ['license.updated', 'license.revoked'])
          for (const licenseId of licenses)
            made.push(
              await addDelivery(storage, appId, {
                ...{ state, type, licenseId },
                dueAt: state === 'pending' ? madeAt : null,
              }),
            )
    const filters = [undefined, 'delivered', 'failed'].flatMap((state) =>
      [undefined, 'license.revoked', 'license.deleted'].flatMap((type) =>
        [undefined, licenses[0], 'lic_missing'].map((licenseId) => ({ state, type, licenseId })),
      ),
    ) as Omit<DeliveryFilter, 'appId'>[]
    for (const given of filters) {
      const names = (['state', 'type', 'licenseId'] as const).filter((name) => given[name] !== undefined)
      const passing = made.filter(
        (each) => each.appId === app.id && names.every((name) => each[name] === given[name]),
      )
      const [filter, ids] = [{ ...given, appId: app.id }, idsOf(passing).toReversed()]
      assert.equal(await storage.countDeliveries(filter), ids.length)
      assert.deepEqual(idsOf(await storage.listDeliveries(filter, { limit: 99 })), ids)
      const part = await storage.listDeliveries(filter, { limit: 2, offset: 1 })
      assert.deepEqual(idsOf(part), ids.slice(1, 3))
      if (ids.length < 3) continue
      const page = await storage.listDeliveries(filter, { limit: 2, after: { id: ids[0]! } })
      assert.deepEqual(idsOf(page), ids.slice(1, 3))
    }
  }),
  storageCase(
    'countPendingDeliveries(): counts the pending ones of an app, up to a limit, leased ones too',
    async (storage) => {
      const [app, other] = [await addApp(storage), await addApp(storage)]
      await addDelivery(storage, app.id, { priority: 0, dueAt: farFuture })
      await several(3, () => addDelivery(storage, app.id))
      await addDelivery(storage, app.id, { state: 'failed', dueAt: null })
      await addDelivery(storage, other.id)
      await storage.leaseDeliveries({ appId: app.id, now: madeAt, until: madeAt + 60, limit: 2 })
      const counts = [99, 5, 4, 3, 1].map((limit) => storage.countPendingDeliveries(app.id, limit))
      assert.deepEqual(await Promise.all(counts), [4, 4, 4, 3, 1])
    },
  ),
  storageCase(
    'retryDeliveries(): makes failed ones pending in pages, the oldest first, and no others',
    async (storage) => {
      const [app, other] = [await addApp(storage), await addApp(storage)]
      const failed = { state: 'failed', dueAt: null, attempts: 10, lastStatus: 500 } as const
      const at = (createdAt: number) => addDelivery(storage, app.id, { ...failed, createdAt })
      const [late, early, tooEarly, middle] = [await at(30), await at(20), await at(19), await at(25)]
      const twin = await at(25)
      const others = [
        await addDelivery(storage, other.id, failed),
        await addDelivery(storage, app.id, { state: 'delivered', dueAt: null }),
        await addDelivery(storage, app.id, { attempts: 3, dueAt: 77 }),
        tooEarly,
      ]
      const page = { appId: app.id, since: 20, now: 99, limit: 2 }
      const first = await storage.retryDeliveries(page)
      assert.deepEqual(first, { count: 2, last: { createdAt: 25, id: middle.id } })
      const second = await storage.retryDeliveries({ ...page, after: first.last! })
      assert.deepEqual(second, { count: 2, last: { createdAt: 30, id: late.id } })
      const last = await storage.retryDeliveries({ ...page, after: second.last! })
      assert.deepEqual(last, { count: 0, last: null })
      for (const delivery of [early, middle, twin, late]) {
        const retried = { state: 'pending', attempts: 0, dueAt: 99, version: 2 }
        assert.deepEqual(await storage.findDelivery(app.id, delivery.id), { ...delivery, ...retried })
      }
      for (const delivery of others)
        assert.deepEqual(await storage.findDelivery(delivery.appId, delivery.id), delivery)
      assert.deepEqual(await storage.retryDeliveries(page), { count: 0, last: null })
    },
  ),
  storageCase('retryDeliveries(): 8 concurrent calls retry each delivery once', async (storage) => {
    const app = await addApp(storage)
    const failed = { state: 'failed', dueAt: null } as const
    const made = await several(20, () => addDelivery(storage, app.id, failed))
    const page = { appId: app.id, since: 0, now: 99, limit: 30 }
    const retried = await concurrently(8, () => storage.retryDeliveries(page))
    assert.equal(
      retried.reduce((sum, { count }) => sum + count, 0),
      20,
    )
    for (const { id } of made) assert.equal((await storage.findDelivery(app.id, id))?.version, 2)
  }),
  storageCase('updateDelivery(): needs the version, and one of 8 concurrent calls wins', async (storage) => {
    const app = await addApp(storage)
    const delivery = await addDelivery(storage, app.id)
    const lastAttempts = [{ attemptedAt: 9, status: 204, error: null, durationMs: 7 }]
    const outcome = { state: 'delivered', attempts: 1, lastStatus: 204, lastAttemptAt: 9 } as const
    const patch = { ...outcome, lastAttempts, dueAt: null }
    const changes = await concurrently(8, () => storage.updateDelivery(delivery.id, 1, patch))
    assert.deepEqual(
      changes.filter((change) => change !== null),
      [{ ...delivery, ...patch, version: 2 }],
    )
    assert.equal(await storage.updateDelivery(delivery.id, 1, {}), null)
    assert.equal(await storage.updateDelivery('whd_missing', 1, {}), null)
  }),
  storageCase(
    'pruneDeliveries(): deletes old deliveries that are not pending, and no others',
    async (storage) => {
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
    },
  ),
]

const now = madeAt
const until = madeAt + 60

function lease(storage: Storage, appId: string, limit = 99): Promise<readonly DeliveryRecord[]> {
  return storage.leaseDeliveries({ appId, now, until, limit })
}

const leaseCases: readonly ConformanceCase[] = [
  storageCase(
    'leaseDeliveries(): leases the app’s due deliveries, the urgent and the longest due first',
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
      const [first, ...none] = await lease(storage, app.id, 1)
      assert.deepEqual(first, { ...urgent, dueAt: until, version: 2 })
      assert.deepEqual(none, [])
      assert.deepEqual(idsOf(await lease(storage, app.id, 1)), [early.id])
      assert.deepEqual(idsOf(await lease(storage, app.id)), [late.id])
      assert.deepEqual(await lease(storage, app.id), [])
      assert.deepEqual(await storage.findDelivery(app.id, urgent.id), first)
    },
  ),
  storageCase('listAppsWithDueDeliveries(): lists the apps that have due deliveries', async (storage) => {
    const [urgent, waiting, done, later] = await several(4, () => addApp(storage))
    await addDelivery(storage, urgent!.id, { priority: 0 })
    await several(2, () => addDelivery(storage, waiting!.id))
    await addDelivery(storage, done!.id, { state: 'delivered', dueAt: null })
    await addDelivery(storage, later!.id, { dueAt: now + 1 })
    const due = await storage.listAppsWithDueDeliveries(now)
    assert.deepEqual(due.toSorted(), [urgent!.id, waiting!.id].toSorted())
    await lease(storage, waiting!.id)
    assert.deepEqual(await storage.listAppsWithDueDeliveries(now), [urgent!.id])
  }),
  storageCase(
    'leaseDeliveries(): leases a delivery that only a wrong clock can have put off',
    async (storage) => {
      const app = await addApp(storage)
      const twoDays = 2 * 86_400
      await addDelivery(storage, app.id, { dueAt: now + twoDays })
      assert.deepEqual(await storage.listAppsWithDueDeliveries(now), [])
      const { id } = await addDelivery(storage, app.id, { dueAt: now + twoDays + 1 })
      assert.deepEqual(await storage.listAppsWithDueDeliveries(now), [app.id])
      assert.deepEqual(idsOf(await lease(storage, app.id)), [id])
    },
  ),
  storageCase(
    'leaseDeliveries(): another caller may lease a delivery once its lease is over',
    async (storage) => {
      const app = await addApp(storage)
      const { id } = await addDelivery(storage, app.id)
      const [mine] = await lease(storage, app.id)
      const [theirs] = await storage.leaseDeliveries({
        appId: app.id,
        now: until,
        until: until + 9,
        limit: 1,
      })
      assert.equal(theirs?.id, id)
      assert.equal(await storage.updateDelivery(id, mine!.version, { attempts: 1 }), null)
      assert.notEqual(await storage.updateDelivery(id, theirs.version, { attempts: 1 }), null)
    },
  ),
  storageCase(
    'leaseDeliveries(): 8 concurrent callers never get the same delivery, and none is left',
    async (storage) => {
      const app = await addApp(storage)
      const made = await several(40, () => addDelivery(storage, app.id))
      const leases = await concurrently(8, () => lease(storage, app.id, 5))
      const ids = leases.flatMap((leased) => idsOf(leased))
      const rest = idsOf(await lease(storage, app.id))
      assert.equal(new Set(ids).size, ids.length)
      assert.deepEqual([...ids, ...rest].toSorted(), idsOf(made))
    },
  ),
]

export const deliveryCases: readonly ConformanceCase[] = [...recordCases, ...leaseCases]
