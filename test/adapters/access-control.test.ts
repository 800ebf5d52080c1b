import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import { day, installation } from '../support/fixtures.ts'
import { callRoute, inputFor } from './call-route.ts'
import { newFixture, type Fixture } from './fixture.ts'
import { expectations } from './route-expectations.ts'
import { newShopServer, serve, storages, type Json } from './test-server.ts'
import { newShop } from '../support/fixtures.ts'

const licenses = '/apps/desktop-app/licenses'

describe('a revoked license', () => {
  for (const [name, use] of storages)
    test(`every later call refuses it, on ${name}`, () =>
      use(async (storage) => {
        const {
          send,
          keys: { sk: key },
          issue,
        } = await serve(await newShop({ storage }))
        const { id, token, jti, installationId } = await issue()
        const other = await issue()
        assert.equal((await send('POST', `${licenses}/${id}/revoke`, { key })).status, 200)

        const get = async (path: string): Promise<Json> => (await send('GET', path, { key })).data<Json>()
        for (const query of [`installation_id=${installationId}`, `jti=${jti}`]) {
          const found = await get(`${licenses}/verify?${query}`)
          assert.deepEqual([found.valid, found.status], [false, 'revoked'])
        }
        const verified = (await send('POST', `${licenses}/verify`, { body: { token } })).data<Json>()
        assert.deepEqual([verified.valid, verified.code], [false, 'license_revoked'])
        for (const body of [{ installation_ids: [installationId] }, { jtis: [jti] }]) {
          const { results } = (await send('POST', `${licenses}/verify/batch`, { body })).data<{
            results: Record<string, Json>
          }>()
          assert.deepEqual(
            Object.values(results).map(({ valid }) => valid),
            [false],
          )
        }
        for (const sent of [{ key }, { body: { current_token: token } }])
          assert.equal(
            (await send('POST', `${licenses}/${id}/regenerate`, sent)).error().code,
            'license_revoked',
          )
        for (const path of [
          `${licenses}/${id}`,
          `${licenses}/by-installation?installation_id=${installationId}`,
        ])
          assert.deepEqual([(await get(path)).status, (await get(path)).token], ['revoked', null])
        const listed = await send('GET', `${licenses}?include=token&status=revoked`, { key })
        assert.deepEqual(
          listed.json<{ data: Json[] }>().data.map((license) => license.token),
          [null],
        )
        const bulk = (await send('POST', `${licenses}/regenerate`, { key })).data<Json>()
        assert.equal(bulk.licenses_regenerated, 1)
        const rotation = (await send('POST', '/apps/desktop-app/rotate-keys', { key })).data<Json>()
        assert.equal(rotation.licenses_resigned, 1)
        assert.equal((await get(`${licenses}/${id}`)).token, null)
        for (const change of [
          { tier_id: 'pro', custom_features: ['x'] },
          { forever: true },
          { installation_id: installation(50) },
        ])
          assert.equal(
            (await send('PUT', `${licenses}/${id}`, { key, body: change })).error().code,
            'license_revoked',
          )
        assert.equal(
          (await send('PUT', `${licenses}/${id}`, { key, body: { metadata: { why: 'refund' } } })).data()
            .token,
          null,
        )
        assert.equal((await get(`${licenses}/${other.id}`)).status, 'active')
      }))

  test('POST /apps/:slug/licenses/:id/revoke: a second call keeps the first reason', async () => {
    const {
      send,
      keys: { sk: key },
      issue,
      clock,
    } = await newShopServer()
    const { id } = await issue()
    const first = await send('POST', `${licenses}/${id}/revoke`, { key, body: { reason: 'Refunded' } })
    clock.seconds += day
    const second = await send('POST', `${licenses}/${id}/revoke`, { key, body: { reason: 'Again' } })
    assert.equal(second.text, first.text)
  })
})

describe('POST /apps/:slug/licenses/:id/regenerate', () => {
  test('invalidate_previous: every earlier token of the license is refused', async () => {
    const {
      send,
      keys: { sk: key },
      issue,
    } = await newShopServer()
    const { id, token: stolen } = await issue()
    const regenerate = `${licenses}/${id}/regenerate`
    const renewed = (await send('POST', regenerate, { body: { current_token: stolen } })).data<Json>()
    const thief = (await send('POST', regenerate, { body: { current_token: stolen } })).data<Json>()
    const body = { current_token: stolen, invalidate_previous: true }
    assert.equal(
      (await send('POST', regenerate, { body })).status,
      422,
      'a thief may not invalidate the tokens of the owner',
    )
    const fresh = (await send('POST', regenerate, { key, body: { invalidate_previous: true } })).data<Json>()
    for (const token of [stolen, renewed.token, thief.token]) {
      const response = await send('POST', regenerate, { body: { current_token: token } })
      assert.equal(`${response.status} ${response.error().code}`, '401 invalid_token')
      const verified = (await send('POST', `${licenses}/verify`, { body: { token } })).data<Json>()
      assert.equal(verified.valid, false)
    }
    for (const jti of [renewed.jti, thief.jti])
      assert.equal((await send('GET', `${licenses}/verify?jti=${String(jti)}`)).data().valid, false)
    assert.equal(
      (await send('POST', `${licenses}/verify`, { body: { token: fresh.token } })).data().valid,
      true,
    )
    assert.equal((await send('POST', regenerate, { body: { current_token: fresh.token } })).status, 200)
  })

  test('a forged, foreign, retired or too long token: always the same bytes', async () => {
    const fixture = await newFixture()
    const { send, license, issue, licensing } = fixture
    const other = await issue()
    const regenerate = `${licenses}/${license.id}/regenerate`
    const [head, payload, signature] = (license.token ?? '').split('.')
    await licensing.rotateKeys('desktop-app')
    const tokens: readonly unknown[] = [
      ...['\u0000', '\ud800', 2 ** 60, JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown],
      ...['', 'x', 'x'.repeat(20_000), 'a.b.c', 7, true, {}, [], [license.token], license.token],
      ...[`${head}.${payload}.`, `${head}.${payload}.${signature}=`, `${license.token} `, other.token],
    ]
    const responses = await Promise.all(
      tokens.map((token) => send('POST', regenerate, { body: { current_token: token } })),
    )
    assert.equal(new Set(responses.map(({ status, text }) => `${status} ${text}`)).size, 1)
    assert.equal(responses[0]!.error().code, 'invalid_token')
    const missing = await send('POST', `${licenses}/lic_00000000000000000000000000/regenerate`, {
      body: { current_token: 'x' },
    })
    assert.equal(missing.text, responses[0]!.text, 'an unknown license gets the same bytes')
    const beside = { current_token: 'x', nonsense: 1 }
    assert.equal((await send('POST', regenerate, { body: beside })).text, responses[0]!.text)
    const queried = await send('POST', `${regenerate}?x=1`, { body: { current_token: 'x' } })
    assert.equal(queried.text, responses[0]!.text, 'the query is not validated before the token')
    const headers = { authorization: '' }
    const keyed = await send('POST', regenerate, { headers, body: { current_token: license.token } })
    assert.equal(
      keyed.error().code,
      'unauthorized',
      'an Authorization header takes precedence, even an empty one',
    )
    for (const current_token of [null, undefined]) {
      const response = await send('POST', regenerate, { body: { current_token } })
      assert.equal(response.error().code, 'unauthorized')
    }
  })
})

/** Ids and names that only the live app has. */
async function liveMarks(fixture: Fixture): Promise<readonly string[]> {
  const { licensing, license, customer, tier, app } = fixture
  const features = (await licensing.features.list(app.slug)).data
  const keys = (await licensing.apiKeys.list({ mode: 'live' })).data
  const marks = [app.id, app.name, license.id, license.jti, customer.id, customer.email, tier.id]
  return [...marks, ...features.map(({ id }) => id), ...keys.map(({ id }) => id)]
}

describe('a test key', () => {
  for (const kind of ['testSk', 'testPk'] as const)
    test(`no response shows anything of a live app (${kind})`, async () => {
      const fixture = await newFixture()
      const { keys, send } = fixture
      const marks = await liveMarks(fixture)
      for (const row of Object.keys(expectations)) {
        if (['public', 'holder'].includes(expectations[row]![0])) continue
        const input = await inputFor(fixture, row)
        const response = await callRoute(fixture, row, input, {
          headers: { authorization: `Bearer ${keys[kind]}` },
        })
        const sent = JSON.stringify(input)
        for (const mark of marks)
          if (!sent.includes(mark)) assert.equal(response.text.includes(mark), false, `${row} shows ${mark}`)
      }
      const apps = (await send('GET', '/apps', { key: keys[kind] })).json<{ data: Json[]; meta: Json }>()
      assert.ok(apps.data.every(({ mode }) => mode === 'test'))
      assert.equal(apps.meta.total, apps.data.length)
    })

  test('a live app: the same bytes as for an unknown app', async () => {
    const {
      send,
      keys: { testSk: key },
    } = await newFixture()
    for (const rest of [
      '',
      '/tiers',
      '/tiers/pro',
      '/features',
      '/customers',
      '/licenses',
      '/licenses/verify/x',
    ])
      assert.equal(
        (await send('GET', `/apps/desktop-app${rest}`, { key })).text,
        (await send('GET', `/apps/no-such-app${rest}`, { key })).text,
        rest,
      )
  })

  test('POST /apps with the slug of a live app: 409 and nothing about that app', async () => {
    const { send, keys } = await newFixture()
    const response = await send('POST', '/apps', {
      key: keys.testSk,
      body: { name: 'Mine', slug: 'desktop-app' },
    })
    assert.equal(response.status, 409)
    assert.doesNotMatch(response.text, /live|app_|My Desktop App/)
    const own = await send('POST', '/apps', { key: keys.testSk, body: { name: 'Mine', slug: 'mine' } })
    assert.equal(own.data().mode, 'test')
    assert.equal((await send('GET', '/apps/mine', { key: keys.sk })).status, 404)
  })

  test('POST /apps by a bound key: 403 before the body is read', async () => {
    const { send, licensing } = await newFixture()
    const { secret: key } = await licensing.apiKeys.create({ app: 'desktop-app' })
    assert.equal((await send('POST', '/apps', { key, body: '{"name":' })).status, 403)
  })

  test('the cursor of a live list: shows nothing live', async () => {
    const { send, keys, licensing } = await newFixture()
    for (let at = 0; at < 3; at++) await licensing.apps.create({ name: 'Live', slug: `live-${at}` })
    for (const list of ['/apps', '/api-keys']) {
      const first = await send('GET', `${list}?per_page=1`, { key: keys.sk })
      const cursor = encodeURIComponent(String(first.json<{ meta: Json }>().meta.next_cursor))
      const response = await send('GET', `${list}?cursor=${cursor}`, { key: keys.testSk })
      assert.doesNotMatch(response.text, /"mode":"live"/)
    }
  })
})

describe('API keys', () => {
  const requests: readonly Json[] = [
    ...['sk', 'pk'].flatMap((type) => ['live', 'test'].map((mode) => ({ type, mode }))),
    ...[{}, { app: 'desktop-app' }, { app: 'other-app' }, { app: 'test-app' }, { app: 'no-such-app' }],
    { mode: 'live', app: 'test-app' },
  ]

  test('POST /api-keys by a test key: makes test keys for test apps only', async () => {
    const { send, keys, licensing } = await newFixture()
    for (const body of requests) {
      const response = await send('POST', '/api-keys', { key: keys.testSk, body })
      const isTest = body.mode !== 'live' && (body.app === undefined || body.app === 'test-app')
      assert.equal(response.status === 201, isTest, `${JSON.stringify(body)}: ${response.text}`)
      if (isTest) assert.equal(response.data().mode, 'test')
    }
    assert.ok((await licensing.apiKeys.list({ mode: 'live' })).data.every(({ name }) => name === null))
    const ofLive = await send('POST', '/api-keys', { key: keys.testSk, body: { app: 'desktop-app' } })
    const ofNone = await send('POST', '/api-keys', { key: keys.testSk, body: { app: 'no-such-app' } })
    assert.equal(ofLive.text, ofNone.text, 'a live app gets the same bytes as an unknown app')
  })

  test('by a bound, an expiring or a public key: 403 for creating, rolling, revoking and listing', async () => {
    const { send, licensing, clock, keys } = await newFixture()
    const target = await licensing.apiKeys.create()
    const weak = [
      (await licensing.apiKeys.create({ app: 'desktop-app' })).secret,
      (await licensing.apiKeys.create({ expiresAt: clock.seconds + day })).secret,
      keys.pk,
    ]
    for (const key of weak) {
      for (const body of requests) assert.equal((await send('POST', '/api-keys', { key, body })).status, 403)
      assert.equal((await send('GET', '/api-keys', { key })).status, 403)
      for (const [method, path, body] of [
        ['GET', '/api-keys?per_page=101', undefined],
        ['POST', '/api-keys', '{'],
        ['POST', `/api-keys/${target.id}/roll`, '{'],
      ] as const)
        assert.equal((await send(method, path, { key, body })).status, 403, `${method} ${path}`)
      assert.equal((await send('DELETE', `/api-keys/${target.id}`, { key })).status, 403)
      assert.equal((await send('POST', `/api-keys/${target.id}/roll`, { key })).status, 403)
    }
    assert.equal((await send('GET', '/apps', { key: target.secret })).status, 200)
  })

  test('POST /api-keys/:id/roll: the new key has the same rights', async () => {
    const { send, licensing, keys, clock } = await newFixture()
    const expiresAt = clock.seconds + day
    for (const rights of [{ type: 'pk' }, { app: 'desktop-app' }, { mode: 'test' }, { expiresAt }] as const) {
      const { id } = await licensing.apiKeys.create(rights)
      const old = (await licensing.apiKeys.list()).data.find((key) => key.id === id)!
      const rolled = await send('POST', `/api-keys/${id}/roll`, { key: keys.sk })
      const { type, mode, app, expires_at: end } = rolled.data<Json>()
      assert.deepEqual([type, mode, app], [old.type, old.mode, old.app])
      assert.equal(end === null, old.expiresAt === null)
    }
  })

  test('GET /api-keys: shows prefix and last four characters, never a secret', async () => {
    const { send, keys } = await newFixture()
    const made = (await send('POST', '/api-keys', { key: keys.sk, body: { name: 'Shop' } })).data<Json>()
    const secret = String(made.secret)
    assert.match(secret, /^sk_live_[0-9A-Za-z]{36}$/)
    assert.deepEqual([made.prefix, made.last_four], ['sk_live_', secret.slice(-4)])
    const list = await send('GET', '/api-keys', { key: keys.sk })
    assert.doesNotMatch(list.text, /"secret"|"hash"/)
    assert.equal(list.text.includes(secret), false)
    assert.equal((await send('GET', '/apps', { key: apiKeySecret('sk', 'live') })).status, 401)
  })

  test('GET by a public key: no response shows a token or a jti', async () => {
    const fixture = await newFixture()
    const { keys, license } = fixture
    for (const row of Object.keys(expectations).filter((name) => name.startsWith('GET'))) {
      const input = await inputFor(fixture, row)
      const response = await callRoute(fixture, row, input, {
        headers: { authorization: `Bearer ${keys.pk}` },
      })
      // A statement begins as a token does, but its parts stand apart.
      assert.doesNotMatch(response.text, /eyJ[\w-]*\.eyJ|"token"|"jti"/, row)
      assert.equal(response.text.includes(license.jti), false, row)
    }
  })
})
