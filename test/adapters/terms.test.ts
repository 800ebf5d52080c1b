import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { claimsOf } from '../support/tokens.ts'
import { newShopServer, type Json } from './test-server.ts'

const tiers = '/apps/desktop-app/tiers'
const licenses = '/apps/desktop-app/licenses'
const installationId = 'a1b2c3d4-e5f6-4a7b-8c9d-000000000001'
const wholeRule = 'must be an object of at most 20 slugs, each with an integer from 0 to 2^53 - 1'

/** A server with a license under terms, and the requests about it. */
async function openTerms() {
  const shop = await newShopServer()
  const { send } = shop
  const { sk: key } = shop.keys
  const body = (given: Json): { key: string; body: Json } => ({ key, body: given })
  await send('PUT', `${tiers}/pro`, body({ limits: { projects: 5, api_calls: 1000 } }))
  const created = await send(
    'POST',
    licenses,
    body({
      installation_id: installationId,
      customer_id: shop.customer.id,
      tier_id: 'pro',
      custom_limits: { projects: 25 },
      updates_until: '2027-03-01T01:00:00+01:00',
      forever: true,
    }),
  )
  return { ...shop, key, body, license: created.data<Json>() }
}

const limits = { api_calls: 1000, projects: 25 }
const until = '2027-03-01T00:00:00Z'

describe('limits and updates_until', () => {
  test('tiers: create, update, get and list carry limits, whatever their names', async () => {
    const { send, key, body } = await openTerms()
    const given = JSON.parse(
      '{"__proto__":1,"constructor":2,"10":3,"expires_at":4,"custom_limits":5}',
    ) as Json
    const created = await send('POST', tiers, body({ name: 'Max', slug: 'max', limits: given }))
    const read = await send('GET', `${tiers}/max`, { key })
    const list = (await send('GET', tiers, { key })).data<readonly Json[]>()
    for (const tier of [created.data<Json>(), read.data<Json>(), list[1]!])
      assert.deepEqual(Object.entries(tier.limits as Json).toSorted(), Object.entries(given).toSorted())
    const renamed = await send('PUT', `${tiers}/max`, body({ name: 'Maximum' }))
    assert.deepEqual(Object.keys(renamed.data<{ limits: Json }>().limits).length, 5)
    const cleared = await send('PUT', `${tiers}/max`, body({ limits: null }))
    assert.deepEqual(cleared.data<Json>().limits, {})
  })

  test('licenses: create, get, list, update, by-installation and both renewals carry them', async () => {
    const { send, key, body, license } = await openTerms()
    const where = `${licenses}/${license.id as string}`
    const token = { body: { current_token: license.token } }
    const responses = [
      license,
      (await send('GET', where, { key })).data<Json>(),
      (await send('GET', licenses, { key })).data<readonly Json[]>()[0]!,
      (
        await send('GET', `${licenses}/by-installation?installation_id=${installationId}`, { key })
      ).data<Json>(),
      (await send('POST', `${where}/regenerate`, { key })).data<Json>(),
      (await send('POST', `${where}/regenerate`, token)).data<Json>(),
    ]
    for (const response of responses)
      assert.deepEqual([response.limits, response.updates_until], [limits, until], JSON.stringify(response))
    assert.deepEqual(license.custom_limits, { projects: 25 })
    assert.equal('custom_limits' in responses.at(-1)!, false)
    const { limits: claimed, updates_until: claimedUntil } = claimsOf(license.token as string)
    assert.deepEqual([claimed, claimedUntil], [limits, Date.parse(until) / 1000])
    const changed = await send('PUT', where, body({ custom_limits: null, updates_until: null }))
    const { limits: left, custom_limits: own, updates_until: end } = changed.data<Json>()
    assert.deepEqual([left, own, end], [{ api_calls: 1000, projects: 5 }, {}, null])
  })

  test('verification: GET, by jti, POST and batch answer them', async () => {
    const { send, issue, license } = await openTerms()
    const bare = await issue({ installationId: 'a1b2c3d4-e5f6-4a7b-8c9d-0000000000ff' })
    const batch = { installation_ids: [installationId, bare.installationId] }
    const results = (await send('POST', `${licenses}/verify/batch`, { body: batch })).data<{
      results: Json
    }>().results
    const found = [
      (await send('GET', `${licenses}/verify?installation_id=${installationId}`)).data<Json>(),
      (await send('GET', `${licenses}/verify?jti=${license.jti as string}`)).data<Json>(),
      (await send('POST', `${licenses}/verify`, { body: { token: license.token } })).data<Json>(),
      results[installationId] as Json,
    ]
    for (const verification of found)
      assert.deepEqual(
        [verification.valid, verification.limits, verification.updates_until],
        [true, limits, until],
      )
    const { limits: none, updates_until: always } = results[bare.installationId] as Json
    assert.deepEqual([none, always], [{ api_calls: 1000, projects: 5 }, null])
  })

  test('POST verify: released_at is a date or a time, and a later version is not covered', async () => {
    const { send, license } = await openTerms()
    const verify = (released_at: unknown) =>
      send('POST', `${licenses}/verify`, { body: { token: license.token, released_at } })
    for (const covered of [
      '2027-03-01',
      '2027-02-28T23:59:59-00:00',
      '2027-03-01T02:00:00+02:00',
      '1970-01-01',
    ])
      assert.equal((await verify(covered)).data<Json>().code, null, covered)
    for (const later of ['2027-03-02', '2027-03-01T00:00:01Z', '9999-12-31']) {
      const { valid, status, code } = (await verify(later)).data<Json>()
      assert.deepEqual([valid, status, code], [false, 'active', 'version_not_covered'], later)
    }
    for (const wrong of [
      '2027-02-30',
      '2027-3-1',
      '1.3.2027',
      '2027-03-01T00:00:00',
      '',
      1803859200,
      null,
      ['2027-03-01'],
      {},
    ]) {
      const response = await verify(wrong)
      assert.equal(response.status, 422, JSON.stringify(wrong))
      assert.deepEqual(response.error().details, {
        released_at: [
          'must be a time by RFC 3339 with its offset, such as 2026-01-23T10:00:00Z, between 1970 and 9999; a date alone is its midnight in UTC',
        ],
      })
    }
  })

  test('a wrong limit is refused with its rule, and never repeated', async () => {
    const { send, body, license } = await openTerms()
    const where = `${licenses}/${license.id as string}`
    for (const wrong of [
      { 'Secret-Name': 1 },
      { projects: -1 },
      { projects: '5' },
      { projects: null },
      [],
      'x',
    ]) {
      const onTier = await send('PUT', `${tiers}/pro`, body({ limits: wrong }))
      assert.equal(onTier.status, 422)
      assert.deepEqual(onTier.error().details, { limits: [`${wholeRule} or null`] })
      const onLicense = await send('PUT', where, body({ custom_limits: wrong }))
      assert.deepEqual(onLicense.error().details, { custom_limits: [`${wholeRule} or null`] })
    }
    for (const name of ['updatesUntil', 'customLimits', 'limits', 'tier_limits'])
      assert.equal((await send('PUT', where, body({ [name]: {} }))).status, 422, name)
    assert.equal((await send('PUT', where, body({ updates_until: '2027-03-01' }))).status, 422)
  })
})
