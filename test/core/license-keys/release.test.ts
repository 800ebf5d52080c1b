import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, day, installation, newShop, type Shop } from '../../support/fixtures.ts'
import { app, sell } from './sale.ts'

async function seatAt({ licensing }: Shop, key: string, number: number) {
  return (await licensing.licenseKeys.activate(app, key, { installationId: installation(number) })).license
}

test('licenseKeys.release(): frees the seat for another installation, and an activation brings it back', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await sell(shop)
  const seat = await seatAt(shop, key, 1)
  const given = await licenseKeys.release(app, seat.id, { currentToken: seat.token })
  assert.deepEqual(given, { released: true, releasesLeft: 11 })
  assert.deepEqual(await licenseKeys.release(app, seat.id, { currentToken: seat.token }), given)
  assert.equal(await codeOf(licenses.renew(app, seat.id, seat.token)), 'license_released')
  assert.equal(await codeOf(licenses.regenerate(app, seat.id)), 'license_revoked')
  const other = await seatAt(shop, key, 2)
  assert.deepEqual(await licenseKeys.release(app, other.id), given, 'the vendor’s releases do not count')
  const back = await seatAt(shop, key, 1)
  assert.equal(back.id, seat.id)
  assert.equal(await codeOf(licenses.renew(app, seat.id, seat.token)), 'invalid_token')
  assert.equal(await codeOf(licenseKeys.release(app, seat.id, { currentToken: seat.token })), 'invalid_token')
  assert.equal(await codeOf(licenses.renew(app, seat.id, back.token)), 'ok')
})

test('licenseKeys.release(): a token frees its own seat alone, and a license key any of its seats', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const [one, two] = [await sell(shop, { seats: 2 }), await sell(shop)]
  const [mine, colleague, stranger] = [
    await seatAt(shop, one.key, 1),
    await seatAt(shop, one.key, 2),
    await seatAt(shop, two.key, 3),
  ]
  const plain = await shop.issue({ installationId: installation(9) })
  const outcome = (id: string, holder: object) => codeOf(licenseKeys.release(app, id, holder as never))
  assert.equal(await outcome(colleague.id, { currentToken: mine.token }), 'token_mismatch')
  assert.equal(await outcome(stranger.id, { licenseKey: one.key }), 'not_found')
  assert.equal(await outcome(plain.id, { licenseKey: one.key }), 'not_found')
  assert.equal(await outcome(plain.id, { currentToken: plain.token }), 'conflict')
  assert.equal(await codeOf(licenseKeys.release(app, plain.id)), 'conflict')
  assert.equal(await outcome('lic_x', { licenseKey: one.key }), 'not_found')
  assert.equal(await outcome(mine.id, { licenseKey: 'bad' }), 'invalid_license_key')
  assert.equal(await outcome(mine.id, { currentToken: 'bad' }), 'invalid_token')
  assert.equal(await outcome(colleague.id, { licenseKey: one.key }), 'ok')
  assert.equal(await outcome(mine.id, { currentToken: mine.token }), 'ok')
  assert.equal((await licenseKeys.get(app, one.id)).seatsUsed, 0)
  assert.equal((await licenseKeys.get(app, two.id)).seatsUsed, 1)
})

test('licenseKeys.release(): holders have so many releases a year, and the vendor any number', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const { id, key } = await sell(shop, { releasesPerYear: 2, forever: true })
  const left: (number | null)[] = []
  for (const number of [1, 2]) {
    const seat = await seatAt(shop, key, number)
    left.push((await licenseKeys.release(app, seat.id, { licenseKey: key })).releasesLeft)
  }
  assert.deepEqual(left, [1, 0])
  const seat = await seatAt(shop, key, 3)
  for (const holder of [{ licenseKey: key }, { currentToken: seat.token }])
    assert.equal(await codeOf(licenseKeys.release(app, seat.id, holder)), 'release_limit_reached')
  assert.deepEqual(await licenseKeys.release(app, seat.id), { released: true, releasesLeft: 0 })
  shop.clock.seconds += 365 * day
  assert.equal((await licenseKeys.get(app, id)).releasesLeft, 2)
  const next = await seatAt(shop, key, 3)
  assert.equal((await licenseKeys.release(app, next.id, { licenseKey: key })).releasesLeft, 1)
  await licenseKeys.update(app, id, { releasesPerYear: null })
  const free = await seatAt(shop, key, 3)
  assert.equal((await licenseKeys.release(app, free.id, { licenseKey: key })).releasesLeft, null)
})

test('licenseKeys.releaseAll(): gives back all seats but the excepted ones', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const { id, key } = await sell(shop, { seats: 3 })
  const [kept] = [await seatAt(shop, key, 1), await seatAt(shop, key, 2), await seatAt(shop, key, 3)]
  assert.deepEqual(await licenseKeys.releaseAll(app, id, { except: [kept.id, 'no id'] }), { released: 2 })
  assert.deepEqual(await licenseKeys.releaseAll(app, id, { except: [kept.id] }), { released: 0 })
  assert.deepEqual(
    (await licenseKeys.seats(app, key)).map(({ licenseId }) => licenseId),
    [kept.id],
  )
  const many = Array.from({ length: 101 }, () => kept.id)
  assert.equal(await codeOf(licenseKeys.releaseAll(app, id, { except: many })), 'validation_error')
})

test('licenseKeys.seats(): shows a holder the taken seats, and little of their installations', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const { key } = await sell(shop, { seats: 3 })
  const first = await licenseKeys.activate(app, key, { installationId: installation(1), name: 'Laptop' })
  shop.clock.seconds += 3 * day
  const second = await seatAt(shop, key, 2)
  const gone = await seatAt(shop, key, 3)
  await licenseKeys.release(app, gone.id)
  const { seconds: now } = shop.clock
  const seats = await licenseKeys.seats(app, key, { installationId: installation(2).toUpperCase() })
  const today = now - (now % day)
  assert.deepEqual(seats, [
    {
      ...{ licenseId: second.id, name: null, installationIdLastFour: '0002', activatedAt: now },
      ...{ seenOn: today, this: true },
    },
    {
      ...{ licenseId: first.license.id, name: 'Laptop', installationIdLastFour: '0001' },
      ...{ activatedAt: now - 3 * day, seenOn: today - 3 * day, this: false },
    },
  ])
})
