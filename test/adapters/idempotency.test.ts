import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { inTemporaryFolder } from '../storage/temporary-folder.ts'
import { keyPairSource } from '../support/keys.ts'
import { claimsOf } from '../support/tokens.ts'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import { masterKey, newShop, newWorld, risingIds } from '../support/fixtures.ts'
import type { TestResponse } from './openapi-checker.ts'
import { newShopServer, sender, serve, storages, type Json, type Sent } from './test-server.ts'

const customers = '/apps/desktop-app/customers'
const licenses = '/apps/desktop-app/licenses'

const withKey = (idempotencyKey: string, sent: Sent): Sent => ({
  ...sent,
  headers: { 'idempotency-key': idempotencyKey },
})
const isReplay = (response: TestResponse): boolean => response.headers.get('idempotent-replayed') === 'true'

/** The parts that must be equal in a replay. */
const comparable = ({ status, text }: TestResponse): string => `${status} ${text}`

describe('Idempotency-Key', () => {
  for (const [name, use] of storages)
    test(`50 concurrent POSTs: the work is done once and all responses are equal, on ${name}`, () =>
      use(async (storage) => {
        const shop = await serve(await newShop({ storage }))
        const {
          send,
          keys: { sk: key },
          customer,
        } = shop
        const license = {
          installation_id: crypto.randomUUID(),
          customer_id: customer.id,
          tier_id: 'pro',
          forever: true,
        }
        const posts: readonly (readonly [path: string, body: Json])[] = [
          [customers, { email: 'eve@example.com' }],
          [licenses, license],
          ['/apps/desktop-app/tiers', { name: 'Max', slug: 'max', features: ['a', 'b'] }],
          ['/apps', { name: 'New', slug: 'new-app' }],
          ['/api-keys', { name: 'Shop' }],
        ]
        for (const [path, body] of posts) {
          const sent = withKey(`fifty ${path}`, { key, body })
          const responses = await Promise.all(Array.from({ length: 50 }, () => send('POST', path, sent)))
          assert.deepEqual([...new Set(responses.map(({ status }) => status))], [201], path)
          assert.equal(new Set(responses.map(comparable)).size, 1, path)
          assert.equal(responses.filter(isReplay).length, 49, path)
        }
        assert.equal((await shop.licensing.licenses.list('desktop-app')).total, 1)
        assert.equal((await shop.licensing.apiKeys.list()).total, 5)
      }))

  test('after a restart: the first response with its secret, and with the present token', () =>
    inTemporaryFolder(async (folder) => {
      const filename = `${folder}/heartwood.db`
      const storage = await sqliteStorage({ filename })
      const shop = await serve(await newShop({ storage }))
      const {
        keys: { sk: key },
        customer,
      } = shop
      const license = {
        installation_id: crypto.randomUUID(),
        customer_id: customer.id,
        tier_id: 'pro',
        forever: true,
      }
      const first = await shop.send('POST', licenses, withKey('one', { key, body: license }))
      const made = await shop.send('POST', '/api-keys', withKey('two', { key, body: {} }))
      await storage.close()

      const again = await sqliteStorage({ filename })
      const newKeyPair = keyPairSource()
      await newKeyPair()
      const world = await newWorld({ storage: again, newId: risingIds(1000), newKeyPair })
      const { send } = await serve(world)
      const second = await send('POST', licenses, withKey('one', { key, body: license }))
      assert.equal(comparable(second), comparable(first))
      assert.equal(isReplay(second), true)
      const remade = await send('POST', '/api-keys', withKey('two', { key, body: {} }))
      assert.equal(remade.data().secret, made.data().secret)
      assert.equal((await send('GET', '/apps', { key: String(remade.data().secret) })).status, 200)

      const { id, jti } = first.data() as { id: string; jti: string }
      await send('POST', '/apps/desktop-app/rotate-keys', { key })
      const rotated = await send('POST', licenses, withKey('one', { key, body: license }))
      assert.notEqual(rotated.data().token, first.data().token)
      assert.equal(claimsOf(String(rotated.data().token)).jti, jti)
      await send('POST', `${licenses}/${id}/revoke`, { key })
      const revoked = await send('POST', licenses, withKey('one', { key, body: license }))
      assert.equal(revoked.status, 201)
      assert.equal(revoked.data().token, null)
      await again.close()
    }))

  test('POST reinstate and POST regenerate: a replay has the license and its present token', async () => {
    const { send, issue, licensing, keys } = await newShopServer()
    const { id } = await issue()
    await licensing.licenses.revoke('desktop-app', id)
    for (const work of ['reinstate', 'regenerate']) {
      const post = (): Promise<TestResponse> =>
        send('POST', `${licenses}/${id}/${work}`, withKey(work, { key: keys.sk, body: {} }))
      const first = await post()
      assert.equal(first.status, 200)
      assert.equal(claimsOf(String(first.data().token)).jti, first.data().jti)
      const second = await post()
      assert.equal(isReplay(second), true)
      assert.equal(comparable(second), comparable(first), work)
    }
  })

  test('another body or path: 422, and the stored response stays', async () => {
    const {
      send,
      keys: { sk: key },
    } = await newShopServer()
    const body = { email: 'eve@example.com' }
    const first = await send('POST', customers, withKey('k', { key, body }))
    for (const [path, other] of [
      [customers, { email: 'mallory@example.com' }],
      [customers, { email: 'eve@example.com', name: null }],
      [`${customers}/get-or-create`, body],
      ['/apps/desktop-app/tiers', { name: 'T', slug: 't' }],
    ] as const) {
      const response = await send('POST', path, withKey('k', { key, body: other }))
      assert.equal(response.status, 422, path)
      assert.equal(response.error().code, 'idempotency_mismatch')
    }
    assert.equal(comparable(await send('POST', customers, withKey('k', { key, body }))), comparable(first))
  })

  test('the same body in other words: the stored response', async () => {
    const {
      send,
      keys: { sk: key },
    } = await newShopServer()
    const post = (body: string): Promise<TestResponse> => send('POST', customers, withKey('k', { key, body }))
    const first = await post(
      '{"email":"eve@example.com","name":"I","metadata":{"n":1,"list":[{"a":1,"b":2}]}}',
    )
    assert.equal(first.status, 201)
    for (const body of [
      '{"metadata":{"list":[{"b":2,"a":1}],"n":1},"name":"I","email":"eve@example.com"}',
      '{ "email": "eve@example.com", "name": "\\u0049", "metadata": { "n": 1.0, "list": [ { "a": 1e0, "b": 2 } ] } }',
      '{"name":"other","name":"I","email":"eve@example.com","metadata":{"n":10e-1,"list":[{"a":1,"b":2}]}}',
    ]) {
      const again = await post(body)
      assert.deepEqual([comparable(again), isReplay(again)], [comparable(first), true], body)
    }
    for (const metadata of [
      '{"n":"1","list":[{"a":1,"b":2}]}',
      '{"n":1,"list":[{"a":1},{"b":2}]}',
      '{"n":1,"list":[]}',
    ]) {
      const other = await post(`{"email":"eve@example.com","name":"I","metadata":${metadata}}`)
      assert.deepEqual([other.status, other.error().code], [422, 'idempotency_mismatch'], metadata)
    }
  })

  test('a body that is nested too deeply: 422, also beside a stored response', async () => {
    const {
      send,
      keys: { sk: key },
    } = await newShopServer()
    const deep = `{"email":"eve@example.com","metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
    const fresh = await send('POST', customers, withKey('k', { key, body: deep }))
    assert.deepEqual([fresh.status, fresh.error().code], [422, 'validation_error'])
    await send('POST', customers, withKey('k', { key, body: { email: 'eve@example.com' } }))
    const other = await send('POST', customers, withKey('k', { key, body: deep }))
    assert.deepEqual([other.status, other.error().code], [422, 'idempotency_mismatch'])
  })

  test('a response that version 0.1.0 stored: found after the upgrade', async () => {
    const { send, keys, storage, clock, customer, licensing } = await newShopServer()
    const sealer = await createSealer(masterKey)
    await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
    const scope = (await licensing.apiKeys.authenticate(keys.sk))?.id ?? ''
    const store = async (key: string, fingerprint: string, result: object): Promise<void> => {
      const answer = sealer.seal(
        new TextEncoder().encode(JSON.stringify(result)),
        `kept-answer ${scope} ${key}`,
      )
      const expiresAt = clock.seconds + 3600
      await storage.insertStoredResponse({ scope, key, fingerprint, answer, expiresAt }, clock.seconds)
    }
    // The fingerprints are those of 0.1.0 for the ids of this server.
    await store('one', '8c1aca5f79ee6b4a80f232e17197cfae6b23a707f6efd873bb76bd4c0e29c592', customer)
    await store(
      'two',
      '26e7f01183cb9b2dd556600293820f6811c6488936546ed9bd9b8d3e640f547e',
      await licensing.webhooks.test('desktop-app'),
    )
    const body = { name: 'I', email: 'eve@example.com', metadata: { b: 1, a: [2] } }
    const one = await send('POST', customers, withKey('one', { key: keys.sk, body }))
    assert.deepEqual([one.status, isReplay(one), one.data().id], [201, true, customer.id])
    const test = withKey('two', { key: keys.sk })
    const two = await send('POST', '/apps/desktop-app/webhook-test', test)
    assert.deepEqual([two.status, isReplay(two)], [201, true])
    const other = await send(
      'POST',
      customers,
      withKey('one', { key: keys.sk, body: { ...body, name: 'J' } }),
    )
    assert.equal(other.error().code, 'idempotency_mismatch')
  })

  test('an app that took the slug of a deleted one: 422', async () => {
    const server = await newShopServer()
    const sent = {
      key: server.keys.sk,
      headers: { 'idempotency-key': 'k-1' },
      body: { email: 'eve@example.com' },
    }
    const create = (): Promise<TestResponse> => server.send('POST', '/apps/desktop-app/customers', sent)
    const first = (await create()).data<Json>()
    await server.licensing.apps.delete('desktop-app')
    await server.licensing.apps.create({ name: 'Another', slug: 'desktop-app' })
    const { total } = await server.licensing.customers.list('desktop-app')
    assert.equal(total, 0)
    const second = await create()
    assert.equal(second.status, 422, 'a request to the old app is another request')
    assert.notEqual(second.text, JSON.stringify({ data: first }))
  })

  test('another API key: another request', async () => {
    const {
      send,
      keys: { sk: key },
      licensing,
    } = await newShopServer()
    const other = (await licensing.apiKeys.create()).secret
    const body = { email: 'eve@example.com' }
    assert.equal((await send('POST', `${customers}/get-or-create`, withKey('k', { key, body }))).status, 201)
    const second = await send('POST', `${customers}/get-or-create`, withKey('k', { key: other, body }))
    assert.equal(second.status, 200)
    assert.equal(isReplay(second), false)
  })

  test('a revoked API key: 401, not the stored response', async () => {
    const { send, licensing } = await newShopServer()
    const { id, secret: key } = await licensing.apiKeys.create()
    const sent = withKey('k', { key, body: { email: 'eve@example.com' } })
    assert.equal((await send('POST', customers, sent)).status, 201)
    await licensing.apiKeys.revoke(id)
    assert.equal((await send('POST', customers, sent)).status, 401)
  })

  test('after 24 hours: the work is done again', async () => {
    const {
      send,
      keys: { sk: key },
      clock,
    } = await newShopServer()
    const sent = withKey('k', { key, body: { email: 'eve@example.com' } })
    assert.equal((await send('POST', customers, sent)).status, 201)
    clock.seconds += 86_399
    assert.equal(isReplay(await send('POST', customers, sent)), true)
    clock.seconds += 1
    assert.equal((await send('POST', customers, sent)).error().code, 'conflict')
  })

  test('an error: not stored, so a repetition can succeed', async () => {
    const {
      send,
      keys: { sk: key },
      customer,
    } = await newShopServer()
    const sent = withKey('k', { key, body: { email: 'ada@example.com' } })
    assert.equal((await send('POST', customers, sent)).status, 409)
    await send('DELETE', `${customers}/${customer.id}`, { key })
    assert.equal((await send('POST', customers, sent)).status, 201)
  })

  test('not 1 to 255 printable characters: 422', async () => {
    const {
      send,
      keys: { sk: key },
    } = await newShopServer()
    for (const [header, status] of [
      ['', 422],
      ['x'.repeat(256), 422],
      ['caf\u00e9', 422],
      ['x'.repeat(255), 201],
    ] as const) {
      const body = { email: `key-${header.length}@example.com` }
      const response = await send('POST', customers, withKey(header, { key, body }))
      assert.equal(response.status, status, header.slice(0, 10))
    }
  })

  test('a public POST and a renewal by token: ignored', async () => {
    const { send, issue } = await newShopServer()
    const { id, token } = await issue()
    const verify = async (text: string): Promise<unknown> =>
      (await send('POST', `${licenses}/verify`, withKey('k', { body: { token: text } }))).data().valid
    assert.equal(await verify(token ?? ''), true)
    assert.equal(await verify('nothing'), false)
    const renew = withKey('k', { body: { current_token: token } })
    const [one, two] = [
      await send('POST', `${licenses}/${id}/regenerate`, renew),
      await send('POST', `${licenses}/${id}/regenerate`, renew),
    ]
    assert.notEqual(one.data().jti, two.data().jti)
  })

  test('two servers on one SQLite file: the work is done once', () =>
    inTemporaryFolder(async (folder) => {
      const filename = `${folder}/heartwood.db`
      const [a, b] = [await sqliteStorage({ filename }), await sqliteStorage({ filename })]
      const first = await serve(await newShop({ storage: a }))
      const second = await serve(await newWorld({ storage: b, newId: risingIds(5000) }))
      const sends = [first.send, sender(second.fetch)]
      const sent = withKey('k', { key: first.keys.sk, body: { email: 'eve@example.com' } })
      const responses = await Promise.all(
        Array.from({ length: 20 }, (_, at) => sends[at % 2]!('POST', customers, sent)),
      )
      assert.equal(new Set(responses.map(comparable)).size, 1)
      assert.equal(responses[0]!.status, 201)
      assert.equal((await first.licensing.customers.list('desktop-app')).total, 2)
      await Promise.all([a.close(), b.close()])
    }))
})
