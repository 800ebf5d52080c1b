import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kysely, SqliteDialect } from 'kysely'
import type { EventType, Licensing, LicensingEvent, Recover } from '../../src/core/index.ts'
import { eventTypes, LicensingError, recoveryKeyId, signWithRecoveryKey } from '../../src/core/index.ts'
import { kyselyStorage, migrate } from '../../src/storage/kysely.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { codeOf, day, installation, newShop, type Shop } from '../support/fixtures.ts'
import { recoveryKeys } from '../support/keys.ts'

const url = 'https://example.com/hook'

/** A shop whose app has a webhook. */
async function shopWithWebhook(options: Parameters<typeof newShop>[0] = {}): Promise<Shop> {
  const shop = await newShop(options)
  await shop.licensing.apps.update(shop.app.slug, { webhookUrl: url })
  return shop
}

interface Body {
  readonly type: EventType
  readonly timestamp: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The bodies of all deliveries, oldest first. */
async function bodies({ storage, app }: Pick<Shop, 'storage' | 'app'>): Promise<Body[]> {
  const deliveries = await storage.listDeliveries({ appId: app.id }, { limit: 1_000 })
  return deliveries.toReversed().map(({ payload }) => JSON.parse(payload) as Body)
}

async function typesOf(shop: Pick<Shop, 'storage' | 'app'>): Promise<string[]> {
  return (await bodies(shop)).map(({ type }) => type)
}

const { privateKeyPem } = recoveryKeys[0]!
const recoveryId = () => recoveryKeyId(privateKeyPem)
const recover: Recover = async (payload) => [await signWithRecoveryKey(payload, privateKeyPem)]

async function retiredKid({ licensing }: Shop): Promise<string> {
  const keys = await licensing.apps.keys('desktop-app')
  return keys.find(({ state }) => state === 'retired')!.kid
}

/** Seals the audit log as a server does that runs for an hour. */
async function sealForAnHour({ licensing, clock }: Shop): Promise<void> {
  await licensing.audit.seal()
  clock.seconds += 3_600
  await licensing.audit.seal()
}

test('events: each committed change writes exactly one event', async () => {
  const shop = await shopWithWebhook()
  const { licensing, issue, customer } = shop
  const { licenses } = licensing
  const license = await issue()
  const { id } = license
  const slug = 'desktop-app'
  const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['license.updated', () => licenses.update(slug, id, { metadata: { seat: 1 } })],
    ['license.updated', () => licenses.update(slug, id, { customFeatures: ['own'] })],
    ['', () => licenses.update(slug, id, { customFeatures: ['own'] })],
    ['license.regenerated', () => licenses.regenerate(slug, id)],
    ['license.regenerated', () => licenses.renew(slug, id, license.token)],
    ['license.revoked', () => licenses.revoke(slug, id)],
    ['', () => licenses.revoke(slug, id)],
    ['license.reinstated', () => licenses.reinstate(slug, id)],
    ['', () => licenses.reinstate(slug, id)],
    ['license.regenerated', () => licenses.reinstate(slug, id, { invalidatePrevious: true })],
    ['licenses.regenerated', () => licenses.regenerateAll(slug)],
    ['', () => licenses.regenerateAll(slug, { dryRun: true })],
    ['', () => licenses.regenerateAll(slug, { customerId: 'cus_nobody' })],
    ['app.keys_rotated', () => licensing.rotateKeys(slug)],
    ['', () => licensing.rotateKeys(slug, { dryRun: true })],
    [
      'app.recovery_set',
      async () => licensing.recovery.set(slug, { threshold: 1, kids: [await recoveryId()] }, recover),
    ],
    ['app.keys_revoked', async () => licensing.recovery.revoke(slug, [await retiredKid(shop)], recover)],
    ['webhook.test', () => licensing.webhooks.test(slug)],
    ['audit.checkpoint', () => sealForAnHour(shop)],
    ['', () => sealForAnHour(shop)],
    ['license.deleted', () => licenses.delete(slug, id)],
    ['license.created', () => issue()],
    ['license.deleted', () => licensing.customers.delete(slug, customer.id)],
  ]
  const expected = ['license.created']
  for (const [type, step] of steps) {
    await step()
    if (type !== '') expected.push(type)
    assert.deepEqual(await typesOf(shop), expected)
  }
  expected.push(...(await sellEverything(shop, expected.length)))
  const missing = Object.keys(eventTypes).filter((type) => !expected.includes(type))
  const announced = ['license.expiring', 'license.expired', 'license_key.expiring', 'license_key.expired']
  assert.deepEqual(missing, announced)
})

/** Puts a license key through its life. Resolves to the events, after the first `skipped`. */
async function sellEverything(shop: Shop, skipped: number): Promise<readonly string[]> {
  const { customers, licenseKeys } = shop.licensing
  const slug = 'desktop-app'
  const { id: customerId } = await customers.create(slug, { email: 'eve@example.com' })
  const { id, key } = await licenseKeys.create(slug, { customerId, tierId: 'pro', seats: 2, forever: true })
  const activate = (number: number) =>
    licenseKeys.activate(slug, key, { installationId: installation(600 + number) })
  const seat = await activate(1)
  const steps: readonly (readonly [readonly string[], () => Promise<unknown>])[] = [
    [['license.regenerated'], () => activate(1)],
    [['license.activated'], () => activate(2)],
    [['license_key.seat_limit_reached'], () => codeOf(activate(3))],
    [[], () => codeOf(activate(3))],
    [['license_key.updated', 'license_key.over_seats'], () => licenseKeys.update(slug, id, { seats: 1 })],
    [[], () => licenseKeys.update(slug, id, { seats: 1 })],
    [['license.released'], () => licenseKeys.release(slug, seat.license.id, { licenseKey: key })],
    [[], () => licenseKeys.release(slug, seat.license.id)],
    [['license_key.rolled'], () => licenseKeys.roll(slug, id)],
    [['license_key.revoked'], () => licenseKeys.revoke(slug, id)],
    [[], () => licenseKeys.revoke(slug, id)],
    [['license_key.reinstated'], () => licenseKeys.reinstate(slug, id)],
    [[], () => licenseKeys.reinstate(slug, id)],
    [['license.released'], () => licenseKeys.releaseAll(slug, id)],
    [['license_key.deleted'], () => licenseKeys.delete(slug, id)],
    [['license_key.created'], () => licenseKeys.create(slug, { customerId, tierId: 'pro', forever: true })],
    [['license_key.deleted'], () => customers.delete(slug, customerId)],
  ]
  const expected = ['license_key.created', 'license.activated']
  for (const [types, step] of steps) {
    await step()
    expected.push(...types)
    assert.deepEqual((await typesOf(shop)).slice(skipped), expected)
  }
  return expected
}

test('events: a body holds ids, state and a rising sequence, but no token and no jti', async () => {
  const shop = await shopWithWebhook()
  const { licensing, issue, storage, app } = shop
  const license = await issue({ metadata: { secret: 'of the vendor' } })
  await licensing.licenses.regenerate(app.slug, license.id)
  await licensing.licenses.revoke(app.slug, license.id, { reason: 'refund of ada@example.com' })
  await licensing.licenses.delete(app.slug, license.id)
  const [created, , revoked] = await bodies(shop)
  assert.deepEqual(created, {
    type: 'license.created',
    timestamp: '2026-01-23T10:00:00Z',
    data: {
      app_id: app.id,
      app: 'desktop-app',
      license_id: license.id,
      license_key_id: null,
      sequence: 1,
      installation_id: installation(1),
      customer_id: license.customerId,
      tier_id: license.tierId,
      tier: 'pro',
      status: 'active',
      expires_at: '2026-02-22T10:00:00Z',
      revoked_at: null,
    },
  })
  assert.equal(revoked?.data.status, 'revoked')
  const sequences = (await bodies(shop)).map(({ data }) => data.sequence as number)
  assert.deepEqual(sequences, [...new Set(sequences)].toSorted())
  const { secret } = await licensing.webhooks.secret(app.slug)
  const held = JSON.stringify([
    await storage.listDeliveries({ appId: app.id }, { limit: 99 }),
    await storage.findWebhook(app.id),
  ])
  for (const hidden of [
    license.token!,
    license.jti,
    'of the vendor',
    'refund',
    'ada@',
    secret,
    secret.slice(6),
  ])
    assert.equal(held.includes(hidden), false, hidden)
})

test('events: a refused change writes no event', async () => {
  const shop = await shopWithWebhook()
  const { licensing, issue } = shop
  const license = await issue()
  await licensing.licenses.revoke('desktop-app', license.id)
  const before = await bodies(shop)
  const { licenses } = licensing
  const calls = [
    licenses.regenerate('desktop-app', license.id),
    licenses.update('desktop-app', license.id, { tierId: 'missing' }),
    licenses.create('desktop-app', { installationId: 'no uuid' } as never),
    licenses.delete('desktop-app', 'lic_missing'),
  ]
  for (const code of await Promise.all(calls.map(codeOf))) assert.notEqual(code, 'ok')
  assert.deepEqual(await bodies(shop), before)
})

test('events: a change whose event cannot be written is undone, and the error comes out', async () => {
  const storage = memoryStorage()
  const failing = { insertDelivery: () => Promise.reject(new LicensingError('unavailable', 'disk full')) }
  let isFailing = false
  const shop = await shopWithWebhook({
    storage: {
      ...storage,
      ...failing,
      transaction: (work) => storage.transaction((tx) => work(isFailing ? { ...tx, ...failing } : tx)),
    },
  })
  const { id } = await shop.issue()
  isFailing = true
  const { licenses } = shop.licensing
  await assert.rejects(licenses.revoke('desktop-app', id), { message: 'disk full' })
  assert.equal((await licenses.get('desktop-app', id)).status, 'active')
})

test('revoke(): 20 concurrent calls write one event', async () => {
  const shop = await shopWithWebhook()
  const { id } = await shop.issue()
  await Promise.all(Array.from({ length: 20 }, () => shop.licensing.licenses.revoke('desktop-app', id)))
  assert.deepEqual(await typesOf(shop), ['license.created', 'license.revoked'])
})

test('events: an app without a webhook writes none, and deleting an app deletes its events', async () => {
  const { licensing, storage, issue, app } = await newShop()
  await issue()
  assert.equal(await storage.countDeliveries({ appId: app.id }), 0)
  const shop = await shopWithWebhook()
  await shop.issue()
  await shop.licensing.apps.delete('desktop-app')
  assert.equal(await shop.storage.countDeliveries({ appId: shop.app.id }), 0)
  assert.deepEqual(await licensing.outbox.due(), [])
})

test('with(): events commit and roll back with the host’s transaction, and no handler is called', async () => {
  const database = await openConnection(':memory:', { readonly: false })
  database.exec('pragma foreign_keys = on')
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  await migrate(db)
  const shop = await shopWithWebhook({ storage: kyselyStorage(db) })
  const { id } = await shop.issue()
  const received: string[] = []
  shop.licensing.on('license.revoked', () => received.push('revoked'))
  const attempt = db.transaction().execute(async (trx) => {
    await shop.licensing.with(kyselyStorage(trx)).licenses.revoke('desktop-app', id)
    throw new Error('the host gives up')
  })
  await assert.rejects(attempt, /the host gives up/)
  assert.deepEqual(await typesOf(shop), ['license.created'])
  await db
    .transaction()
    .execute((trx) => shop.licensing.with(kyselyStorage(trx)).licenses.revoke('desktop-app', id))
  assert.deepEqual(await typesOf(shop), ['license.created', 'license.revoked'])
  assert.deepEqual(received, [])
})

test('idempotent(): repeated calls write one event', async () => {
  const shop = await shopWithWebhook()
  const { id } = await shop.issue()
  const key = { key: 'k', scope: 's', fingerprint: 'f' }
  const revoke = () =>
    shop.licensing.idempotent(key, (licensing: Licensing) => licensing.licenses.revoke('desktop-app', id))
  await Promise.all([revoke(), revoke(), revoke()])
  assert.deepEqual(await typesOf(shop), ['license.created', 'license.revoked'])
})

test('on(): calls handlers after the commit until they stop', async () => {
  const { licensing, storage, app, issue } = await newShop()
  const received: LicensingEvent<'license.revoked'>[] = []
  const stop = licensing.on('license.revoked', async (event) => {
    const { status } = await licensing.licenses.get(event.app, event.data.licenseId)
    assert.equal(status, 'revoked')
    received.push(event)
  })
  const { id } = await issue()
  await licensing.licenses.revoke('desktop-app', id)
  await licensing.licenses.reinstate('desktop-app', id)
  await new Promise((resolve) => setTimeout(resolve, 20))
  stop()
  await licensing.licenses.revoke('desktop-app', id)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(
    received.map(({ type, data }) => [type, data.licenseId, data.sequence]),
    [['license.revoked', id, 2]],
  )
  assert.equal(await storage.countDeliveries({ appId: app.id }), 0, 'without a webhook')
})

/** Lets an hour pass with a call every ten minutes: core then trusts the clock. Resolves to the number of events. */
async function passSteadyHour({ licensing, clock }: Shop): Promise<number> {
  let announced = 0
  for (let call = 0; call < 7; call++, clock.seconds += 600)
    announced += await licensing.outbox.announceEnds()
  return announced
}

test('announceEnds(): writes one event 7 days before the end and one at the end, again for a new end date', async () => {
  const shop = await shopWithWebhook()
  const { licensing, issue, clock } = shop
  const license = await issue({ durationDays: 30 })
  await issue({ forever: true })
  const revoked = await issue({ durationDays: 30 })
  await licensing.licenses.revoke('desktop-app', revoked.id)
  const ends = async () => (await typesOf(shop)).filter((type) => /expir/.test(type))
  await passSteadyHour(shop)
  assert.deepEqual(await ends(), [])
  clock.seconds += 24 * day
  await passSteadyHour(shop)
  assert.deepEqual(await ends(), ['license.expiring'])
  clock.seconds += 7 * day
  await passSteadyHour(shop)
  await passSteadyHour(shop)
  assert.deepEqual(await ends(), ['license.expiring', 'license.expired'])
  await licensing.licenses.update('desktop-app', license.id, { durationDays: 2 })
  await passSteadyHour(shop)
  clock.seconds += 3 * day
  await passSteadyHour(shop)
  const both = ['license.expiring', 'license.expired']
  assert.deepEqual(await ends(), [...both, ...both])
  const ofLicense = (await bodies(shop)).filter(({ data }) => data.license_id === license.id)
  const sequences = ofLicense.map(({ data }) => data.sequence as number)
  assert.deepEqual(
    sequences,
    [...new Set(sequences)].toSorted((a, b) => a - b),
  )
})

test('announceEnds(): a license key has the event of its end, and its seats have none', async () => {
  const shop = await shopWithWebhook()
  const { licensing, clock } = shop
  const { id: customerId } = shop.customer
  const sold = { customerId, tierId: 'pro', seats: 2, durationDays: 30 } as const
  const { id, key } = await licensing.licenseKeys.create('desktop-app', sold)
  await licensing.licenseKeys.activate('desktop-app', key, { installationId: installation(1) })
  const ends = async () => (await typesOf(shop)).filter((type) => type.includes('expir'))
  clock.seconds += 24 * day
  await passSteadyHour(shop)
  await passSteadyHour(shop)
  assert.deepEqual(await ends(), ['license_key.expiring'])
  await licensing.licenseKeys.update('desktop-app', id, { durationDays: 5 })
  await passSteadyHour(shop)
  clock.seconds += 6 * day
  await passSteadyHour(shop)
  await passSteadyHour(shop)
  assert.deepEqual(await ends(), ['license_key.expiring', 'license_key.expiring', 'license_key.expired'])
  const { data } = (await bodies(shop)).find(({ type }) => type === 'license_key.expired')!
  assert.deepEqual([data.license_key_id, data.status, data.seats, data.seats_used], [id, 'expired', 2, 1])
})

test('announceEnds(): an end that nobody receives is announced as soon as the app has a webhook', async () => {
  const shop = await newShop()
  await shop.issue({ durationDays: 30 })
  shop.clock.seconds += 24 * day
  assert.equal(await passSteadyHour(shop), 0)
  await shop.licensing.apps.update(shop.app.slug, { webhookUrl: url })
  assert.equal(await passSteadyHour(shop), 1)
  assert.deepEqual(await typesOf(shop), ['license.expiring'])
})

test('announceEnds(): a clock that jumps a year and back writes no events', async () => {
  const shop = await shopWithWebhook()
  const { licensing, clock, issue } = shop
  for (let at = 0; at < 5; at++) await issue({ durationDays: 365 })
  await passSteadyHour(shop)
  const correct = clock.seconds
  for (let wrong = 0; wrong < 5; wrong++) {
    clock.seconds = correct + 365 * day + wrong * 600
    assert.equal(await licensing.outbox.announceEnds(), 0)
  }
  clock.seconds = correct + 3_000
  assert.equal(await passSteadyHour(shop), 0)
  assert.deepEqual(new Set(await typesOf(shop)), new Set(['license.created']))
})

test('announceEnds(): writes no event for a license that ended long ago', async () => {
  const shop = await shopWithWebhook()
  await shop.issue({ durationDays: 1 })
  shop.clock.seconds += 30 * day
  assert.equal(await passSteadyHour(shop), 0)
})
