import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Status } from '../../src/core/index.ts'
import { installation, start, tokenOf } from '../support/fixtures.ts'
import { newFixture, type Fixture } from './fixture.ts'
import { serve } from './test-server.ts'

interface StatsJson {
  readonly from: string
  readonly to: string
  readonly step: string
  readonly series: Readonly<Record<string, readonly number[]>>
  readonly snapshot: { readonly at: string; readonly tiers: readonly object[] } | null
}

interface StatusJson extends Omit<Status, 'refusals' | 'clock' | 'webhooks'> {
  readonly clock: string
  readonly webhooks: object
  readonly refusals: readonly {
    readonly time: string
    readonly route: string
    readonly code: string
    readonly app: string | null
    readonly kid: string | null
    readonly request_id: string
  }[]
}

async function statusOf({ send }: Fixture, key: string): Promise<StatusJson> {
  return (await send('GET', '/status', { key })).data<StatusJson>()
}

test('GET stats: names, zeros and times on the wire, counted over HTTP', async () => {
  const { send, licensing, keys, license, clock } = await newFixture()
  clock.seconds += 60
  const at = `/apps/desktop-app/licenses`
  await send('GET', `${at}/verify?installation_id=${installation(1)}`)
  await send('GET', `${at}/verify?installation_id=${installation(77)}`)
  await send('POST', `${at}/${license.id}/regenerate`, { body: { current_token: tokenOf(license) } })
  await send('POST', `${at}/${license.id}/regenerate`, { body: { current_token: 'a.b.c' } })
  await send('POST', `/apps/desktop-app/license-keys/activate`, { body: { license_key: 'no key' } })
  await send('POST', `/apps/desktop-app/license-keys/verify`, { body: { license_key: 'no key' } })
  await licensing.flush()
  await licensing.keepStats()
  const query = 'from=2026-01-22T12:00:00Z&to=2026-01-24T00:00:00Z&step=day'
  const stats = (await send('GET', `/apps/desktop-app/stats?${query}`, { key: keys.pk })).data<StatsJson>()
  assert.deepEqual(stats, {
    from: '2026-01-22T00:00:00Z',
    to: '2026-01-24T00:00:00Z',
    step: 'day',
    series: {
      'activate.invalid_license_key': [0, 1],
      'activate.ok': [0, 0],
      issued: [0, 1],
      'renew.invalid_token': [0, 1],
      'renew.ok': [0, 1],
      revoked: [0, 0],
      'verify.not_found': [0, 1],
      'verify.ok': [0, 1],
    },
    snapshot: {
      at: '2026-01-23T10:01:00Z',
      tiers: [{ tier: 'pro', active: 1, expired: 0, revoked: 0 }],
    },
  })
})

const badQueries = ['step=week', 'from=yesterday', 'to=2026-01-01', 'from=2020-01-01T00:00:00Z', 'steps=3']
for (const query of badQueries)
  test(`GET stats: ${query} is 422, without the value`, async () => {
    const { send, keys } = await newFixture()
    const response = await send('GET', `/apps/desktop-app/stats?${query}`, { key: keys.sk })
    assert.deepEqual([response.status, response.error().code], [422, 'validation_error'])
    assert.doesNotMatch(response.text, /week|yesterday|2020/)
  })

test('GET stats: another mode and another app are 404', async () => {
  const { send, keys, licensing } = await newFixture()
  const bound = await licensing.apiKeys.create({ app: 'other-app' })
  for (const key of [keys.testSk, keys.testPk, bound.secret]) {
    const missing = await send('GET', '/apps/no-such-app/stats', { key })
    const response = await send('GET', '/apps/desktop-app/stats', { key })
    assert.deepEqual([response.status, response.text], [404, missing.text])
  }
  assert.equal((await send('GET', '/apps/other-app/stats', { key: bound.secret })).status, 200)
})

test('GET status: lists refusals with their route, kid and request id, and no credential', async () => {
  const fixture = await newFixture()
  const { send, keys, license, licensing } = fixture
  const { kid } = JSON.parse(Buffer.from(tokenOf(license).split('.')[0]!, 'base64url').toString()) as {
    readonly kid: string
  }
  await licensing.licenses.revoke('desktop-app', license.id)
  const headers = { 'x-request-id': 'renewal-1' }
  const body = { current_token: tokenOf(license) }
  await send('POST', `/apps/desktop-app/licenses/${license.id}/regenerate`, { headers, body })
  await send('GET', '/apps/desktop-app', { key: 'sk_live_wrong' })
  const { refusals, clock, storage } = await statusOf(fixture, keys.sk)
  assert.deepEqual([clock, storage], ['2026-01-23T10:00:00Z', 'ok'])
  assert.deepEqual(
    refusals.map(({ request_id: _id, ...refusal }) => refusal),
    [
      { time: clock, route: 'GET /apps/:slug', code: 'unauthorized', app: 'desktop-app', kid: null },
      {
        time: clock,
        route: 'POST /apps/:slug/licenses/:id/regenerate',
        code: 'license_revoked',
        app: 'desktop-app',
        kid,
      },
    ],
  )
  assert.equal(refusals[1]?.request_id, 'renewal-1')
  const text = JSON.stringify(refusals)
  for (const secret of [tokenOf(license), license.id, 'sk_live_wrong'])
    assert.equal(text.includes(secret), false)
})

test('GET status: a key sees the refusals and webhooks of its mode, and no slug that outsiders made up', async () => {
  const fixture = await newFixture()
  const { send, keys, licensing, storage } = fixture
  await licensing.apps.update('other-app', { webhookUrl: 'https://example.com/hook' })
  await licensing.webhooks.test('other-app')
  await licensing.webhooks.secret('other-app')
  const other = (await storage.findWebhook((await licensing.apps.get('other-app')).id))!
  await storage.updateWebhook(other.appId, other.version, { queueFullAt: 9 })
  for (const slug of ['desktop-app', 'test-app', 'made-up', 'Not A Slug', 'x'.repeat(2_000)])
    await send('GET', `/apps/${encodeURIComponent(slug)}/licenses`)
  await send('GET', '/no-such-route')
  const ofLive = await statusOf(fixture, keys.sk)
  assert.deepEqual(
    ofLive.refusals.map(({ app }) => app),
    [null, null, null, 'desktop-app'],
  )
  assert.deepEqual(ofLive.webhooks, {
    due: 1,
    oldest_due_at: '2026-01-23T10:00:00Z',
    disabled: [],
    webhook_queue_full: ['other-app'],
  })
  const ofTest = await statusOf(fixture, keys.testSk)
  assert.deepEqual(new Set(ofTest.refusals.map(({ app }) => app)), new Set([null, 'test-app']))
  assert.equal(JSON.stringify([ofLive, ofTest]).includes('made-up'), false)
  assert.deepEqual(ofTest.webhooks, { due: 0, oldest_due_at: null, disabled: [], webhook_queue_full: [] })
})

test('GET status: an app that took a slug again sees no refusal of the app before', async () => {
  const fixture = await newFixture()
  const { send, keys, licensing, clock } = fixture
  await send('GET', '/apps/other-app')
  await licensing.apps.delete('other-app')
  clock.seconds += 60
  await licensing.apps.create({ name: 'Other', slug: 'other-app' }, { mode: 'test' })
  assert.deepEqual((await statusOf(fixture, keys.testSk)).refusals, [])
  assert.equal((await statusOf(fixture, keys.sk)).refusals[0]?.app, null)
})

test('GET status: a hostile crowd takes a bounded memory', async () => {
  const fixture = await newFixture()
  const { fetch } = await serve(fixture)
  const id = 'x'.repeat(128)
  for (let number = 0; number < 500; number++)
    await fetch(
      new Request(`http://localhost/api/v1/apps/app-${number}/licenses`, {
        headers: { 'x-request-id': id, authorization: `Bearer ${number}` },
      }),
    )
  const { refusals } = await fixture.licensing.status()
  assert.equal(refusals.length, 25)
  assert.ok(JSON.stringify(refusals).length < 25 * 512)
  assert.equal(refusals[0]?.time, start)
})
