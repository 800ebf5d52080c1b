import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import type { Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { startDelivery, type DeliveryOptions, type WebhookRequest } from '../../src/webhooks/index.ts'
import { defaultPauses, pauseAfter, retryAfterSeconds } from '../../src/webhooks/retry-schedule.ts'
import { codeOf, day, newShop, type Shop } from '../support/fixtures.ts'
import { eventually, recorder, somewhere } from './receivers.ts'

const url = 'https://example.com/hook'

/** A shop whose app has a webhook. */
async function shopWithWebhook(): Promise<Shop> {
  const shop = await newShop({ now: Date.now })
  await shop.licensing.apps.update(shop.app.slug, { webhookUrl: url })
  return shop
}

const newest = async ({ licensing, app }: Shop) => (await licensing.webhooks.deliveries(app.slug)).data[0]!

/** Delivers until no event is due, then stops. */
async function deliver(shop: Shop, options: DeliveryOptions): Promise<void> {
  const delivery = startDelivery(shop.licensing, { resolve: somewhere, random: () => 0.5, ...options })
  const { licensing } = shop
  await eventually(async () => (await licensing.outbox.due()).length === 0)
  await delivery.stop()
}

test('startDelivery(): sends a change at once, signed, and stores it as delivered', async () => {
  const shop = await shopWithWebhook()
  const { sent, connect } = recorder()
  const delivery = startDelivery(shop.licensing, { connect, resolve: somewhere, pollMs: 60_000 })
  await setTimeout(50)
  const { id } = await shop.issue()
  await eventually(() => sent.length === 1)
  await delivery.stop()
  const [{ headers, body, address }] = sent as [WebhookRequest]
  const { secret } = await shop.licensing.webhooks.secret('desktop-app')
  const event = new Webhook(secret).verify(body, { ...headers }) as { type: string; data: object }
  assert.deepEqual([event.type, (event.data as { license_id: string }).license_id], ['license.created', id])
  assert.equal(address.address, '93.184.215.14')
  assert.equal(headers['content-type'], 'application/json')
  const { state, attempts, lastStatus, lastError, nextAttemptAt, eventId } = await newest(shop)
  assert.deepEqual(
    [state, attempts, lastStatus, lastError, nextAttemptAt, eventId],
    ['delivered', 1, 204, null, null, headers['webhook-id']],
  )
})

test('startDelivery(): retries a failure with the same id and bytes until a receiver accepts it', async () => {
  const shop = await shopWithWebhook()
  await shop.licensing.webhooks.test('desktop-app')
  const statuses = [500, 404, 302, 204]
  const { sent, connect } = recorder(() => ({ status: statuses[sent.length - 1]! }))
  const delivery = startDelivery(shop.licensing, {
    connect,
    resolve: somewhere,
    pollMs: 10,
    pauses: [0, 0, 0],
  })
  await eventually(async () => (await newest(shop)).state === 'delivered')
  await delivery.stop()
  assert.equal(sent.length, 4)
  assert.equal(new Set(sent.map(({ headers }) => headers['webhook-id'])).size, 1)
  assert.equal(new Set(sent.map(({ body }) => body)).size, 1)
  assert.equal((await newest(shop)).attempts, 4)
})

test('startDelivery(): the pauses grow, Retry-After prolongs one, and the last attempt is final', async () => {
  const shop = await shopWithWebhook()
  await shop.licensing.webhooks.test('desktop-app')
  const now = () => Math.floor(Date.now() / 1000)
  const { connect } = recorder(() => ({ status: 503, retryAfter: '600' }))
  await deliver(shop, { connect, pauses: [100, 1_000] })
  const first = await newest(shop)
  assert.ok(Math.abs(first.nextAttemptAt! - now() - 600) <= 2)
  assert.deepEqual([first.state, first.lastStatus], ['pending', 503])
  assert.equal(first.lastError, 'The receiver answered 503')
  const makeDue = async () => shop.storage.updateDelivery(first.id, await versionOf(), { dueAt: now() })
  const versionOf = async () => (await shop.storage.findDelivery(shop.app.id, first.id))!.version
  await makeDue()
  await deliver(shop, { connect, pauses: [100, 1_000] })
  assert.ok(Math.abs((await newest(shop)).nextAttemptAt! - now() - 1_000) <= 2)
  await makeDue()
  await deliver(shop, { connect, pauses: [100, 1_000] })
  assert.deepEqual([(await newest(shop)).state, (await newest(shop)).attempts], ['failed', 3])
})

test('retry schedule: ten attempts take about 75 hours, and the jitter is a tenth', () => {
  const hours = defaultPauses.reduce((sum, pause) => sum + pause, 0) / 3_600
  assert.ok(hours > 70 && hours < 80, `${hours}`)
  const pauses = [100]
  assert.deepEqual(
    [0, 0.5, 0.999].map((random) => pauseAfter(1, { pauses, random: () => random }, 0)),
    [90, 100, 110],
  )
  assert.equal(pauseAfter(2, { pauses, random: () => 0 }, 5), null)
  const headers = ['120', '0', '-5', 'soon', '99999999', null, 'Thu, 01 Jan 1970 00:16:50 GMT']
  assert.deepEqual(
    headers.map((header) => retryAfterSeconds(header, 1_000)),
    [120, 0, 0, 0, day, 0, 10],
  )
})

test('startDelivery(): 410 switches the webhook off, the app shows it, and saving the URL switches it on', async () => {
  const shop = await shopWithWebhook()
  const { apps, webhooks } = shop.licensing
  await webhooks.test('desktop-app')
  const { sent, connect } = recorder(() => ({ status: 410 }))
  await deliver(shop, { connect })
  assert.deepEqual([(await newest(shop)).state, sent.length], ['failed', 1])
  assert.notEqual((await apps.get('desktop-app')).webhookDisabledAt, null)
  assert.equal(await codeOf(webhooks.test('desktop-app')), 'conflict')
  assert.equal(await codeOf(webhooks.retry('desktop-app', (await newest(shop)).id)), 'conflict')
  await shop.issue()
  await deliver(shop, { connect })
  assert.equal((await newest(shop)).lastError, 'The webhook is switched off')
  assert.equal(sent.length, 1)
  await apps.update('desktop-app', { webhookUrl: url })
  assert.equal((await apps.get('desktop-app')).webhookDisabledAt, null)
  const good = recorder()
  await webhooks.retry('desktop-app', (await newest(shop)).id)
  await deliver(shop, { connect: good.connect })
  assert.deepEqual([(await newest(shop)).state, good.sent.length], ['delivered', 1])
})

test('startDelivery(): a 410 from an old URL leaves the webhook at the new URL on', async () => {
  const shop = await shopWithWebhook()
  const { apps, webhooks } = shop.licensing
  await webhooks.test('desktop-app')
  const { connect } = recorder(() => ({ status: 410 }))
  const moving: typeof connect = async (connection) => {
    await apps.update('desktop-app', { webhookUrl: 'https://new.example.com/' })
    return connect(connection)
  }
  await deliver(shop, { connect: moving })
  assert.equal((await newest(shop)).state, 'failed')
  assert.equal((await apps.get('desktop-app')).webhookDisabledAt, null)
})

test('startDelivery(): ten events given up in a row switch the webhook off, and a success resets the count', async () => {
  const shop = await shopWithWebhook()
  const { apps, webhooks } = shop.licensing
  const isOff = async () => (await apps.get('desktop-app')).webhookDisabledAt !== null
  const send = async (count: number, status: number) => {
    for (let event = 0; event < count; event++) await webhooks.test('desktop-app')
    await deliver(shop, { connect: recorder(() => ({ status })).connect, pauses: [] })
  }
  await send(9, 500)
  await send(1, 200)
  await send(9, 500)
  assert.equal(await isOff(), false)
  await send(1, 500)
  assert.equal(await isOff(), true)
})

test('startDelivery(): both secrets sign during a roll, and only the new one after it', async () => {
  const shop = await shopWithWebhook()
  const { webhooks } = shop.licensing
  const { secret: old } = await webhooks.secret('desktop-app')
  const rolled = await webhooks.rollSecret('desktop-app', { overlapSeconds: 60 })
  assert.notEqual(rolled.secret, old)
  assert.equal((await webhooks.secret('desktop-app')).secret, rolled.secret)
  const { sent, connect } = recorder()
  await webhooks.test('desktop-app')
  await deliver(shop, { connect })
  const verify = (secret: string, { body, headers }: WebhookRequest) =>
    new Webhook(secret).verify(body, { ...headers })
  for (const secret of [old, rolled.secret]) verify(secret, sent[0]!)
  const last = await webhooks.rollSecret('desktop-app', { overlapSeconds: 0 })
  assert.equal(last.previousExpiresAt, null)
  await webhooks.test('desktop-app')
  await deliver(shop, { connect })
  verify(last.secret, sent[1]!)
  assert.throws(() => verify(rolled.secret, sent[1]!))
})

test('startDelivery(): sends a revocation first, and gives events up if the app has lost its URL', async () => {
  const shop = await shopWithWebhook()
  const { id } = await shop.issue()
  await shop.licensing.licenses.update('desktop-app', id, { metadata: { a: 1 } })
  await shop.licensing.licenses.revoke('desktop-app', id)
  const { sent, connect } = recorder()
  await deliver(shop, { connect, perApp: 1 })
  const types = sent.map(({ body }) => (JSON.parse(body) as { type: string }).type)
  assert.deepEqual(types, ['license.revoked', 'license.created', 'license.updated'])
  await shop.issue()
  await shop.licensing.apps.update('desktop-app', { webhookUrl: null })
  await deliver(shop, { connect })
  assert.equal((await newest(shop)).lastError, 'The app has no webhook_url')
  assert.equal(await codeOf(shop.licensing.webhooks.test('desktop-app')), 'conflict')
})

test('startDelivery(): a failing event does not delay later ones', async () => {
  const shop = await shopWithWebhook()
  for (let event = 0; event < 30; event++) await shop.licensing.webhooks.test('desktop-app')
  const bad = (await shop.licensing.webhooks.deliveries('desktop-app', { perPage: 100 })).data.at(-1)!.eventId
  const { sent, connect } = recorder(({ headers }) => ({
    status: headers['webhook-id'] === bad ? 500 : 204,
  }))
  await deliver(shop, { connect, perApp: 1 })
  assert.equal(sent.length, 30)
  const { total } = await shop.licensing.webhooks.deliveries('desktop-app', { state: 'delivered' })
  assert.equal(total, 29)
})

test('stop(): releases the event of an open attempt, and another server sends it at once', async () => {
  const shop = await shopWithWebhook()
  await shop.licensing.webhooks.test('desktop-app')
  const never = recorder(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('ended')))
      }),
  )
  const stuck = startDelivery(shop.licensing, { connect: never.connect, resolve: somewhere, stopMs: 20 })
  await eventually(() => never.sent.length === 1)
  await stuck.stop()
  const { state, attempts } = await newest(shop)
  assert.deepEqual([state, attempts], ['pending', 0])
  const { sent, connect } = recorder()
  await deliver(shop, { connect })
  assert.equal(sent[0]?.headers['webhook-id'], never.sent[0]?.headers['webhook-id'])
})

test('stop(): waits for a lease in progress and releases its events', async () => {
  const memory = memoryStorage()
  const slow: Storage = {
    ...memory,
    leaseDeliveries: (request) => setTimeout(50).then(() => memory.leaseDeliveries(request)),
    updateDelivery: (id, version, patch) =>
      setTimeout(50).then(() => memory.updateDelivery(id, version, patch)),
  }
  const shop = await newShop({ now: Date.now, storage: slow })
  await shop.licensing.apps.update(shop.app.slug, { webhookUrl: url })
  await shop.licensing.webhooks.test('desktop-app')
  const { sent, connect } = recorder()
  const delivery = startDelivery(shop.licensing, { connect, resolve: somewhere })
  await setTimeout(20)
  await delivery.stop()
  assert.deepEqual(sent, [])
  assert.deepEqual(await shop.licensing.outbox.due(), [shop.app.id])
})

test('startDelivery(): several servers on one storage send each event once', async () => {
  const shop = await shopWithWebhook()
  for (let event = 0; event < 100; event++) await shop.licensing.webhooks.test('desktop-app')
  const { sent, connect } = recorder()
  const options = { connect, resolve: somewhere, pollMs: 5 }
  const servers = Array.from({ length: 4 }, () => startDelivery(shop.licensing, options))
  await eventually(
    async () =>
      (await shop.licensing.webhooks.deliveries('desktop-app', { state: 'delivered' })).total === 100,
  )
  await Promise.all(servers.map((server) => server.stop()))
  assert.equal(sent.length, 100)
  assert.equal(new Set(sent.map(({ headers }) => headers['webhook-id'])).size, 100)
})

test('outbox.prune(): deletes ended deliveries after 30 days and keeps pending ones', async () => {
  const shop = await newShop()
  await shop.licensing.apps.update('desktop-app', { webhookUrl: url })
  await shop.licensing.webhooks.test('desktop-app')
  const { outbox, webhooks } = shop.licensing
  const lease = await outbox.lease(shop.app.id, { limit: 1, leaseSeconds: 60 })
  await outbox.settle(lease!.deliveries[0]!, { status: 204, error: null, retryIn: null })
  await webhooks.test('desktop-app')
  shop.clock.seconds += 30 * day
  assert.equal(await outbox.prune(), 0)
  shop.clock.seconds += 1
  assert.equal(await outbox.prune(), 1)
  assert.equal((await webhooks.deliveries('desktop-app')).total, 1)
})

test('outbox.settle(): writes nothing for a lease that another server has taken over', async () => {
  const shop = await newShop()
  await shop.licensing.apps.update('desktop-app', { webhookUrl: url })
  await shop.licensing.webhooks.test('desktop-app')
  const { outbox } = shop.licensing
  const take = () => outbox.lease(shop.app.id, { limit: 1, leaseSeconds: 60 })
  const late = (await take())!.deliveries[0]!
  assert.equal(await take(), null)
  shop.clock.seconds += 60
  const taker = (await take())!.deliveries[0]!
  assert.equal(await outbox.settle(late, { status: 410, error: 'gone', retryIn: null, gone: true }), false)
  assert.equal((await shop.licensing.apps.get('desktop-app')).webhookDisabledAt, null)
  assert.equal(await outbox.settle(taker, { status: 204, error: null, retryIn: null }), true)
})
