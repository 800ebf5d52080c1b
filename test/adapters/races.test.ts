import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { claimsOf, verifyOffline } from '../support/tokens.ts'
import { installation, newShop } from '../support/fixtures.ts'
import type { Answer } from './documented.ts'
import { serve, storages, type Json, type Send } from './http.ts'

const customers = '/apps/desktop-app/customers'
const licenses = '/apps/desktop-app/licenses'

/** How many answers ended in each way. */
function tally(answers: readonly Answer[]): Record<string, number> {
  const ends = answers.map((answer) =>
    answer.status < 400 ? `${answer.status}` : `${answer.status} ${answer.error().code}`,
  )
  const counts = Map.groupBy(ends, (end) => end)
  return Object.fromEntries([...counts].map(([end, all]) => [end, all.length]).toSorted())
}

function many(count: number, call: (at: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => call(at)))
}

function licenseOf(customer: string, installationId: string): Json {
  return { installation_id: installationId, customer_id: customer, tier_id: 'pro', forever: true }
}

async function get(send: Send, key: string, id: string): Promise<Json> {
  return (await send('GET', `${licenses}/${id}`, { key })).data<Json>()
}

for (const [name, use] of storages)
  describe(`at once, on ${name}`, () => {
    test('a thousand get-or-create for one e-mail make one customer', () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
          licensing,
        } = await serve(await newShop({ storage }))
        const spellings = ['eve@example.com', 'EVE@example.com', 'Eve@Example.COM']
        const answers = await many(1000, (at) =>
          send('POST', `${customers}/get-or-create`, {
            key,
            body: { email: spellings[at % 3], name: `${at}` },
          }),
        )
        assert.deepEqual(tally(answers), { 200: 999, 201: 1 })
        assert.equal(new Set(answers.map((answer) => answer.data().id)).size, 1)
        assert.equal((await licensing.customers.list('desktop-app')).total, 2)
      }))

    test('two creations for one installation give one 201 and one 409 that names it', () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
          customer,
        } = await serve(await newShop({ storage }))
        for (let round = 1; round <= 10; round++) {
          const id = installation(round)
          const spellings = [id, id.toUpperCase()]
          const answers = await many(2, (at) =>
            send('POST', licenses, { key, body: licenseOf(customer.id, spellings[at]!) }),
          )
          assert.deepEqual(tally(answers), { 201: 1, '409 conflict': 1 })
          const [made, refused] = answers.toSorted((a, b) => a.status - b.status)
          assert.match(refused!.error().message, new RegExp(String(made!.data().id)))
        }
      }))

    test('twenty apps, tiers or features of one slug leave one each', () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
        } = await serve(await newShop({ storage }))
        for (const path of ['/apps', '/apps/desktop-app/tiers', '/apps/desktop-app/features']) {
          const answers = await many(20, () =>
            send('POST', path, { key, body: { name: 'Same', slug: 'same' } }),
          )
          assert.deepEqual(tally(answers), { 201: 1, '409 conflict': 19 }, path)
        }
        const added = await many(20, () =>
          send('POST', '/apps/desktop-app/tiers/pro/features', { key, body: { name: 'New', slug: 'new' } }),
        )
        assert.deepEqual(tally(added), { 200: 19, 201: 1 })
      }))

    test('renewals, changes and a revocation: the license ends revoked, and every token given was good', () =>
      use(async (storage) => {
        const shop = await serve(await newShop({ storage }))
        const {
          send,
          keys: { sk: key },
        } = shop
        const { id, token } = await shop.issue()
        const pem = await shop.licensing.apps.publicKey('desktop-app')
        const regenerate = `${licenses}/${id}/regenerate`
        const answers = await many(24, (at) => {
          if (at === 12)
            return send('POST', `${licenses}/${id}/revoke`, { key, body: { reason: 'Refunded' } })
          if (at % 3 === 0)
            return send('PUT', `${licenses}/${id}`, { key, body: { custom_features: [`f${at}`] } })
          return at % 3 === 1
            ? send('POST', regenerate, { key })
            : send('POST', regenerate, { body: { current_token: token } })
        })
        const ends = Object.keys(tally(answers))
        assert.ok(
          ends.every((end) => end === '200' || end === '400 license_revoked'),
          ends.join(),
        )
        for (const answer of answers.filter(({ status }) => status === 200)) {
          const { token: given } = answer.data()
          if (typeof given === 'string') await verifyOffline(given, pem)
        }
        const left = await get(send, key, id)
        assert.equal(left.status, 'revoked')
        assert.equal(left.token, null)
        assert.equal(left.revoked_reason, 'Refunded')
      }))

    test('two regenerations both count, and the feature added between is in every later token', () =>
      use(async (storage) => {
        const shop = await serve(await newShop({ storage }))
        const {
          send,
          keys: { sk: key },
        } = shop
        const { id, token } = await shop.issue()
        const regenerate = `${licenses}/${id}/regenerate`
        const answers = await many(10, (at) =>
          send('POST', regenerate, at % 2 ? { key } : { body: { current_token: token } }),
        )
        assert.deepEqual(tally(answers), { 200: 10 })
        assert.equal(new Set(answers.map((answer) => answer.data().jti)).size, 10)
        await send('POST', '/apps/desktop-app/tiers/pro/features', {
          key,
          body: { name: 'New', slug: 'new' },
        })
        const next = (await send('POST', regenerate, { key })).data<Json>()
        assert.deepEqual(next.features, ['api_access', 'new'])
        assert.deepEqual(claimsOf(String(next.token)).features, ['api_access', 'new'])
      }))

    test('rotations: one wins, the others are told, and what is served verifies', () =>
      use(async (storage) => {
        const shop = await serve(await newShop({ storage }))
        const {
          send,
          keys: { sk: key },
        } = shop
        const { id } = await shop.issue()
        const answers = await many(4, () => send('POST', '/apps/desktop-app/rotate-keys', { key }))
        const { 200: won = 0, '409 conflict': lost = 0, ...others } = tally(answers)
        assert.deepEqual(others, {})
        assert.ok(won >= 1 && won + lost === 4)
        const pem = (await send('GET', '/apps/desktop-app/public-key')).text
        await verifyOffline(String((await get(send, key, id)).token), pem)
      }))
  })

for (const [name, use] of storages)
  describe(`the place of an installation, on ${name}`, () => {
    test('is raced for by a reinstatement and a new license: one holds it, the other is set aside or refused', () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
          customer,
        } = await serve(await newShop({ storage }))
        for (let round = 1; round <= 5; round++) {
          const body = licenseOf(customer.id, installation(round))
          const old = String((await send('POST', licenses, { key, body })).data().id)
          await send('POST', `${licenses}/${old}/revoke`, { key })
          const answers = await Promise.all([
            send('POST', `${licenses}/${old}/reinstate`, { key }),
            send('POST', licenses, { key, body }),
          ])
          const ends = answers.map(({ status }) => status).toSorted()
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

    test('is raced for by two moves: one gets it, the other keeps its own', () =>
      use(async (storage) => {
        const shop = await serve(await newShop({ storage }))
        const {
          send,
          keys: { sk: key },
        } = shop
        const movers = [await shop.issue(), await shop.issue()]
        const answers = await many(2, (at) =>
          send('PUT', `${licenses}/${movers[at]!.id}`, { key, body: { installation_id: installation(99) } }),
        )
        assert.deepEqual(tally(answers), { 200: 1, '409 conflict': 1 })
        const winner = answers.findIndex(({ status }) => status === 200)
        const verify = async (id: string): Promise<number> =>
          (await send('GET', `${licenses}/verify?installation_id=${id}`)).status
        assert.equal(await verify(installation(99)), 200)
        assert.equal(await verify(movers[winner]!.installationId), 404)
        assert.equal(await verify(movers[1 - winner]!.installationId), 200)
      }))
  })
