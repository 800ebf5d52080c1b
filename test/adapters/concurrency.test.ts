import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { claimsOf, verifyOffline } from '../support/tokens.ts'
import { installation, newShop, type Shop } from '../support/fixtures.ts'
import type { Storage } from '../../src/core/index.ts'
import type { TestResponse } from './openapi-checker.ts'
import { endOf, serve, storages, type Json, type Send, type TestServer } from './test-server.ts'

const customers = '/apps/desktop-app/customers'
const licenses = '/apps/desktop-app/licenses'

/** A shop over a storage, and a key that may do everything. */
async function openShop(storage: Storage): Promise<Shop & TestServer & { readonly key: string }> {
  const shop = await serve(await newShop({ storage }))
  return { ...shop, key: shop.keys.sk }
}

/** The number of responses by status and code. */
function tally(responses: readonly TestResponse[]): Record<string, number> {
  const counts = Map.groupBy(responses.map(endOf), (end) => end)
  return Object.fromEntries([...counts].map(([end, all]) => [end, all.length]).toSorted())
}

function many(count: number, call: (at: number) => Promise<TestResponse>): Promise<TestResponse[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => call(at)))
}

function licenseOf(customer: string, installationId: string): Json {
  return { installation_id: installationId, customer_id: customer, tier_id: 'pro', forever: true }
}

async function get(send: Send, key: string, id: string): Promise<Json> {
  return (await send('GET', `${licenses}/${id}`, { key })).data<Json>()
}

/** A body that arrives 200 ms after the server begins to read it, behind `meanwhile`. */
function slowBody(body: Json, meanwhile: () => Promise<unknown>): ReadableStream<Uint8Array> {
  const source = {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 200))
      await meanwhile()
      controller.enqueue(new TextEncoder().encode(JSON.stringify(body)))
      controller.close()
    },
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}

for (const [name, use] of storages)
  describe(`concurrent requests, on ${name}`, () => {
    test('POST /apps/:slug/customers/get-or-create: 1,000 calls for one e-mail create one customer', () =>
      use(async (storage) => {
        const { send, licensing, key } = await openShop(storage)
        const spellings = ['eve@example.com', 'EVE@example.com', 'Eve@Example.COM']
        const responses = await many(1000, (at) =>
          send('POST', `${customers}/get-or-create`, {
            key,
            body: { email: spellings[at % 3], name: `${at}` },
          }),
        )
        assert.deepEqual(tally(responses), { 200: 999, 201: 1 })
        assert.equal(new Set(responses.map((response) => response.data().id)).size, 1)
        assert.equal((await licensing.customers.list('desktop-app')).total, 2)
      }))

    test('POST /apps/:slug/licenses: two calls for one installation give one 201 and one 409 that names the winner', () =>
      use(async (storage) => {
        const { send, customer, key } = await openShop(storage)
        for (let round = 1; round <= 10; round++) {
          const id = installation(round)
          const spellings = [id, id.toUpperCase()]
          const responses = await many(2, (at) =>
            send('POST', licenses, { key, body: licenseOf(customer.id, spellings[at]!) }),
          )
          assert.deepEqual(tally(responses), { 201: 1, '409 conflict': 1 })
          const [made, refused] = responses.toSorted((a, b) => a.status - b.status)
          assert.match(refused!.error().message, new RegExp(String(made!.data().id)))
        }
      }))

    test('POST with a body that is slow: a webhook that was set meanwhile gets the event', () =>
      use(async (storage) => {
        const { send, customer, key } = await openShop(storage)
        const webhook = { webhook_url: 'https://hooks.example/licenses' }
        const body = slowBody(licenseOf(customer.id, installation(1)), () =>
          send('PUT', '/apps/desktop-app', { key, body: webhook }),
        )
        assert.equal((await send('POST', licenses, { key, body })).status, 201)
        const deliveries = await send('GET', '/apps/desktop-app/webhook-deliveries', { key })
        assert.deepEqual(
          deliveries.data<Json[]>().map(({ type }) => type),
          ['license.created'],
        )
      }))

    test('POST with a body that is slow: an app that was deleted meanwhile is 404, also if its slug has a new app', () =>
      use(async (storage) => {
        const { send, licensing, customer, key } = await openShop(storage)
        const body = slowBody(licenseOf(customer.id, installation(1)), async () => {
          await licensing.apps.delete('desktop-app')
          await licensing.apps.create({ name: 'Another', slug: 'desktop-app' })
        })
        const { message } = (await send('POST', licenses, { key, body })).error()
        assert.equal(message, 'App not found')
      }))

    test('POST of 20 apps, tiers or features with one slug: one is created', () =>
      use(async (storage) => {
        const { send, key } = await openShop(storage)
        for (const path of ['/apps', '/apps/desktop-app/tiers', '/apps/desktop-app/features']) {
          const responses = await many(20, () =>
            send('POST', path, { key, body: { name: 'Same', slug: 'same' } }),
          )
          assert.deepEqual(tally(responses), { 201: 1, '409 conflict': 19 }, path)
        }
        const added = await many(20, () =>
          send('POST', '/apps/desktop-app/tiers/pro/features', { key, body: { name: 'New', slug: 'new' } }),
        )
        assert.deepEqual(tally(added), { 200: 19, 201: 1 })
      }))

    test('renewals, changes and a revocation: the license is revoked in the end, and every token was valid', () =>
      use(async (storage) => {
        const shop = await openShop(storage)
        const { send, key } = shop
        const { id, token } = await shop.issue()
        const pem = await shop.licensing.apps.publicKey('desktop-app')
        const regenerate = `${licenses}/${id}/regenerate`
        const responses = await many(24, (at) => {
          if (at === 12)
            return send('POST', `${licenses}/${id}/revoke`, { key, body: { reason: 'Refunded' } })
          if (at % 3 === 0)
            return send('PUT', `${licenses}/${id}`, { key, body: { custom_features: [`f${at}`] } })
          return at % 3 === 1
            ? send('POST', regenerate, { key })
            : send('POST', regenerate, { body: { current_token: token } })
        })
        const ends = Object.keys(tally(responses))
        assert.ok(
          ends.every((end) => end === '200' || end === '400 license_revoked'),
          ends.join(),
        )
        for (const response of responses.filter(({ status }) => status === 200)) {
          const { token: newToken } = response.data()
          if (typeof newToken === 'string') await verifyOffline(newToken, pem)
        }
        const left = await get(send, key, id)
        assert.equal(left.status, 'revoked')
        assert.equal(left.token, null)
        assert.equal(left.revoked_reason, 'Refunded')
      }))

    test('POST regenerate: every call gives a new jti, and an added feature is in every later token', () =>
      use(async (storage) => {
        const shop = await openShop(storage)
        const { send, key } = shop
        const { id, token } = await shop.issue()
        const regenerate = `${licenses}/${id}/regenerate`
        const responses = await many(10, (at) =>
          send('POST', regenerate, at % 2 ? { key } : { body: { current_token: token } }),
        )
        assert.deepEqual(tally(responses), { 200: 10 })
        assert.equal(new Set(responses.map((response) => response.data().jti)).size, 10)
        await send('POST', '/apps/desktop-app/tiers/pro/features', {
          key,
          body: { name: 'New', slug: 'new' },
        })
        const next = (await send('POST', regenerate, { key })).data<Json>()
        assert.deepEqual(next.features, ['api_access', 'new'])
        assert.deepEqual(claimsOf(String(next.token)).features, ['api_access', 'new'])
      }))

    test('POST rotate-keys: the losers get 409, and the served token verifies', () =>
      use(async (storage) => {
        const shop = await openShop(storage)
        const { send, key } = shop
        const { id } = await shop.issue()
        const responses = await many(4, () => send('POST', '/apps/desktop-app/rotate-keys', { key }))
        const { 200: won = 0, '409 conflict': lost = 0, ...others } = tally(responses)
        assert.deepEqual(others, {})
        assert.ok(won >= 1 && won + lost === 4)
        const pem = (await send('GET', '/apps/desktop-app/public-key')).text
        await verifyOffline(String((await get(send, key, id)).token), pem)
      }))
  })

for (const [name, use] of storages)
  describe(`the installation slot, on ${name}`, () => {
    test('POST reinstate against POST of a new license: one occupies it, the other is released or refused', () =>
      use(async (storage) => {
        const { send, customer, key } = await openShop(storage)
        for (let round = 1; round <= 5; round++) {
          const body = licenseOf(customer.id, installation(round))
          const old = String((await send('POST', licenses, { key, body })).data().id)
          await send('POST', `${licenses}/${old}/revoke`, { key })
          const responses = await Promise.all([
            send('POST', `${licenses}/${old}/reinstate`, { key }),
            send('POST', licenses, { key, body }),
          ])
          const ends = responses.map(({ status }) => status).toSorted()
          assert.ok(['200,409', '201,409'].includes(ends.join()), ends.join())
          const query = `installation_id=${installation(round)}`
          const active = await send('GET', `${licenses}?${query}&status=active`, { key })
          const [only, ...more] = active.json<{ data: Json[] }>().data
          assert.deepEqual(more, [])
          const holder = await send('GET', `${licenses}/by-installation?${query}`, { key })
          assert.equal(holder.data().id, only!.id)
          assert.equal((await send('GET', `${licenses}/verify?${query}`)).data().valid, true)
        }
      }))

    test('two PUTs of one installation_id: one gets it, the other keeps its own', () =>
      use(async (storage) => {
        const shop = await openShop(storage)
        const { send, key } = shop
        const movers = [await shop.issue(), await shop.issue()]
        const responses = await many(2, (at) =>
          send('PUT', `${licenses}/${movers[at]!.id}`, { key, body: { installation_id: installation(99) } }),
        )
        assert.deepEqual(tally(responses), { 200: 1, '409 conflict': 1 })
        const winner = responses.findIndex(({ status }) => status === 200)
        const verify = async (id: string): Promise<number> =>
          (await send('GET', `${licenses}/verify?installation_id=${id}`)).status
        assert.equal(await verify(installation(99)), 200)
        assert.equal(await verify(movers[winner]!.installationId), 404)
        assert.equal(await verify(movers[1 - winner]!.installationId), 200)
      }))
  })
