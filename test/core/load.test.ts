import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installation, newShop, newWorld, tallyOf } from '../support/fixtures.ts'

const idle = { taken: 0, running: 0, waiting: 0 }

test('load(): an idle process has zeros', async () => {
  const { licensing } = await newWorld({ signing: { concurrency: 2, maxWaiting: 3 } })
  assert.deepEqual(licensing.load(), {
    signing: { places: 5, done: 0, refused: 0, ...idle },
    keyPairs: { ...licensing.load().keyPairs, done: 0, refused: 0, size: 0, ready: 0, ...idle },
    webhookAttempts: { delivered: 0, retried: 0, givenUp: 0 },
    webhookEventsDropped: 0,
  })
})

test('load(): counts each signature once, and a cached token not again', async () => {
  const shop = await newShop()
  const { id } = await shop.issue()
  await shop.issue()
  assert.equal(shop.licensing.load().signing.done, 2)
  await shop.licensing.licenses.token('desktop-app', id)
  assert.equal(shop.licensing.load().signing.done, 2)
  await shop.licensing.licenses.regenerate('desktop-app', id)
  assert.equal(shop.licensing.load().signing.done, 3)
})

test('load(): shows held slots, running and waiting signatures, and refused callers', async () => {
  const shop = await newShop({ signing: { concurrency: 1, maxWaiting: 2 } })
  const calls = tallyOf(Array.from({ length: 5 }, () => shop.issue()))
  while (shop.licensing.load().signing.taken < 3) await new Promise((resolve) => setTimeout(resolve, 0))
  const { places, taken, running, waiting } = shop.licensing.load().signing
  assert.deepEqual([places, taken], [3, 3])
  assert.ok(running <= 1 && running + waiting <= taken)
  assert.deepEqual(await calls, { ok: 3, unavailable: 2 })
  assert.deepEqual(shop.licensing.load().signing, { places: 3, done: 3, refused: 2, ...idle })
})

test("load(): counts work in a host's transaction and under an idempotency key too", async () => {
  const shop = await newShop()
  const { licensing, storage, customer } = shop
  const license = { customerId: customer.id, tierId: 'pro', durationDays: 30 }
  const lent = licensing.with(storage)
  await lent.licenses.create('desktop-app', { ...license, installationId: installation(1) })
  assert.equal(lent.load().signing.done, 0, 'inside a transaction nothing is signed')
  const key = { key: 'order-1', scope: 'test', fingerprint: 'x', license: { app: 'desktop-app' } }
  await licensing.idempotent(key, (inside) =>
    inside.licenses.create('desktop-app', { ...license, installationId: installation(2) }),
  )
  assert.equal(licensing.load().signing.done, 1)
  assert.deepEqual(lent.load(), licensing.load())
})

test('load(): shows the ready pairs and the pairs made', async () => {
  const { licensing } = await newWorld({ keyPool: 2 })
  const ready = async (count: number): Promise<void> => {
    while (licensing.load().keyPairs.ready < count) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await ready(2)
  const made = licensing.load().keyPairs
  assert.deepEqual([made.size, made.ready, made.done, made.refused], [2, 2, 2, 0])
  await licensing.apps.create({ name: 'App', slug: 'app' })
  await ready(2)
  assert.equal(licensing.load().keyPairs.done, 3)
})

test('load(): counts each attempt to send by its outcome', async () => {
  const { licensing, app } = await newShop()
  await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
  const endings = [
    { status: 204, error: null, retryIn: null },
    { status: 500, error: 'The receiver answered 500', retryIn: 5 },
    { status: 500, error: 'The receiver answered 500', retryIn: null },
    { status: 204, error: null, retryIn: null },
  ]
  for (const outcome of endings) {
    await licensing.webhooks.test('desktop-app')
    const claim = await licensing.outbox.lease(app.id, { limit: 1, leaseSeconds: 60 })
    await licensing.outbox.settle(claim!.deliveries[0]!, outcome)
  }
  assert.deepEqual(licensing.load().webhookAttempts, { delivered: 2, retried: 1, givenUp: 1 })
})
