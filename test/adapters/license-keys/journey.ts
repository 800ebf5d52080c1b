import assert from 'node:assert/strict'
import type { Storage } from '../../../src/core/index.ts'
import { day, installation, start } from '../../support/fixtures.ts'
import { claimsOf } from '../../support/tokens.ts'
import { endOf, type Json } from '../test-server.ts'
import { base, keys, whileSelling, type Till } from './till.ts'

/** A customer buys two seats, needs a third, moves, loses the key and gets it back. */
export function buyAndMove(storage: Storage): Promise<void> {
  return whileSelling(
    async (till) => {
      const { ask, tell, sell, activate } = till
      const { id, key } = await sell({
        name: 'Order 1',
        custom_limits: { projects: 9 },
        external_id: 'shop:1',
      })
      const laptop = await activate(key, 1, { name: 'Laptop' })
      const desk = await activate(key.toLowerCase().replaceAll('-', ' '), 2)
      assert.deepEqual([endOf(laptop), endOf(desk)], ['201', '201'])
      const license = laptop.data<Json>()
      assert.deepEqual(Object.keys(license).toSorted(), holderFields)
      assert.deepEqual(claimsOf(license.token as string).limits, { projects: 9 })
      const shown = { id, status: 'active', expires_at: null, updates_until: null, seats: 2, seats_used: 1 }
      assert.deepEqual(license.license_key, shown)
      const again = await activate(key, 1)
      assert.deepEqual([endOf(again), again.data<Json>().id], ['200', license.id])
      await refuseThird(till, key)
      await releaseFromThird(till, key, license)
      const left = await ask('GET', `${keys}/${id}`)
      assert.deepEqual([left.data<Json>().seats_used, left.data<Json>().releases_left], [2, 11])
      const renewal = await tell(`${base}/licenses/${license.id as string}/regenerate`, {
        current_token: license.token,
      })
      assert.equal(endOf(renewal), '400 license_released')
      const seats = (await ask('GET', `${base}/licenses?license_key_id=${id}&status=active`)).data<Json[]>()
      assert.deepEqual(seats.map(({ installation_id: each }) => each).toSorted(), [
        installation(2),
        installation(3),
      ])
    },
    { storage },
  )
}

const holderFields = [
  'customer_id',
  'expires_at',
  'features',
  'id',
  'installation_id',
  'issued_at',
  'jti',
  'license_key',
  'license_key_id',
  'limits',
  'name',
  'status',
  'tier',
  'tier_id',
  'token',
  'updates_until',
]

async function refuseThird({ activate, tell }: Till, key: string): Promise<void> {
  const refusal = await activate(key, 3)
  assert.equal(endOf(refusal), '409 seat_limit_reached')
  assert.deepEqual(refusal.error().details, { seats: ['2 of 2 are taken'] })
  const verified = (await tell(`${keys}/verify`, { license_key: key })).data<Json>()
  assert.deepEqual(verified, {
    valid: true,
    code: null,
    reason: 'The license key is active',
    status: 'active',
    tier: 'pro',
    features: ['api_access'],
    limits: { projects: 9 },
    expires_at: null,
    updates_until: null,
    seats: 2,
    seats_used: 2,
  })
}

/** The third installation shows the seats, and its user frees one. */
async function releaseFromThird({ activate, tell }: Till, key: string, license: Json): Promise<void> {
  const asked = await tell(`${keys}/seats`, {
    license_key: key,
    installation_id: installation(1).toUpperCase(),
  })
  const seats = asked.data<Json[]>()
  assert.equal(seats.length, 2)
  assert.deepEqual(
    seats.find(({ this: isThis }) => isThis === true),
    {
      license_id: license.id,
      name: 'Laptop',
      installation_id_last_four: '0001',
      activated_at: '2026-01-23T10:00:00Z',
      seen_on: '2026-01-23',
      this: true,
    },
  )
  for (let at = 0; at < 2; at++) {
    const released = await tell(`${base}/licenses/${license.id as string}/release`, { license_key: key })
    assert.deepEqual([endOf(released), released.data()], ['200', { released: true, releases_left: 11 }])
  }
  assert.equal(endOf(await activate(key, 3)), '201')
}

/** The vendor changes, rolls, revokes, reinstates, empties and deletes a license key. */
export function manage(storage: Storage): Promise<void> {
  return whileSelling(
    async (till) => {
      const { ask, tell, send, sell, activate, clock, keys: secrets } = till
      const { id, key } = await sell({ external_id: 'shop a+b', duration_days: 365, metadata: { note: 1 } })
      const body = { license_key: key, installation_id: installation(1) }
      await tell(`${keys}/activate`, body, { 'heartwood-client': 'desktop-app/2.3.1 (macos)' })
      const [first] = (await ask('GET', `${base}/licenses?license_key_id=${id}`)).data<Json[]>()
      assert.deepEqual(
        [first!.seen_client, first!.seen_at, first!.license_key_id],
        ['desktop-app/2.3.1 (macos)', '2026-01-23T10:00:00Z', id],
      )
      const one = (await ask('GET', `${keys}/${id}`)).data<Json>()
      assert.deepEqual(Object.keys(one).toSorted(), fields)
      assert.equal('key' in one, false)
      const paths = [
        `${keys}/${id}?include=key`,
        `${keys}/by-external-id?external_id=shop%20a%2Bb&include=key`,
      ]
      for (const path of paths) {
        assert.equal((await ask('GET', path)).data<Json>().key, key)
        assert.equal(endOf(await send('GET', path, { key: secrets.pk })), '403 forbidden')
        const plain = await send('GET', path.replace(/[?&]include=key/, ''), { key: secrets.pk })
        const { alias_last_four: _lastFour, ...seen } = one
        assert.deepEqual(plain.data(), seen)
      }
      const plus = await ask('GET', `${keys}/by-external-id?external_id=shop%20a+b`)
      assert.match(plus.error().message, /write a plus sign as %2B/)
      const changed = await ask('PUT', `${keys}/${id}`, {
        seats: 5,
        updates_until: '2027-03-01T01:00:00+01:00',
      })
      assert.deepEqual(
        [changed.data<Json>().seats, changed.data<Json>().updates_until],
        [5, '2027-03-01T00:00:00Z'],
      )
      const seat = (await activate(key, 1)).data<Json>()
      assert.equal(seat.updates_until, '2027-03-01T00:00:00Z')
      const onSeat = await ask('PUT', `${base}/licenses/${seat.id as string}`, { tier_id: 'pro' })
      assert.deepEqual(onSeat.error().details, { tier_id: ['belongs to the license key'] })
      const rolled = (await ask('POST', `${keys}/${id}/roll`, { overlap_days: 1 })).data<Json>()
      assert.notEqual(rolled.key, key)
      assert.equal(endOf(await activate(key, 1)), '200')
      clock.seconds = start + day
      assert.equal(endOf(await activate(key, 1)), '401 invalid_license_key')
      await revokeAndReinstate(till, id, rolled.key as string)
      assert.equal(endOf(await activate(rolled.key as string, 2)), '201')
      const kept = { except: [seat.id] }
      assert.deepEqual((await ask('POST', `${keys}/${id}/release-all`, kept)).data(), { released: 1 })
      assert.deepEqual((await ask('POST', `${base}/licenses/${seat.id as string}/release`)).data(), {
        released: true,
        releases_left: 12,
      })
      assert.equal(endOf(await ask('DELETE', `${keys}/${id}`)), '204')
      assert.equal(endOf(await ask('GET', `${base}/licenses/${seat.id as string}`)), '404 not_found')
      assert.equal(endOf(await activate(rolled.key as string, 1)), '401 invalid_license_key')
    },
    { storage },
  )
}

const fields = [
  'activated_at',
  'alias_last_four',
  'created_at',
  'custom_features',
  'custom_limits',
  'customer_id',
  'duration_days',
  'expires_at',
  'external_id',
  'features',
  'id',
  'idle_days',
  'key_last_four',
  'limits',
  'metadata',
  'name',
  'releases_left',
  'releases_per_year',
  'revoked_at',
  'revoked_reason',
  'seats',
  'seats_used',
  'starts',
  'status',
  'tier',
  'tier_id',
  'updated_at',
  'updates_until',
  'when_full',
]

async function revokeAndReinstate({ ask, tell, activate }: Till, id: string, key: string): Promise<void> {
  const revoked = (await ask('POST', `${keys}/${id}/revoke`, { reason: 'Lost' })).data<Json>()
  assert.deepEqual([revoked.status, revoked.revoked_reason], ['revoked', 'Lost'])
  assert.equal(endOf(await activate(key, 1)), '400 license_key_revoked')
  const verified = (await tell(`${keys}/verify`, { license_key: key })).data<Json>()
  assert.deepEqual([verified.valid, verified.code], [false, 'license_key_revoked'])
  assert.equal(endOf(await ask('PUT', `${keys}/${id}`, { seats: 9 })), '400 license_key_revoked')
  const back = (await ask('POST', `${keys}/${id}/reinstate`)).data<Json>()
  assert.deepEqual([back.status, back.seats_used], ['active', 1])
}

/** A shop says how a sale stands, twice, late and in any order. */
export function syncSale(storage: Storage): Promise<void> {
  return whileSelling(
    async ({ ask, activate, customer }) => {
      const sale = {
        external_id: 'stripe:sub_1',
        as_of: '2026-01-23T10:00:00Z',
        customer: { email: 'Bob@Example.com', name: 'Bob', external_id: 'stripe:cus_1' },
        tier_id: 'pro',
        seats: 1,
        expires_at: '2026-03-02T00:00:00+00:00',
      }
      const sync = (more: Json) => ask('POST', `${keys}/sync`, { ...sale, ...more })
      const made = await sync({})
      const { key, created, applied } = made.data<Json>()
      assert.deepEqual([endOf(made), created, applied], ['201', true, true])
      assert.deepEqual(made.json<Json>().meta, { customer_conflict: false })
      const again = await sync({})
      assert.deepEqual([endOf(again), 'key' in again.data<Json>()], ['200', false])
      await sync({ as_of: '2026-01-23T10:00:02Z', seats: 3 })
      const late = (await sync({ as_of: '2026-01-23T10:00:01Z', seats: 9 })).data<Json>()
      assert.deepEqual([late.applied, late.created, late.seats], [false, false, 3])
      const { license_key: held } = (await activate(key as string, 1)).data<{ license_key: Json }>()
      assert.deepEqual([held.seats, held.expires_at], [3, '2026-03-02T00:00:00Z'])
      const ended = (await sync({ as_of: '2026-01-24T00:00:00Z', ended: 'refund' })).data<Json>()
      assert.deepEqual([ended.status, ended.revoked_reason], ['revoked', 'refund'])
      const clash = { ...sale.customer, email: 'ada@example.com' }
      const conflict = await sync({ as_of: '2026-01-25T00:00:00Z', customer: clash })
      assert.deepEqual(conflict.json<Json>().meta, { customer_conflict: true })
      assert.notEqual(conflict.data<Json>().customer_id, customer.id)
      const bad = await sync({ customer: { email: 'x@example.com', externalId: 'x', nick: 'x' } })
      assert.deepEqual(bad.error().details, {
        customer: ['must be an object with an email, and perhaps a name and an external_id'],
      })
    },
    { storage },
  )
}
