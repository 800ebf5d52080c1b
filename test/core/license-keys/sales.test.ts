import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LicenseKey, NumericDate, Sale } from '../../../src/core/index.ts'
import { codeOf, day, installation, newShop, start, type Shop } from '../../support/fixtures.ts'
import { randomFrom } from '../../storage/race-tasks.ts'
import { seatFaults } from '../../storage/seat-invariants.ts'
import { app, sell } from './sale.ts'

const shopKey = 'key-of-another-shop'

/** The life of a sale: twelve statements, a day apart. */
const life: readonly Partial<Sale>[] = [
  { seats: 1, expiresAt: start + 30 * day },
  { seats: 1, expiresAt: start + 60 * day, key: shopKey },
  { seats: 3, expiresAt: start + 60 * day },
  { seats: 3, tierId: 'team', expiresAt: start + 90 * day, updatesUntil: start + 400 * day },
  { seats: 3, tierId: 'team', expiresAt: start + 90 * day, ended: 'dispute' },
  { seats: 3, tierId: 'team', expiresAt: start + 90 * day },
  { seats: 3, tierId: 'team', expiresAt: start + 90 * day, ended: 'cancelled' },
  { seats: 2, tierId: 'team', expiresAt: start + 120 * day, customer: { email: 'eve@example.com' } },
  { seats: 2, tierId: 'team', expiresAt: start + 120 * day, ended: 'refund' },
  { seats: 5, tierId: 'pro', expiresAt: null },
  { seats: 5, tierId: 'pro', expiresAt: null, updatesUntil: start + 500 * day },
  { seats: 4, tierId: 'team', expiresAt: start + 700 * day, updatesUntil: start + 600 * day },
]

function statement(at: number, change: Partial<Sale> = {}): Sale {
  return {
    externalId: 'sale',
    asOf: start + at * day,
    customer: { email: 'ada@example.com' },
    tierId: 'pro',
    seats: 1,
    expiresAt: null,
    ...life[at],
    ...change,
  }
}

async function shopOfSales(): Promise<Shop> {
  const shop = await newShop()
  await shop.licensing.tiers.create(app, { name: 'Team', slug: 'team', features: ['sync'] })
  return shop
}

/** The state of the one license key, without what depends on the order of the calls. */
async function stateOf({ licensing }: Shop): Promise<object> {
  const { data, total } = await licensing.licenseKeys.list(app)
  const { id: _id, keyLastFour: _four, customerId, createdAt: _at, updatedAt: _when, ...state } = data[0]!
  const { email } = await licensing.customers.get(app, customerId)
  return { ...state, email, total }
}

test('licenseKeys.sync(): makes the license key and the customer of a sale', async () => {
  const shop = await shopOfSales()
  const { customers, licenseKeys } = shop.licensing
  const customer = { email: 'eve@example.com', name: 'Eve', externalId: 'shop:1' }
  const sale = { ...statement(3), customer, key: shopKey, metadata: { order: 7 } }
  const made = await licenseKeys.sync(app, sale)
  const { key, keyLastFour, id, customerId, ...rest } = made
  assert.equal((await licenseKeys.authenticate(app, key)).key.id, id)
  assert.equal((await licenseKeys.authenticate(app, shopKey)).key.id, id)
  assert.equal(keyLastFour, key?.slice(-4))
  assert.deepEqual(
    [rest.applied, rest.created, rest.customerConflict, rest.tier, rest.seats, rest.expiresAt, rest.metadata],
    [true, true, false, 'team', 3, start + 90 * day, { order: 7 }],
  )
  const { email, name, externalId } = await customers.get(app, customerId)
  assert.deepEqual({ email, name, externalId }, customer)
  const again = await licenseKeys.sync(app, sale)
  assert.deepEqual([again.id, again.applied, again.created, 'key' in again], [id, true, false, false])
  assert.equal((await customers.list(app)).total, 2)
})

test('licenseKeys.sync(): repeated, it writes and tells nothing', async () => {
  const shop = await shopOfSales()
  const { licenseKeys } = shop.licensing
  await shop.licensing.apps.update(app, { webhookUrl: 'https://example.com/hook' })
  const { id } = await licenseKeys.sync(app, statement(0))
  const stored = () => shop.storage.findLicenseKey(shop.app.id, id)
  const [before, events] = [await stored(), await shop.storage.countDeliveries({ appId: shop.app.id })]
  shop.clock.seconds += 60
  await licenseKeys.sync(app, statement(0))
  assert.deepEqual(await stored(), before)
  await licenseKeys.sync(app, { ...statement(0), asOf: start + 1 })
  assert.equal((await stored())?.externalAsOf, start + 1)
  assert.equal(await shop.storage.countDeliveries({ appId: shop.app.id }), events)
})

/** Twelve statements in a random order, some twice, some lost, but never the newest. */
function shuffled(random: () => number): readonly number[] {
  const order = Array.from({ length: 24 }, (_, index) => ({
    at: index % 12,
    rank: random(),
    isLost: random() < 0.5,
  }))
  const kept = order.filter(({ at, isLost }, index) => !isLost || (at === 11 && index < 12))
  return kept.toSorted((a, b) => a.rank - b.rank).map(({ at }) => at)
}

test('licenseKeys.sync(): 1,000 random orders of a sale’s life end equal', async (context) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
  context.diagnostic(`SEED=${seed}`)
  const random = randomFrom(seed)
  const inOrder = await shopOfSales()
  for (let at = 0; at < 12; at++) await inOrder.licensing.licenseKeys.sync(app, statement(at))
  const expected = await stateOf(inOrder)
  const shop = await shopOfSales()
  for (let round = 0; round < 1_000; round++) {
    const order = shuffled(random)
    let made = 0
    for (const at of order) {
      // Its key may be in a lost statement, and the sale must end equal for all that.
      const { created } = await shop.licensing.licenseKeys.sync(app, statement(at, { key: shopKey }))
      made += Number(created)
    }
    assert.equal(made, 1)
    assert.deepEqual(await stateOf(shop), expected, `SEED=${seed}, round ${round}: ${order.join()}`)
    const [sold] = (await shop.licensing.licenseKeys.list(app)).data as [LicenseKey]
    await shop.licensing.licenseKeys.delete(app, sold.id)
  }
})

test('licenseKeys.sync(): a shop’s key that comes late is added', async () => {
  const shop = await shopOfSales()
  const { licenseKeys } = shop.licensing
  const { id } = await licenseKeys.sync(app, statement(2))
  const late = await licenseKeys.sync(app, statement(1))
  assert.deepEqual([late.id, late.applied, late.seats, late.aliasLastFour], [id, false, 3, 'shop'])
  assert.equal((await licenseKeys.verify(app, shopKey)).valid, true)
  await sell(shop, { key: 'key-of-another-sale' })
  const taken = statement(3, { key: 'key-of-another-sale' })
  assert.equal(await codeOf(licenseKeys.sync(app, taken)), 'conflict')
})

test('licenseKeys.sync(): a refund ends every seat, and a won dispute brings them back', async () => {
  const shop = await shopOfSales()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await licenseKeys.sync(app, statement(3))
  const { license } = await licenseKeys.activate(app, key, { installationId: installation(1) })
  const standing = async (at: number, ended: NonNullable<Sale['ended']> | null) => {
    const { status, revokedReason } = await licenseKeys.sync(
      app,
      statement(3, { asOf: start + at * day, ended }),
    )
    return [status, revokedReason, (await licenses.get(app, license.id)).status]
  }
  assert.deepEqual(await standing(4, 'dispute'), ['revoked', 'dispute', 'revoked'])
  assert.deepEqual(await standing(5, 'refund'), ['revoked', 'refund', 'revoked'])
  assert.deepEqual(await standing(6, null), ['active', null, 'active'])
  await licenseKeys.sync(app, statement(3, { asOf: start + 7 * day, ended: 'dispute' }))
  await licenseKeys.revoke(app, id, { reason: 'By hand' })
  assert.deepEqual(await standing(8, null), ['revoked', 'By hand', 'revoked'])
  assert.deepEqual(await standing(9, 'dispute'), ['revoked', 'By hand', 'revoked'])
  await licenseKeys.reinstate(app, id)
  assert.deepEqual(await standing(9, 'dispute'), ['active', null, 'active'], 'the shop has said nothing new')
})

test('licenseKeys.reinstate(): brings the seats back with the terms of now', async () => {
  const shop = await shopOfSales()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await licenseKeys.sync(app, statement(0))
  const { license } = await licenseKeys.activate(app, key, { installationId: installation(1) })
  await licenseKeys.sync(app, statement(0, { asOf: start + day, ended: 'dispute' }))
  await licenseKeys.sync(app, statement(4))
  await licenseKeys.reinstate(app, id)
  const { tier, features, expiresAt, status } = await licenses.get(app, license.id)
  assert.deepEqual([tier, features, expiresAt, status], ['team', ['sync'], start + 90 * day, 'active'])
  assert.deepEqual(await seatFaults(shop.storage, shop.app.id), [])
})

test('licenseKeys.sync(): moves the end, tier and customer of every seat', async () => {
  const shop = await shopOfSales()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await licenseKeys.sync(app, statement(0))
  const { license } = await licenseKeys.activate(app, key, { installationId: installation(1) })
  const { customerId } = await licenseKeys.sync(app, statement(7))
  const seat = await licenses.get(app, license.id)
  assert.deepEqual(
    [seat.customerId, seat.tier, seat.features, seat.expiresAt],
    [customerId, 'team', ['sync'], start + 120 * day],
  )
  assert.notEqual(customerId, license.customerId)
})

test('licenseKeys.sync(): a payment never fails over two customers, and the external id decides', async () => {
  const shop = await shopOfSales()
  const { customers, licenseKeys } = shop.licensing
  const known = await customers.create(app, { email: 'eve@example.com', externalId: 'shop:1' })
  const customer = { email: 'ADA@example.com', externalId: 'shop:1' }
  const sold = await licenseKeys.sync(app, statement(0, { customer }))
  assert.deepEqual([sold.customerId, sold.customerConflict], [known.id, true])
  const plain = await licenseKeys.sync(app, {
    ...statement(0),
    externalId: 'other',
    customer: { email: 'Ada@example.com' },
  })
  assert.deepEqual([plain.customerId, plain.customerConflict], [shop.customer.id, false])
})

test('licenseKeys.sync(): refuses what breaks a rule', async () => {
  const shop = await shopOfSales()
  const odd: readonly object[] = [
    ...[0, -1, 1e9, 1.5].map((seats) => ({ seats })),
    ...[
      { asOf: 'now' },
      { customer: { email: 'nobody' } },
      { customer: {} },
      { customer: 'ada@example.com' },
    ],
    ...[{ tierId: 'nothing' }, { ended: 'gone' }, { expiresAt: -1 }, { externalId: '' }, { price: 1 }],
    ...[
      { customer: { email: 'ada@example.com\r\nBcc: eve@example.com' } },
      { customer: { email: 'a@b.c', x: 1 } },
    ],
  ]
  for (const wrong of odd) {
    const sale = { ...statement(0), ...wrong } as Sale
    assert.equal(
      await codeOf(shop.licensing.licenseKeys.sync(app, sale)),
      'validation_error',
      JSON.stringify(wrong),
    )
  }
  assert.equal((await shop.licensing.licenseKeys.list(app)).total, 0)
})

test('licenseKeys.sync(): of 64 calls for one sale one makes it, and the newest statement holds', async () => {
  const shop = await shopOfSales()
  const random = randomFrom(7)
  const order = Array.from({ length: 64 }, (_, index) => index % 12).toSorted(() => random() - 0.5)
  const results = await Promise.all(order.map((at) => shop.licensing.licenseKeys.sync(app, statement(at))))
  assert.equal(results.filter(({ created }) => created).length, 1)
  assert.equal(new Set(results.map(({ id }) => id)).size, 1)
  const newest: NumericDate | null = life[11]!.expiresAt as NumericDate
  const { data } = await shop.licensing.licenseKeys.list(app)
  assert.deepEqual([data.length, data[0]?.expiresAt, data[0]?.seats], [1, newest, 4])
})
