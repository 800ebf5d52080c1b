import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, inProcessAlone, newShop } from '../support/fixtures.ts'

const app = 'desktop-app'
const hour = 3_600
const inProcess = inProcessAlone('Only a server counts licenses')

test('keepStats(): counts the licenses by tier, in its order', inProcess, async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  assert.equal((await licensing.stats(app)).snapshot, null)
  await licensing.tiers.create(app, { name: 'Basic', slug: 'basic' })
  await licensing.tiers.create(app, { name: 'Old', slug: 'old' })
  await shop.issue()
  await shop.issue({ durationDays: 1 })
  await shop.issue({ tierId: 'old' })
  await licensing.licenses.revoke(app, (await shop.issue({ tierId: 'basic' })).id)
  await licensing.tiers.delete(app, 'old')
  clock.seconds += 2 * day
  assert.equal(await licensing.keepStats(), 1)
  const { snapshot } = await licensing.stats(app)
  assert.equal(snapshot?.at, clock.seconds)
  assert.deepEqual(snapshot?.tiers, [
    { tier: 'pro', active: 1, expired: 1, revoked: 0 },
    { tier: 'basic', active: 0, expired: 0, revoked: 1 },
    { tier: null, active: 1, expired: 0, revoked: 0 },
  ])
})

test('keepStats(): counts an app with few licenses once an hour', inProcess, async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const taken: number[] = []
  for (const seconds of [0, 60, hour, 0, day, -2 * day]) {
    clock.seconds += seconds
    taken.push(await licensing.keepStats())
  }
  // The clock of the last but one ran ahead.
  assert.deepEqual(taken, [1, 0, 1, 0, 1, 1])
})

test('keepStats(): a count that was broken off begins anew after ten minutes', inProcess, async () => {
  const shop = await newShop()
  const { licensing, storage, clock, app: record } = shop
  const now = clock.seconds
  await storage.claimSnapshot({ appId: record.id, takenAt: null, now, until: now + 600 })
  assert.equal(await licensing.keepStats(), 0)
  clock.seconds += 600
  assert.equal(await licensing.keepStats(), 1)
})

test('keepStats(): deletes hours after 400 days, and days after ten years', inProcess, async () => {
  const shop = await newShop()
  const { licensing, clock, storage, app: record } = shop
  await shop.issue()
  await licensing.flush()
  const left = async () => {
    const spans = (['hour', 'day'] as const).map((span) =>
      storage.listTallies({ appId: record.id, span, from: 0, before: 2 ** 40 }),
    )
    return (await Promise.all(spans)).map(({ length }) => length)
  }
  clock.seconds += 400 * day - 120
  await licensing.keepStats()
  assert.deepEqual(await left(), [1, 1])
  clock.seconds += hour
  await licensing.keepStats()
  assert.deepEqual(await left(), [0, 1])
  clock.seconds += 3_261 * day
  await licensing.keepStats()
  assert.deepEqual(await left(), [0, 0])
})
