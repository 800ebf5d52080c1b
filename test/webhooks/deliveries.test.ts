import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WebhookDelivery } from '../../src/core/index.ts'
import { startDelivery, type DeliveryOptions } from '../../src/webhooks/index.ts'
import { codeOf, newShop, refusalOf, type Shop } from '../support/fixtures.ts'
import { eventually, recorder, somewhere } from './receivers.ts'

const slug = 'desktop-app'

async function shopWithWebhook(): Promise<Shop> {
  const shop = await newShop({ now: Date.now })
  await shop.licensing.apps.update(slug, { webhookUrl: 'https://example.com/hook' })
  return shop
}

const listed = async ({ licensing }: Shop) => (await licensing.webhooks.deliveries(slug)).data

async function newest(shop: Shop): Promise<WebhookDelivery> {
  return (await listed(shop))[0]!
}

async function deliver({ licensing }: Shop, options: DeliveryOptions): Promise<void> {
  const delivery = startDelivery(licensing, { resolve: somewhere, random: () => 0.5, ...options })
  await eventually(async () => (await licensing.outbox.due()).length === 0)
  await delivery.stop()
}

test('webhooks.deliveries(): filters by type, license and state, alone and together', async () => {
  const shop = await shopWithWebhook()
  const { licenses, webhooks } = shop.licensing
  const [first, second] = [await shop.issue(), await shop.issue()]
  await licenses.revoke(slug, first.id)
  await deliver(shop, { connect: recorder().connect })
  await licenses.revoke(slug, second.id)
  const typesOf = async (filter: object) =>
    (await webhooks.deliveries(slug, filter)).data.map(({ type, licenseId }) => [type, licenseId])
  const revoked = 'license.revoked'
  assert.deepEqual(await typesOf({ type: revoked }), [
    [revoked, second.id],
    [revoked, first.id],
  ])
  assert.deepEqual(await typesOf({ type: revoked, state: 'delivered' }), [[revoked, first.id]])
  assert.deepEqual(await typesOf({ licenseId: second.id }), [
    [revoked, second.id],
    ['license.created', second.id],
  ])
  assert.deepEqual(await typesOf({ licenseId: second.id, state: 'pending' }), [[revoked, second.id]])
  assert.deepEqual(await typesOf({ licenseId: 'lic_unknown' }), [])
  const walked: string[] = []
  for await (const { id } of webhooks.allDeliveries(slug, { type: 'license.created' })) walked.push(id)
  assert.equal(walked.length, 2)
  for (const type of ['license.stolen', 'licenseXrevoked']) {
    const wrong = await refusalOf(webhooks.deliveries(slug, { type: type as never }))
    assert.match(wrong.details?.type?.[0] ?? '', /^must be one of license\.created, /)
  }
})

test('webhooks.delivery(): shows the body to the byte, and the last ten attempts over all rounds', async () => {
  const shop = await shopWithWebhook()
  const { webhooks } = shop.licensing
  const { id: licenseId } = await shop.issue()
  const { id } = await newest(shop)
  const { sent, connect } = recorder(() => ({ status: 500 }))
  await deliver(shop, { connect, pauses: Array.from({ length: 8 }, () => 0), pollMs: 5 })
  await eventually(async () => (await newest(shop)).state === 'failed')
  const failed = await webhooks.delivery(slug, id)
  assert.equal(failed.payload, sent[0]!.body)
  assert.equal((JSON.parse(failed.payload) as { data: { license_id: string } }).data.license_id, licenseId)
  assert.deepEqual([failed.attempts, failed.lastAttempts.length, failed.licenseId], [9, 9, licenseId])
  for (const { status, error, durationMs, attemptedAt } of failed.lastAttempts) {
    assert.deepEqual([status, error], [500, 'The receiver answered 500'])
    assert.ok(Number.isInteger(durationMs) && durationMs! >= 0)
    assert.ok(attemptedAt <= failed.lastAttemptAt!)
  }
  await webhooks.retry(slug, id)
  const refused = recorder(() => Promise.reject(Object.assign(new Error('secret'), { code: 'ECONNREFUSED' })))
  await deliver(shop, { connect: refused.connect, pauses: [0], pollMs: 5 })
  await eventually(async () => (await newest(shop)).state === 'failed')
  await webhooks.retry(slug, id)
  await deliver(shop, { connect: recorder().connect })
  const { attempts, lastAttempts, state } = await webhooks.delivery(slug, id)
  assert.deepEqual([state, attempts, lastAttempts.length], ['delivered', 1, 10])
  assert.deepEqual(
    lastAttempts.map(({ status, error }) => error ?? status),
    [
      ...Array.from({ length: 7 }, () => 'The receiver answered 500'),
      'No connection: ECONNREFUSED',
      'No connection: ECONNREFUSED',
      204,
    ],
  )
  assert.equal(await codeOf(webhooks.delivery(slug, 'whd_unknown')), 'not_found')
  const other = await shop.licensing.apps.create({ name: 'Other', slug: 'other' })
  assert.equal(await codeOf(webhooks.delivery(other.slug, id)), 'not_found')
})

test('webhooks.retryAll(): sends what failed since a time again, once, the oldest first', async () => {
  const shop = await newShop()
  const { licensing, clock } = shop
  const { webhooks } = licensing
  await licensing.apps.update(slug, { webhookUrl: 'https://example.com/hook' })
  for (let event = 0; event < 6; event++) {
    await webhooks.test(slug)
    clock.seconds += 10
  }
  const lease = await licensing.outbox.lease(shop.app.id, { limit: 5, leaseSeconds: 60 })
  const [, , , , delivered] = lease!.deliveries
  for (const event of lease!.deliveries) {
    const isDelivered = event === delivered
    const outcome = isDelivered ? { status: 204, error: null } : { status: 500, error: 'Broken' }
    await licensing.outbox.settle(event, { ...outcome, retryIn: null, durationMs: 7 })
  }
  const since = (await listed(shop)).at(-2)!.createdAt
  assert.deepEqual(await webhooks.retryAll(slug, { state: 'failed', since }), { retried: 3, hasMore: false })
  assert.deepEqual(await webhooks.retryAll(slug, { state: 'failed', since }), { retried: 0, hasMore: false })
  const states = (await listed(shop)).map(({ state, attempts }) => [state, attempts])
  assert.deepEqual(states.toReversed(), [
    ['failed', 1],
    ['pending', 0],
    ['pending', 0],
    ['pending', 0],
    ['delivered', 1],
    ['pending', 0],
  ])
  const { lastAttempts } = await webhooks.delivery(slug, (await listed(shop)).at(-2)!.id)
  assert.deepEqual(
    lastAttempts.map(({ status, durationMs }) => [status, durationMs]),
    [[500, 7]],
  )
  await licensing.apps.update(slug, { webhookUrl: null })
  assert.equal(await codeOf(webhooks.retryAll(slug, { state: 'failed', since })), 'conflict')
  for (const wrong of [{ state: 'failed' }, { since: 0 }, { state: 'pending', since: 0 }])
    assert.equal(await codeOf(webhooks.retryAll(slug, wrong as never)), 'validation_error')
})

test('webhooks.retryAll(): an idempotency key gives the first outcome again', async () => {
  const shop = await shopWithWebhook()
  const { licensing } = shop
  for (let event = 0; event < 3; event++) await licensing.webhooks.test(slug)
  await deliver(shop, { connect: recorder(() => ({ status: 500 })).connect, pauses: [] })
  const key = { key: 'resend', scope: 'test', fingerprint: slug }
  const retry = () =>
    licensing.idempotentCall(key, ({ webhooks }) => webhooks.retryAll(slug, { state: 'failed', since: 0 }))
  assert.deepEqual(await retry(), { result: { retried: 3, hasMore: false }, replayed: false })
  assert.deepEqual(await retry(), { result: { retried: 3, hasMore: false }, replayed: true })
})
