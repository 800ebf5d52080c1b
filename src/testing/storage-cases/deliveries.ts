import assert from 'node:assert/strict'
import type { DeliveryRecord, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, addDelivery, concurrently, farFuture, idsOf, madeAt, oddText, several } from './records.ts'

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
  storageCase('updateDelivery(): needs the version, and one of 8 concurrent calls wins', async (storage) => {
    const app = await addApp(storage)
    const delivery = await addDelivery(storage, app.id)
    const patch = { state: 'delivered', attempts: 1, lastStatus: 204, lastAttemptAt: 9, dueAt: null } as const
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
