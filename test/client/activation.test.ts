import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  createLicenseClient,
  LicensingError,
  memoryStore,
  type LicenseClient,
  type LicenseClientOptions,
} from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { newShopServer } from '../adapters/test-server.ts'
import { whileListening } from '../adapters/listening.ts'
import { createLicenseClient as createClientOf010 } from '../vectors/own/client-0.1.0.js'
import { endOf, open, seatsTaken, shown } from './computers.ts'

const day = 86_400

test('activate(): two computers on two seats, a third refused, one released from its dialog, and activated', async () => {
  const shop = await newShopServer()
  const { licensing } = shop
  const sold = await licensing.licenseKeys.create('desktop-app', {
    customerId: shop.customer.id,
    tierId: 'pro',
    seats: 2,
    forever: true,
  })
  const publicKeys = await licensing.apps.publicKey('desktop-app')
  await whileListening(shop, async ({ origin }) => {
    const connect = (installationName: string): Promise<LicenseClient> =>
      createLicenseClient({
        baseUrl: origin,
        app: 'desktop-app',
        publicKeys,
        installationName,
        background: false,
        now: () => shop.clock.seconds * 1000,
      })
    const [ada, bob, eve] = await Promise.all(['Ada’s laptop', 'Bob’s laptop', 'Eve’s laptop'].map(connect))
    const typed = sold.key.toLowerCase().replaceAll('-', ' ')
    assert.equal((await ada!.activate(typed)).state, 'active')
    assert.equal((await bob!.activate(sold.key, { name: 'Bob’s desk' })).state, 'active')
    const refusal = await eve!.activate(sold.key).catch((error: unknown) => error)
    assert.ok(refusal instanceof LicensingError)
    assert.deepEqual(
      [refusal.code, refusal.message],
      ['seat_limit_reached', 'All seats of the license key are taken: release one first'],
    )
    assert.equal(eve!.license.state, 'invalid')
    const seats = await eve!.seats()
    assert.deepEqual(seats.map(({ name, this: own }) => [name, own]).sort(), [
      ['Ada’s laptop', false],
      ['Bob’s desk', false],
    ])
    const times = new Set(seats.map(({ activatedAt, seenOn }) => `${activatedAt} ${seenOn}`))
    assert.deepEqual([...times], ['2026-01-23T10:00:00Z 2026-01-23'])
    assert.deepEqual(
      (await bob!.seats()).filter(({ this: own }) => own).map(({ name }) => name),
      ['Bob’s desk'],
    )
    await eve!.releaseSeat(ada!.license.licenseId!)
    assert.equal((await eve!.activate()).state, 'active')
    assert.equal((await licensing.licenseKeys.get('desktop-app', sold.id)).seatsUsed, 2)
    assert.equal((await ada!.refresh()).state, 'invalid')
    assert.deepEqual(shown(ada!), ['invalid', 'license_released', 'activate'])
    assert.equal(await endOf(ada!.activate()), 'seat_limit_reached')
  })
})

test('activate(): an outage leaves the license as it is, and a lost answer costs no seat', async () => {
  for (const fault of [
    'outage',
    'timeout',
    'lost_answer',
    'rate_limited',
    'server_error',
    'login_page',
  ] as const) {
    const server = await createTestServer()
    const { id, key } = await server.sell({ seats: 1 })
    const { client, given } = await open(server)
    server.fail(fault, 2)
    assert.equal(await endOf(client.activate(key)), 'unavailable')
    assert.equal(client.license.state, 'invalid')
    assert.equal(await endOf((await createLicenseClient(given)).activate(key)), 'unavailable')
    assert.equal(await seatsTaken(server, id), fault === 'lost_answer' ? 1 : 0)
    const restarted = await createLicenseClient(given)
    assert.equal((await restarted.activate()).state, 'active')
    assert.equal(await seatsTaken(server, id), 1)
  }
})

test('activate(): stores key and installation id before the first request, and completes by itself', async () => {
  const server = await createTestServer()
  const { id, key } = await server.sell()
  const store = memoryStore()
  const stored: unknown[] = []
  const options = await server.clientOptions()
  const client = await createLicenseClient({
    ...options,
    store,
    fetch: async (url, init) => {
      const { activation } = JSON.parse((await store.read())!) as { readonly activation: object }
      const sent = JSON.parse(`${init.body as string}`) as Record<string, unknown>
      stored.push([activation, sent.installation_id])
      return options.fetch(url, init)
    },
  })
  server.fail('lost_answer', 1)
  assert.equal(await endOf(client.activate(key)), 'unavailable')
  const [[activation, sent]] = stored as [[{ installationId: string; licenseKey: string }, string]]
  assert.deepEqual([activation.licenseKey, activation.installationId], [key, sent])
  assert.match(sent, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  await server.clock.advance(300)
  assert.deepEqual(shown(client), ['active', null, 'none'])
  assert.equal(client.license.installationId, sent)
  assert.equal(await seatsTaken(server, id), 1)
})

test('activate(): makes no request for an empty license key', async () => {
  const server = await createTestServer()
  const { client, store } = await open(server)
  for (const empty of ['', ' ', undefined])
    assert.equal(await endOf(client.activate(empty)), 'invalid_license_key')
  assert.deepEqual([server.requests.length, await store.read()], [0, null])
})

test('activate(): leaves keys of another form to the server, because a shop may have made them', async () => {
  const server = await createTestServer()
  const alias = '38b1460a-5104-4067-a91d-77b872934d51'
  const sale = {
    externalId: 'order-1',
    asOf: server.clock.now() / 1000,
    customer: { email: 'ada@example.com' },
    tierId: 'pro',
    seats: 1,
    expiresAt: null,
    key: alias,
  }
  await server.licensing.licenseKeys.sync(server.app, sale)
  const { client } = await open(server)
  assert.equal(await endOf(client.activate('another-shops-key-1')), 'invalid_license_key')
  assert.equal((await client.activate(` ${alias}\n`)).state, 'active')
  assert.equal(server.requests.length, 2)
})

/** A license key of 30 days, activated on one computer. */
async function activated(options: Partial<LicenseClientOptions> = {}, days = 30) {
  const server = await createTestServer({ features: ['webhooks'] })
  const { id, key } = await server.sell({ durationDays: days })
  const program = await open(server, options)
  await program.client.activate(key)
  return { server, id, key, ...program }
}

test('refresh(): a subscription that was extended while the laptop was closed comes back by itself', async () => {
  const { server, id, given, client } = await activated()
  const installation = client.license.installationId
  client.close()
  const end = server.clock.now() / 1000 + 90 * day
  await server.licensing.licenseKeys.update(server.app, id, { expiresAt: end })
  await server.clock.advance(60 * day)
  const opened = await createLicenseClient({ ...given, background: true })
  assert.equal(opened.license.state, 'expired')
  await server.clock.advance(1)
  assert.deepEqual(shown(opened), ['active', null, 'none'])
  assert.deepEqual([opened.license.expiresAt, opened.license.installationId], [end, installation])
  assert.equal(await seatsTaken(server, id), 1)
})

test('refresh(): says renew while the license key has expired, and comes back within an hour of its extension', async () => {
  const { server, id, client } = await activated({ background: true })
  await server.clock.advance(40 * day)
  assert.deepEqual(shown(client), ['expired', 'token_expired', 'renew'])
  assert.equal(client.license.reason, 'The license key has expired')
  const end = server.clock.now() / 1000 + 90 * day
  await server.licensing.licenseKeys.update(server.app, id, { expiresAt: end })
  await server.clock.advance(3_700)
  assert.deepEqual(shown(client), ['active', null, 'none'])
})

test('license.action: refresh for an ended license that its key may bring back, as long as no server responds', async () => {
  const { server, client } = await activated({ background: true })
  server.fail('outage')
  await server.clock.advance(40 * day)
  assert.deepEqual(shown(client), ['expired', 'token_expired', 'refresh'])
})

test('license.action: free_seat for a program of its own license key while all seats are taken', async () => {
  const server = await createTestServer()
  const { key } = await server.sell()
  const other = await open(server)
  await other.client.activate(key)
  const { client } = await open(server, { licenseKey: key, background: true })
  await server.clock.advance(1)
  assert.deepEqual(shown(client), ['invalid', 'invalid_token', 'free_seat'])
  await client.releaseSeat(other.client.license.licenseId!)
  await server.clock.advance(3_700)
  assert.deepEqual(shown(client), ['active', null, 'none'])
})

test('refresh(): never brings back by the stored key what the vendor revoked', async () => {
  const { server, id, client, given } = await activated({ background: true })
  const { licenseId } = client.license
  await server.licensing.licenses.revoke(server.app, licenseId!)
  await server.clock.advance(40 * day)
  assert.deepEqual(shown(client), ['revoked', 'license_revoked', 'contact'])
  await server.licensing.licenseKeys.update(server.app, id, {
    expiresAt: server.clock.now() / 1000 + 90 * day,
  })
  assert.deepEqual(shown(await createLicenseClient(given)), ['revoked', 'license_revoked', 'contact'])
  assert.equal(await endOf(client.activate()), 'license_revoked')
  assert.equal(await seatsTaken(server, id), 0)
  await server.licensing.licenses.reinstate(server.app, licenseId!)
  assert.equal((await client.activate()).state, 'active')
})

test('release(): gives the seat back, and nothing but activate() takes it again', async () => {
  const { server, id, client, given } = await activated({ background: true })
  const { claims } = client.license
  assert.equal((await client.release()).state, 'invalid')
  assert.deepEqual(shown(client), ['invalid', 'license_released', 'activate'])
  assert.equal(await seatsTaken(server, id), 0)
  await server.clock.advance(10 * day)
  await client.refresh()
  const restarted = await createLicenseClient({ ...given, background: true })
  await server.clock.advance(day)
  assert.deepEqual(shown(restarted), ['invalid', 'license_released', 'activate'])
  assert.equal((await client.release()).state, 'invalid')
  assert.equal(await seatsTaken(server, id), 0)
  assert.equal((await restarted.activate()).state, 'active')
  assert.equal(restarted.license.installationId, claims!.sub)
  assert.equal(await seatsTaken(server, id), 1)
})

test('release(): ends the license without a server, and sends the release when one responds', async () => {
  const { server, id, client, given } = await activated()
  for (const fault of ['outage', 'lost_answer'] as const) {
    server.fail(fault, 1)
    assert.equal((await client.release()).state, 'invalid')
    assert.equal(await seatsTaken(server, id), fault === 'outage' ? 1 : 0)
    const restarted = await createLicenseClient({ ...given, background: true })
    await server.clock.advance(1)
    assert.equal(await seatsTaken(server, id), 0)
    const sent = server.requests.length
    await server.clock.advance(5 * day)
    assert.equal(server.requests.length, sent)
    restarted.close()
    assert.equal((await client.activate()).state, 'active')
  }
  const { releasesLeft } = await server.licensing.licenseKeys.get(server.app, id)
  assert.equal(releasesLeft, 10)
})

test('release(): changes nothing if the server refuses', async () => {
  const server = await createTestServer()
  const { key } = await server.sell({ releasesPerYear: 0 })
  const { client } = await open(server)
  await client.activate(key)
  assert.equal(await endOf(client.release()), 'release_limit_reached')
  assert.equal(client.license.state, 'active')
  const { token } = await server.issue()
  const other = await open(server, { token })
  assert.equal(await endOf(other.client.release()), 'conflict')
  assert.equal(other.client.license.state, 'active')
})

test('licenseKey: a server activates by its setting, again after clear(), and under its name', async () => {
  const server = await createTestServer()
  const { id, key } = await server.sell({ durationDays: 5 })
  const { client } = await open(server, { licenseKey: key, installationName: 'node-1', background: true })
  assert.deepEqual(shown(client), ['invalid', 'invalid_token', 'refresh'])
  await server.clock.advance(1)
  assert.equal(client.license.state, 'active')
  assert.deepEqual(
    (await client.seats()).map(({ name, this: own }) => [name, own]),
    [['node-1', true]],
  )
  await client.clear()
  await client.refresh()
  assert.equal(client.license.state, 'active')
  assert.equal(await seatsTaken(server, id), 1)
})

test('a license key of the program: nowhere but in the store and in requests', async () => {
  const { server, key, client, store } = await activated()
  const heard: unknown[] = []
  for (const name of ['change', 'refreshed', 'refused'] as const)
    client.on(name, (event) => heard.push(event))
  await server.licensing.licenses.revoke(server.app, client.license.licenseId!)
  await client.refresh()
  const errors = [await client.activate().catch((error: unknown) => error)]
  const texts = [client, client.license, heard, errors].map((value) =>
    inspect(value, { depth: 9, showHidden: true }),
  )
  assert.ok(heard.length > 0)
  assert.ok(!texts.join().includes(key.slice(5, 15)))
  assert.ok((await store.read())!.includes(key))
})

test('a store shared with 0.1.0: it drops the license key, which this version’s program brings back', async () => {
  const { server, key, client, given, store } = await activated({}, 5)
  const old = await createClientOf010(given)
  await server.clock.advance(2 * day)
  await old.refresh()
  assert.equal(old.license.state, 'active')
  assert.ok(!(await store.read())!.includes(key))
  assert.equal((await client.refresh()).state, 'active')
  assert.ok((await store.read())!.includes(key))
  await client.release()
  assert.deepEqual([(await old.check()).state, client.license.state], ['revoked', 'invalid'])
})
