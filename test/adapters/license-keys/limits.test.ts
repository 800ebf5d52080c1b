import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RateLimits } from '../../../src/adapters/elysia.ts'
import type { LicensingOptions } from '../../../src/core/index.ts'
import { installation } from '../../support/fixtures.ts'
import type { TestResponse } from '../openapi-checker.ts'
import { endOf, type Json } from '../test-server.ts'
import { base, keys, mistyped, whileSelling, type Till } from './till.ts'

const home = '192.0.2.1'

/** Sells while limits count. A request names its address in `x-address`. */
function whileLimited(
  rateLimits: RateLimits,
  work: (till: Till) => Promise<void>,
  licensing: Partial<LicensingOptions> = {},
): Promise<void> {
  const clientAddress = (request: Request): string => request.headers.get('x-address') ?? home
  return whileSelling(work, licensing, { rateLimits, clientAddress })
}

/** Sends `count` times. Resolves to the number of responses by their end. */
async function tally(count: number, ask: () => Promise<TestResponse>): Promise<Record<string, number>> {
  const ends: Record<string, number> = {}
  for (let at = 0; at < count; at++) {
    const end = endOf(await ask())
    ends[end] = (ends[end] ?? 0) + 1
  }
  return ends
}

test('failed license keys: 20 a minute and address, and a good one is never limited by them', () =>
  whileLimited({}, async ({ sell, tell, activate }) => {
    const { key } = await sell({ seats: 9 })
    const seat = (await activate(key, 1)).data<{ id: string }>()
    const bad = mistyped(key)
    const paths: readonly string[] = [
      `${keys}/activate`,
      `${keys}/seats`,
      `${keys}/verify`,
      `${base}/licenses/${seat.id}/release`,
    ]
    for (const path of paths) await tally(5, () => tell(path, { license_key: bad }))
    for (const path of paths) {
      const refused = await tell(path, { license_key: bad })
      assert.equal(endOf(refused), '429 rate_limited', path)
      assert.match(refused.headers.get('ratelimit-policy') ?? '', /^"failedLicenseKey";q=20;w=60$/)
      assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
    }
    const body = { license_key: key, installation_id: installation(1) }
    assert.deepEqual(await tally(25, () => tell(`${keys}/activate`, body)), { 200: 25 })
    assert.equal(endOf(await tell(`${keys}/verify`, { license_key: key })), '200')
    assert.equal(endOf(await tell(paths[3]!, { license_key: key })), '200')
    const elsewhere = { 'x-address': '192.0.2.2' }
    assert.equal(endOf(await tell(paths[0]!, { license_key: bad }, elsewhere)), '401 invalid_license_key')
  }))

test('failed license keys: IPv6 counts by /64, and good ones never count', () =>
  whileLimited({ failedLicenseKey: 3 }, async ({ sell, tell, activate }) => {
    const { key } = await sell()
    const from = (address: string) =>
      tell(`${keys}/seats`, { license_key: mistyped(key) }, { 'x-address': address })
    assert.deepEqual(await tally(9, () => activate(key, 1)), { 201: 1, 200: 8 })
    const addresses = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:DB8:0001:0002::7']
    for (const address of addresses) assert.equal(endOf(await from(address)), '401 invalid_license_key')
    assert.equal(endOf(await from('2001:db8:1:2:abcd::1')), '429 rate_limited')
    assert.equal(endOf(await from('2001:db8:1:3::1')), '401 invalid_license_key')
    assert.deepEqual(await tally(3, () => from(home)), { '401 invalid_license_key': 3 })
    assert.equal(endOf(await from('::ffff:192.0.2.1')), '429 rate_limited')
  }))

test('activations: counted per license key, from every address, before the body is checked', () =>
  whileLimited({ activationPerKey: 3 }, async ({ sell, tell }) => {
    const [first, second] = [await sell(), await sell()]
    const from = (key: string, address: number, body: Json = { installation_id: installation(1) }) =>
      tell(`${keys}/activate`, { license_key: key, ...body }, { 'x-address': `192.0.2.${address}` })
    assert.equal(endOf(await from(first.key, 1)), '201')
    assert.equal(endOf(await from(first.key.toLowerCase(), 2)), '200')
    assert.equal(endOf(await from(first.key, 3, { nonsense: 1 })), '422 validation_error')
    for (const body of [{}, { nonsense: 1 }, { installation_id: installation(1) }]) {
      const refused = await from(first.key, 4, body)
      assert.equal(endOf(refused), '429 rate_limited')
      assert.match(refused.headers.get('ratelimit-policy') ?? '', /^"activationPerKey";q=3;w=60$/)
    }
    assert.equal(endOf(await from(second.key, 4, { installation_id: installation(2) })), '201')
  }))

test('activations: the limit comes before a signing place is taken', () =>
  whileLimited(
    { activationPerKey: 1 },
    async ({ sell, activate, licensing }) => {
      const { key } = await sell()
      assert.equal(endOf(await activate(key, 1)), '201')
      const before = licensing.load().signing
      assert.deepEqual(await tally(5, () => activate(key, 1)), { '429 rate_limited': 5 })
      assert.deepEqual(licensing.load().signing, before)
    },
    { signing: { concurrency: 1, maxWaiting: 0 } },
  ))

test('seats and releases: 30 a minute and license key, by text and by token, and none for a secret key', () =>
  whileLimited({}, async ({ sell, tell, ask, activate }) => {
    const { key } = await sell({ seats: 9, releases_per_year: null })
    const { id, token } = (await activate(key, 1)).data<{ id: string; token: string }>()
    const release = `${base}/licenses/${id}/release`
    assert.deepEqual(await tally(28, () => tell(`${keys}/seats`, { license_key: key })), { 200: 28 })
    assert.equal(endOf(await tell(release, { license_key: key })), '200')
    assert.equal(endOf(await tell(release, { current_token: token })), '200')
    const refusals = [
      await tell(release, { license_key: key, nonsense: 1 }),
      await tell(release, { current_token: token }),
      await tell(`${keys}/seats`, { license_key: key }),
    ]
    for (const refused of refusals) {
      assert.equal(endOf(refused), '429 rate_limited')
      assert.match(refused.headers.get('ratelimit-policy') ?? '', /^"seatsPerKey";q=30;w=60$/)
    }
    assert.deepEqual(await tally(40, () => ask('POST', release)), { 200: 40 })
    assert.equal(endOf(await activate(key, 2)), '201')
    const { key: other } = await sell()
    assert.equal(endOf(await tell(`${keys}/seats`, { license_key: other })), '200')
  }))

test('releases by a token: the address counts before the token is checked, as for a renewal', () =>
  whileLimited({ renewal: 2 }, async ({ tell, sell, activate }) => {
    const { key } = await sell()
    const { id, token } = (await activate(key, 1)).data<{ id: string; token: string }>()
    const release = `${base}/licenses/${id}/release`
    assert.deepEqual(await tally(2, () => tell(release, { current_token: 'eyJ' })), {
      '401 invalid_token': 2,
    })
    const refused = await tell(release, { current_token: token })
    assert.match(refused.headers.get('ratelimit-policy') ?? '', /^"renewal";q=2;w=60$/)
    assert.equal(endOf(await tell(release, { license_key: key })), '200')
  }))

test('activations: 600 a minute and license key unless an option says otherwise', () =>
  whileLimited({}, async ({ sell, tell }) => {
    const { key } = await sell()
    const ends = await tally(601, () => tell(`${keys}/activate`, { license_key: key }))
    assert.deepEqual(ends, { '422 validation_error': 600, '429 rate_limited': 1 })
  }))
