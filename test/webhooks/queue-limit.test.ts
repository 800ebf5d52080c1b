import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Storage } from '../../src/core/index.ts'
import { DeliveryQueues } from '../../src/core/runtime/delivery-queues.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { codeOf, newShop, refusalOf, type Shop } from '../support/fixtures.ts'
import { eventually, recorder, somewhere } from './receivers.ts'

const slug = 'desktop-app'

/** A shop whose queue takes ten events. */
async function smallShop(storage: Storage = memoryStorage()): Promise<Shop> {
  const shop = await newShop({ storage, webhooks: { queueLimit: 10 } })
  await shop.licensing.apps.update(slug, { webhookUrl: 'https://example.com/hook' })
  return shop
}

async function issueMany({ issue }: Shop, count: number): Promise<void> {
  for (let license = 0; license < count; license++) await issue()
}

const queued = async ({ licensing }: Shop) => (await licensing.webhooks.deliveries(slug)).total

/** Delivers or fails some events of the queue. */
async function settle({ licensing, app }: Shop, count: number, isDelivered = true): Promise<void> {
  const lease = await licensing.outbox.lease(app.id, { limit: count, leaseSeconds: 60 })
  const outcome = isDelivered ? { status: 204, error: null } : { status: 500, error: 'Broken' }
  for (const event of lease!.deliveries) await licensing.outbox.settle(event, { ...outcome, retryIn: null })
}

test('a full queue drops events and counts them, and every change goes on', async () => {
  const shop = await smallShop()
  const { licensing } = shop
  const heard: string[] = []
  licensing.on('license.created', ({ data }) => heard.push(data.licenseId))
  await issueMany(shop, 13)
  assert.equal(await queued(shop), 10)
  assert.equal((await licensing.licenses.list(slug)).total, 13)
  await eventually(() => heard.length === 13)
  assert.equal(licensing.load().webhookEventsDropped, 3)
  assert.deepEqual(await licensing.outbox.reportFullQueues(), [{ appId: shop.app.id, dropped: 3 }])
  assert.deepEqual(await licensing.outbox.reportFullQueues(), [])
  const { webhookQueueFullAt, webhookDroppedEvents } = await licensing.apps.get(slug)
  assert.deepEqual([webhookQueueFullAt, webhookDroppedEvents], [shop.clock.seconds, 3])
})

test('status(): names the apps whose queue is full', async () => {
  const shop = await smallShop()
  const { licensing } = shop
  const full = async () => (await licensing.status()).webhooks.webhookQueueFull
  await issueMany(shop, 10)
  await licensing.outbox.reportFullQueues()
  assert.deepEqual(await full(), [])
  await issueMany(shop, 1)
  await licensing.outbox.reportFullQueues()
  assert.deepEqual(await full(), [slug])
  await settle(shop, 2)
  await licensing.outbox.reportFullQueues()
  assert.deepEqual(await full(), [])
})

test('a queue with room again takes events after ten seconds, and loses its mark', async () => {
  const shop = await smallShop()
  const { licensing, clock } = shop
  const begin = clock.seconds
  await issueMany(shop, 11)
  await licensing.outbox.reportFullQueues()
  await settle(shop, 1)
  clock.seconds += 9
  await issueMany(shop, 1)
  assert.equal(await queued(shop), 10, 'nobody counts a full queue for ten seconds')
  clock.seconds += 1
  await issueMany(shop, 2)
  assert.equal(await queued(shop), 11)
  await licensing.outbox.reportFullQueues()
  const full = await licensing.apps.get(slug)
  assert.deepEqual([full.webhookQueueFullAt, full.webhookDroppedEvents], [begin, 3])
  await settle(shop, 2)
  await licensing.outbox.reportFullQueues()
  const free = await licensing.apps.get(slug)
  assert.deepEqual([free.webhookQueueFullAt, free.webhookDroppedEvents], [null, 3])
})

test('a clock that is set back ends the rest of a full queue', async () => {
  const shop = await smallShop()
  shop.clock.seconds += 1_000_000
  await issueMany(shop, 11)
  await settle(shop, 5)
  shop.clock.seconds -= 1_000_000
  await issueMany(shop, 1)
  assert.equal(await queued(shop), 11)
})

test('a full queue refuses what exists only for its event', async () => {
  const shop = await smallShop()
  const { webhooks } = shop.licensing
  await issueMany(shop, 10)
  await settle(shop, 1, false)
  const failed = (await webhooks.deliveries(slug, { state: 'failed' })).data[0]!
  const { clock } = shop
  clock.seconds += 10
  await issueMany(shop, 1)
  assert.match((await refusalOf(webhooks.test(slug))).message, /webhook_queue_full/)
  assert.equal(await codeOf(webhooks.retry(slug, failed.id)), 'conflict')
  assert.equal(await codeOf(webhooks.retryAll(slug, { state: 'failed', since: 0 })), 'conflict')
  const pending = (await webhooks.deliveries(slug, { state: 'pending' })).data[0]!
  assert.equal((await webhooks.retry(slug, pending.id)).state, 'pending', 'it needs no more room')
  assert.equal((await webhooks.delivery(slug, failed.id)).state, 'failed')
})

test('retryAll(): takes no more than the queue has room for, and says that more is left', async () => {
  const shop = await smallShop()
  const { webhooks } = shop.licensing
  await issueMany(shop, 10)
  await settle(shop, 7, false)
  shop.clock.seconds += 10
  await issueMany(shop, 4)
  const selection = { state: 'failed', since: 0 } as const
  assert.deepEqual(await webhooks.retryAll(slug, selection), { retried: 3, hasMore: true })
  assert.equal((await webhooks.deliveries(slug, { state: 'pending' })).total, 10)
  await settle(shop, 10)
  assert.deepEqual(await webhooks.retryAll(slug, selection), { retried: 4, hasMore: false })
})

test('a queue is counted at the first event, and then after each hundredth of its limit', async () => {
  const counts: number[] = []
  const memory = memoryStorage()
  const counting = <S extends object>(session: S): S =>
    new Proxy(session, {
      get: (target, name) => {
        if (name === 'countPendingDeliveries') counts.push(1)
        if (name !== 'transaction') return Reflect.get(target, name) as unknown
        return (work: (tx: object) => unknown, options: object) =>
          memory.transaction(async (tx) => work(counting(tx)), options)
      },
    })
  const shop = await newShop({ storage: counting(memory), webhooks: { queueLimit: 5_000 } })
  await shop.licensing.apps.update(slug, { webhookUrl: 'https://example.com/hook' })
  await issueMany(shop, 50)
  assert.equal(counts.length, 1)
  await issueMany(shop, 51)
  assert.equal(counts.length, 3)
})

test('no transaction waits for the count of another, which may wait for its locks', async () => {
  const queues = new DeliveryQueues(1_000)
  const second = Promise.withResolvers<number>()
  const first = queues.takes({ countPendingDeliveries: () => second.promise }, 'app', 1)
  assert.equal(await queues.takes({ countPendingDeliveries: async () => 995 }, 'app', 1), true)
  // It was counted earlier, so it adds no room to what is left of the later count.
  second.resolve(0)
  assert.equal(await first, true)
  const others = Array.from({ length: 4 }, () =>
    queues.takes({ countPendingDeliveries: async () => 1_000 }, 'app', 1),
  )
  assert.deepEqual(await Promise.all(others), [true, true, true, false])
})

test('a change that is rolled back, or runs again, drops no event twice', async () => {
  const shop = await smallShop()
  const { licensing } = shop
  const { id } = await shop.issue()
  await issueMany(shop, 10)
  assert.equal(licensing.load().webhookEventsDropped, 1)
  await licensing.licenses.revoke(slug, id)
  await Promise.all([1, 2, 3].map((seats) => licensing.licenses.update(slug, id, { metadata: { seats } })))
  assert.equal(licensing.load().webhookEventsDropped, 5)
})

test('flush(): writes the counts, and a count that cannot be written waits', async () => {
  const memory = memoryStorage()
  let isBroken = false
  const storage: Storage = {
    ...memory,
    updateWebhook: async (...given) => {
      if (isBroken) throw new Error('The disk is full')
      return memory.updateWebhook(...given)
    },
  }
  const shop = await smallShop(storage)
  const { licensing } = shop
  await issueMany(shop, 12)
  isBroken = true
  await assert.rejects(licensing.flush(), /The disk is full/)
  isBroken = false
  await licensing.flush()
  assert.equal((await licensing.apps.get(slug)).webhookDroppedEvents, 2)
})

test('startDelivery(): reports dropped events when it stops, and ignores an app that is gone', async () => {
  const shop = await smallShop()
  const { licensing } = shop
  const never = recorder(() => ({ status: 500 }))
  const delivery = startDelivery(licensing, { connect: never.connect, resolve: somewhere, pauses: [9, 9] })
  await issueMany(shop, 12)
  await delivery.stop()
  assert.equal((await licensing.apps.get(slug)).webhookDroppedEvents, 2)
  await issueMany(shop, 1)
  await licensing.apps.delete(slug)
  await licensing.outbox.reportFullQueues()
})
