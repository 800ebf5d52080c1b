import assert from 'node:assert/strict'
import type { SnapshotClaim, SnapshotRecord } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import {
  addApp,
  addDelivery,
  addLicense,
  addParents,
  concurrently,
  farFuture,
  madeAt,
  newTier,
  newWebhook,
} from './records.ts'

const now = madeAt
const until = now + 600

function claimOf(appId: string, given: Partial<SnapshotClaim> = {}): SnapshotClaim {
  return { appId, takenAt: null, now, until, ...given }
}

function snapshotOf(appId: string, given: Partial<SnapshotRecord> = {}): SnapshotRecord {
  const tiers = [
    { tier: 'pro', active: 1, expired: 2, revoked: farFuture },
    { tier: null, active: 0, expired: 0, revoked: 3 },
  ]
  return { appId, takenAt: now, claimedUntil: until, tiers, ...given }
}

export const snapshotCases: readonly ConformanceCase[] = [
  storageCase('claimSnapshot(): one of 8 concurrent calls wins', async (storage) => {
    const app = await addApp(storage)
    const results = await concurrently(8, () => storage.claimSnapshot(claimOf(app.id)))
    assert.equal(results.filter(Boolean).length, 1)
    const waiting = snapshotOf(app.id, { takenAt: null, tiers: [] })
    assert.deepEqual(await storage.findSnapshots([app.id, 'app_missing']), [waiting])
    assert.equal(await storage.claimSnapshot(claimOf('app_missing')), false)
  }),
  storageCase(
    'claimSnapshot(): an ended claim, and one of a clock that ran far ahead, are free',
    async (storage) => {
      const app = await addApp(storage)
      assert.equal(await storage.claimSnapshot(claimOf(app.id)), true)
      assert.equal(
        await storage.claimSnapshot(claimOf(app.id, { now: until - 1, until: until + 599 })),
        false,
      )
      assert.equal(await storage.claimSnapshot(claimOf(app.id, { now: until, until: until + 600 })), true)
      const behind = (seconds: number) =>
        claimOf(app.id, { now: until - seconds, until: until + 600 - seconds })
      assert.equal(await storage.claimSnapshot(behind(600)), false, 'clocks of servers differ a little')
      assert.equal(await storage.claimSnapshot(behind(601)), true)
    },
  ),
  storageCase('storeSnapshot(): stores every field, and ends the claim', async (storage) => {
    const [app, other] = [await addApp(storage), await addApp(storage)]
    assert.equal(await storage.storeSnapshot(snapshotOf(app.id)), false)
    await storage.claimSnapshot(claimOf(app.id))
    assert.equal(await storage.storeSnapshot(snapshotOf(app.id, { claimedUntil: until + 1 })), false)
    assert.equal(await storage.storeSnapshot(snapshotOf(app.id)), true)
    const stored = snapshotOf(app.id, { claimedUntil: 0 })
    assert.deepEqual(await storage.findSnapshots([other.id, app.id]), [stored])
    assert.deepEqual(await storage.findSnapshots([]), [])
    assert.equal(await storage.claimSnapshot(claimOf(app.id)), false, 'somebody has taken one since')
    assert.equal(await storage.claimSnapshot(claimOf(app.id, { takenAt: now })), true)
    assert.equal(await storage.storeSnapshot(snapshotOf(app.id, { takenAt: 9, tiers: [] })), true)
    assert.deepEqual(await storage.findSnapshots([app.id]), [{ ...stored, takenAt: 9, tiers: [] }])
  }),
  storageCase('deleteApp(): deletes the snapshot', async (storage) => {
    const app = await addApp(storage)
    await storage.claimSnapshot(claimOf(app.id))
    await storage.deleteApp(app.id)
    assert.deepEqual(await storage.findSnapshots([app.id]), [])
    assert.equal(await storage.storeSnapshot(snapshotOf(app.id)), false)
  }),
  storageCase('countStatuses(): counts the licenses of one tier, to the second', async (storage) => {
    const [parents, others] = [await addParents(storage), await addParents(storage)]
    const { app, tier } = parents
    const empty = newTier(app.id)
    await storage.insertTier(empty)
    for (const given of [
      {},
      { expiresAt: now + 1 },
      { expiresAt: now },
      { expiresAt: now - 1 },
      { expiresAt: now - 1, revokedAt: 1 },
      { revokedAt: now },
      { tierId: null },
    ])
      await addLicense(storage, parents, given)
    await addLicense(storage, others)
    const count = (tierId: string | null) => storage.countStatuses({ appId: app.id, tierId, now })
    assert.deepEqual(await count(tier.id), { active: 2, expired: 2, revoked: 2 })
    assert.deepEqual(await count(null), { active: 1, expired: 0, revoked: 0 })
    assert.deepEqual(await count(empty.id), { active: 0, expired: 0, revoked: 0 })
    assert.deepEqual(await count(others.tier.id), { active: 0, expired: 0, revoked: 0 })
  }),
  storageCase('findWebhookQueues(): counts the due deliveries of each app', async (storage) => {
    const [busy, idle, off] = [await addApp(storage), await addApp(storage), await addApp(storage)]
    for (const given of [
      { dueAt: now },
      { dueAt: now - 7, priority: 0 },
      { dueAt: now - 5 },
      { dueAt: now + 1 },
      { dueAt: null, state: 'failed' },
    ] as const)
      await addDelivery(storage, busy.id, given)
    await addDelivery(storage, off.id, { dueAt: now - 1, priority: 0 })
    await storage.insertWebhook(newWebhook(off.id, { disabledAt: 5 }))
    await storage.insertWebhook(newWebhook(busy.id))
    const find = async (limit: number) => {
      const found = await storage.findWebhookQueues([busy.id, off.id, idle.id, 'app_missing'], now, limit)
      return found.toSorted((a, b) => b.due - a.due)
    }
    const queues = [
      { appId: busy.id, due: 3, oldestDueAt: now - 7, disabledAt: null },
      { appId: off.id, due: 1, oldestDueAt: now - 1, disabledAt: 5 },
      { appId: idle.id, due: 0, oldestDueAt: null, disabledAt: null },
    ]
    assert.deepEqual(await find(9), queues)
    assert.deepEqual(await find(2), [{ ...queues[0]!, due: 2 }, ...queues.slice(1)])
    assert.deepEqual(await storage.findWebhookQueues([], now, 9), [])
  }),
]
