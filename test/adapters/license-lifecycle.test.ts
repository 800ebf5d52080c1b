import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { claimsOf } from '../support/tokens.ts'
import { day, installation, start } from '../support/fixtures.ts'
import { newShopServer, type Json } from './test-server.ts'

const licenses = '/apps/desktop-app/licenses'
const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** A served shop, with short calls to change and read one license. */
async function newLicense(license: object = {}) {
  const shop = await newShopServer()
  const {
    send,
    keys: { sk: key },
  } = shop
  const { id, token } = await shop.issue(license)
  const where = `${licenses}/${id}`
  return {
    ...shop,
    id,
    token: token ?? '',
    put: (body: Json) => send('PUT', where, { key, body }),
    post: (action: string, body: Json = {}) => send('POST', `${where}/${action}`, { key, body }),
    renew: (current: unknown) => send('POST', `${where}/regenerate`, { body: { current_token: current } }),
    now: async () => (await send('GET', where, { key })).data<Json>(),
    status: async (at: string) => (await send('GET', `${licenses}/verify?installation_id=${at}`)).status,
  }
}

describe('/apps/:slug/licenses/:id', () => {
  test('PUT installation_id: the new installation verifies, the old one is 404, and its token still renews', async () => {
    const { put, status, renew, token } = await newLicense()
    const moved = (await put({ installation_id: installation(77).toUpperCase() })).data<Json>()
    assert.equal(moved.installation_id, installation(77))
    assert.equal(claimsOf(String(moved.token)).sub, installation(77))
    assert.equal(await status(installation(77)), 200)
    assert.equal(await status(installation(1)), 404)
    const renewed = (await renew(token)).data<Json>()
    assert.equal(claimsOf(String(renewed.token)).sub, installation(77))
  })

  test('PUT tier_id: the features of the new tier, then the custom features, and a new jti', async () => {
    const { put, licensing, now } = await newLicense({ customFeatures: ['extra', 'api_access'] })
    const before = await now()
    await licensing.tiers.create('desktop-app', { name: 'Max', slug: 'max', features: ['webhooks', 'extra'] })
    const after = (await put({ tier_id: 'max' })).data<Json>()
    assert.deepEqual(before.features, ['api_access', 'extra'])
    assert.deepEqual(after.features, ['webhooks', 'extra', 'api_access'])
    assert.equal(after.tier, 'max')
    assert.notEqual(after.jti, before.jti)
    assert.equal((await put({ tier_id: 'nothing' })).status, 422)
  })

  test('PUT without a change to a claim: the jti stays', async () => {
    const { put, now } = await newLicense()
    const before = await now()
    assert.equal((await put({ tier_id: 'pro' })).data().jti, before.jti)
    const after = (await put({ metadata: { seat: 7 } })).data<Json>()
    assert.deepEqual([after.jti, after.metadata], [before.jti, { seat: 7 }])
    assert.deepEqual((await put({ metadata: null })).data().metadata, {})
  })

  test('PUT expires_at: the new token has the new exp, the old one renews until its own exp', async () => {
    const { put, renew, token, clock } = await newLicense({ durationDays: 2 })
    const extended = (await put({ expires_at: iso(start + 9 * day) })).data<Json>()
    assert.equal(extended.expires_at, iso(start + 9 * day))
    assert.equal(claimsOf(String(extended.token)).exp, start + 9 * day)
    clock.seconds = start + 2 * day - 1
    assert.equal((await renew(token)).status, 200)
    clock.seconds += 1
    assert.equal((await renew(token)).error().code, 'token_expired')
    assert.equal((await renew(extended.token)).status, 200)
    assert.equal((await put({ forever: true })).data().expires_at, null)
    assert.equal((await put({ expires_at: null })).status, 422)
    assert.equal((await put({ expires_at: iso(clock.seconds) })).status, 422)
  })

  test('PUT expires_at: any RFC 3339 form, floored to the second', async () => {
    const { put } = await newLicense()
    for (const [given, kept] of [
      ['2030-01-23T12:00:00+02:00', '2030-01-23T10:00:00Z'],
      ['2030-01-23t10:00:00.999z', '2030-01-23T10:00:00Z'],
      ['2030-01-22T23:30:00-10:30', '2030-01-23T10:00:00Z'],
      ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
    ])
      assert.equal((await put({ expires_at: given })).data().expires_at, kept, given)
    const refused = ['2030-01-23', '2030-01-23T10:00:00', '2030-01-23 10:00:00Z', '2030-02-30T00:00:00Z']
    const more = [
      '2030-01-23T24:00:00Z',
      '2030-01-23T23:59:60Z',
      '10000-01-01T00:00:00Z',
      '0000-01-01T00:00:00Z',
      '1900000000',
    ]
    for (const given of [...refused, ...more])
      assert.equal((await put({ expires_at: given })).status, 422, given)
  })

  test('POST reinstate: 409 while a successor is active, then the license takes the installation slot back', async () => {
    const {
      post,
      send,
      keys: { sk: key },
      customer,
      id,
      now,
    } = await newLicense()
    const body = { installation_id: installation(1), customer_id: customer.id, tier_id: 'pro', forever: true }
    const taken = await send('POST', licenses, { key, body })
    assert.equal(taken.status, 409)
    assert.match(taken.error().message, new RegExp(id))
    await post('revoke')
    const successor = (await send('POST', licenses, { key, body })).data<Json>()
    const refused = await post('reinstate')
    assert.equal(refused.status, 409)
    assert.match(refused.error().message, new RegExp(String(successor.id)))
    assert.equal((await now()).status, 'revoked')
    await send('POST', `${licenses}/${String(successor.id)}/revoke`, { key })
    assert.equal((await post('reinstate')).data().status, 'active')
    const holder = await send('GET', `${licenses}/by-installation?installation_id=${installation(1)}`, {
      key,
    })
    assert.equal(holder.data().id, id)
    await send('DELETE', `${licenses}/${id}`, { key })
    assert.equal((await send('GET', `${licenses}/verify?installation_id=${installation(1)}`)).status, 404)
  })

  test('PUT duration_days on an expired license: takes the installation slot back, unless another license is active', async () => {
    const {
      put,
      send,
      keys: { sk: key },
      customer,
      clock,
    } = await newLicense({ durationDays: 1 })
    clock.seconds += day
    const body = {
      installation_id: installation(1),
      customer_id: customer.id,
      tier_id: 'pro',
      duration_days: 1,
    }
    const successor = (await send('POST', licenses, { key, body })).data<Json>()
    assert.equal((await put({ duration_days: 30 })).status, 409)
    clock.seconds += day
    assert.equal((await put({ duration_days: 30 })).data().status, 'active')
    const other = (await send('GET', `${licenses}/${String(successor.id)}`, { key })).data<Json>()
    assert.equal(other.status, 'expired')
  })

  test('POST regenerate on an expired license: a secret key may, a token may not, and the license stays expired', async () => {
    const { post, renew, token, clock, now } = await newLicense({ durationDays: 1 })
    clock.seconds += day
    assert.equal((await renew(token)).error().code, 'token_expired')
    const response = (await post('regenerate')).data<Json>()
    assert.equal(response.status, 'expired')
    assert.equal(claimsOf(String(response.token)).exp, clock.seconds)
    assert.equal((await renew(response.token)).error().code, 'token_expired')
    assert.equal((await now()).token, null)
  })

  test('DELETE of its tier: the license verifies, but regenerating it is missing_tier until it gets another tier', async () => {
    const {
      post,
      put,
      renew,
      token,
      send,
      keys: { sk: key },
      now,
    } = await newLicense()
    await send('DELETE', '/apps/desktop-app/tiers/pro', { key })
    await send('POST', '/apps/desktop-app/tiers', { key, body: { name: 'Pro', slug: 'pro' } })
    assert.deepEqual([(await now()).tier, (await now()).tier_id], ['pro', null])
    assert.equal((await send('POST', `${licenses}/verify`, { body: { token } })).data().valid, true)
    assert.equal((await post('regenerate')).error().code, 'missing_tier')
    assert.equal((await renew(token)).error().code, 'missing_tier')
    assert.equal((await put({ custom_features: ['x'] })).error().code, 'missing_tier')
    const bulk = (await send('POST', `${licenses}/regenerate`, { key })).data<Json>()
    assert.deepEqual(bulk, { licenses_regenerated: 0, skipped: { missing_tier: 1 } })
    assert.equal((await put({ tier_id: 'pro' })).data().tier, 'pro')
    assert.equal((await post('regenerate')).status, 200)
  })

  test('GET: by id or by UUID in any case, and 404 under another app', async () => {
    const {
      send,
      keys: { sk: key },
      id,
      token,
      licensing,
    } = await newLicense()
    await licensing.apps.create({ name: 'Other', slug: 'other-app' })
    const uuid = claimsOf(token).lic_id
    for (const form of [id, uuid, uuid.toUpperCase()])
      assert.equal((await send('GET', `${licenses}/${form}`, { key })).data().id, id)
    for (const form of [id.toUpperCase(), id.replace('lic_', 'cus_'), id.slice(4), `${id}0`])
      assert.equal((await send('GET', `${licenses}/${form}`, { key })).status, 404, form)
    assert.equal((await send('GET', `/apps/other-app/licenses/${id}`, { key })).status, 404)
  })
})

describe('the last sign of life of an installation', () => {
  const client = 'desktop-app/2.3.1 (macos)'

  test('a renewal with Heartwood-Client sets seen_at, seen_kid and seen_client, which only a secret key gets', async () => {
    const { send, keys, id, token, clock, now, storage, app } = await newLicense()
    const fields = ['seen_at', 'seen_kid', 'seen_client', 'revoked_cause']
    const seen = (license: Json) => fields.map((name) => license[name])
    assert.deepEqual(seen(await now()), [null, null, null, null])
    clock.seconds += 60
    const headers = { 'heartwood-client': client }
    const renewed = await send('POST', `${licenses}/${id}/regenerate`, {
      body: { current_token: token },
      headers,
    })
    assert.equal(renewed.status, 200)
    const { kid } = (await storage.findActiveKey(app.id))!
    assert.deepEqual(seen(await now()), [iso(start + 60), kid, client, null])
    clock.seconds += 60
    await send('POST', `${licenses}/${id}/regenerate`, { key: keys.sk, headers })
    assert.deepEqual(seen(await now()), [iso(start + 60), kid, client, null])
    for (const path of [`${licenses}/${id}`, licenses]) {
      const response = await send('GET', path, { key: keys.pk })
      for (const name of fields) assert.equal(response.text.includes(`"${name}"`), false, `${path} ${name}`)
    }
  })

  test('a longer or unprintable Heartwood-Client is ignored', async () => {
    const { send, id, token, now } = await newLicense()
    for (const header of ['x'.repeat(65), 'd\u00e9j\u00e0', 'a\tb']) {
      const sent = { body: { current_token: token }, headers: { 'heartwood-client': header } }
      assert.equal((await send('POST', `${licenses}/${id}/regenerate`, sent)).status, 200)
      const license = await now()
      assert.equal(license.seen_client, null)
      assert.notEqual(license.seen_at, null)
    }
  })
})

describe('POST …/regenerate, as the holder of the token sees it', () => {
  const held = [
    ...['id', 'installation_id', 'customer_id', 'tier_id', 'tier', 'features', 'status', 'expires_at'],
    ...['issued_at', 'jti', 'license_key_id', 'limits', 'name', 'token', 'updates_until'],
  ]

  test('a renewal by token shows the fields of the holder; a secret key gets the whole license', async () => {
    const { send, keys, id, token, renew, now } = await newLicense({ metadata: { note: 'hunter2' } })
    const by = await renew(token)
    assert.deepEqual(Object.keys(by.data<Json>()).toSorted(), held.toSorted())
    assert.doesNotMatch(by.text, /hunter2|metadata|revoked|custom_|seen_/)
    const whole = await send('POST', `${licenses}/${id}/regenerate`, { key: keys.sk })
    const license = whole.data<Json>()
    assert.deepEqual(license, await now())
    assert.deepEqual(license.metadata, { note: 'hunter2' })
    const same = held.filter((name) => !['jti', 'token'].includes(name))
    for (const name of same) assert.deepEqual(by.data<Json>()[name], license[name], name)
  })

  test('the reason of an earlier revocation is no part of a later renewal', async () => {
    const { post, token, renew } = await newLicense()
    await post('revoke', { reason: 'hunter2' })
    assert.doesNotMatch((await renew(token)).text, /hunter2/)
    await post('reinstate')
    assert.doesNotMatch((await renew(token)).text, /hunter2/)
  })
})
