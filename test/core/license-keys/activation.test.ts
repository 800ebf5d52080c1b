import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicensing } from '../../../src/core/index.ts'
import { memoryStorage } from '../../../src/storage/memory.ts'
import {
  codeOf,
  day,
  installation,
  masterKey,
  newShop,
  refusalOf,
  start,
  tokenOf,
  type Shop,
} from '../../support/fixtures.ts'
import type { ActivatedLicense } from '../../../src/core/license-keys/activation.ts'
import { testKeyPairs } from '../../support/keys.ts'
import { app, end, sell } from './sale.ts'

const at = (number: number, name?: string) => ({
  installationId: installation(number),
  ...(name && { name }),
})

/** Activates an installation. Resolves to its seat. */
async function seatAt({ licensing }: Shop, key: string, number: number) {
  return (await licensing.licenseKeys.activate(app, key, at(number))).license
}

test('licenseKeys.activate(): takes a seat, and repeated keeps it', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses, verification } = shop.licensing
  const { id, key } = await sell(shop)
  const first = await licenseKeys.activate(app, key, at(1, 'Laptop'), { client: 'desktop-app/1' })
  const { license } = first
  assert.deepEqual(
    [first.created, license.status, license.licenseKeyId, license.name, license.features, license.expiresAt],
    [true, 'active', id, 'Laptop', ['api_access'], end],
  )
  const shown = { id, status: 'active', expiresAt: end, updatesUntil: null, seats: 1, seatsUsed: 1 }
  assert.deepEqual(license.licenseKey, shown)
  assert.equal((await verification.verifyToken(app, tokenOf(license))).valid, true)
  const { seenAt, seenKid, seenClient } = await licenses.get(app, license.id)
  const kid = (await shop.licensing.apps.jwks(app)).keys[0]?.kid
  assert.deepEqual([seenAt, seenKid, seenClient], [start, kid, 'desktop-app/1'])
  const again = await licenseKeys.activate(app, ` ${key.toLowerCase()} `, at(1))
  assert.deepEqual([again.created, again.license.id, again.license.name], [false, license.id, 'Laptop'])
  assert.notEqual(again.license.jti, license.jti)
  const refusal = await refusalOf(licenseKeys.activate(app, key, at(2)))
  assert.deepEqual([refusal.code, refusal.details], ['seat_limit_reached', { seats: ['1 of 1 are taken'] }])
  assert.equal((await licenses.list(app, { licenseKeyId: id })).total, 1)
  assert.equal((await licenseKeys.get(app, id)).seatsUsed, 1)
})

test('licenseKeys.activate(): a full license key costs no signature', async () => {
  const shop = await newShop({ signing: { concurrency: 1, maxWaiting: 0 } })
  const { licenseKeys, load } = shop.licensing
  const { key } = await sell(shop)
  await seatAt(shop, key, 1)
  const before = load().signing
  assert.equal(await codeOf(licenseKeys.activate(app, key, at(2))), 'seat_limit_reached')
  assert.deepEqual(load().signing, before)
})

test('licenseKeys.activate(): refuses bad license keys alike, before anything else is checked', async () => {
  const shop = await newShop()
  const { apps, licenseKeys } = shop.licensing
  const { key, id } = await sell(shop)
  await apps.create({ name: 'Other', slug: 'other-app' })
  const swapped = key.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
  const guessed = `${key.slice(0, 9)}0000000000000000${key.slice(-2)}`
  const odd: readonly unknown[] = [
    swapped,
    guessed,
    '',
    id,
    null,
    undefined,
    7,
    {},
    'A'.repeat(1_000_001),
    'АААААА',
  ]
  for (const text of odd) {
    const refusal = await refusalOf(licenseKeys.activate(app, text, {} as never))
    assert.deepEqual([refusal.code, refusal.message], ['invalid_license_key', 'Invalid license key'])
    assert.equal(refusal.details, undefined)
  }
  assert.equal(await codeOf(licenseKeys.activate('other-app', key, at(1))), 'invalid_license_key')
  assert.equal(await codeOf(licenseKeys.activate('no-app', key, at(1))), 'not_found')
  assert.equal(await codeOf(licenseKeys.activate(app, key, {} as never)), 'validation_error')
  assert.equal(
    await codeOf(licenseKeys.activate(app, key, { ...at(1), name: 'x'.repeat(65) })),
    'validation_error',
  )
})

test('licenseKeys.activate(): a license key of an earlier app of the same slug opens nothing', async () => {
  const shop = await newShop()
  const { key } = await sell(shop, { key: 'key-of-another-shop' })
  await shop.licensing.apps.delete(app)
  await shop.licensing.apps.create({ name: 'New', slug: app })
  for (const text of [key, 'key-of-another-shop'])
    assert.equal(await codeOf(shop.licensing.licenseKeys.activate(app, text, at(1))), 'invalid_license_key')
})

test('licenseKeys.activate(): refuses a license key that ended, was revoked or lost its tier', async () => {
  const cases: Readonly<Record<string, (shop: Shop, id: string) => unknown>> = {
    license_key_expired: ({ clock }) => (clock.seconds = end),
    license_key_revoked: ({ licensing }, id) => licensing.licenseKeys.revoke(app, id),
    missing_tier: ({ licensing }) => licensing.tiers.delete(app, 'pro'),
    invalid_license_key: ({ licensing }, id) => licensing.licenseKeys.delete(app, id),
  }
  for (const [code, change] of Object.entries(cases)) {
    const shop = await newShop()
    const { id, key } = await sell(shop)
    await change(shop, id)
    assert.equal(await codeOf(shop.licensing.licenseKeys.activate(app, key, at(1))), code)
    const { valid, code: told } = await shop.licensing.licenseKeys.verify(app, key)
    assert.deepEqual([valid, told], [false, code])
  }
})

test('licenseKeys.activate(): calls `admit` for a good license key alone, and before the rest is checked', async () => {
  const shop = await newShop()
  const { id, key } = await sell(shop)
  const admitted: string[] = []
  const options = { admit: (each: string) => void admitted.push(each) }
  const { activate } = shop.licensing.licenseKeys
  assert.equal(await codeOf(activate(app, 'bad', at(1), options)), 'invalid_license_key')
  assert.equal(await codeOf(activate(app, key, {} as never, options)), 'validation_error')
  assert.deepEqual(admitted, [id])
})

test('licenseKeys.activate(): an active license of the installation makes way only for its token', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const [one, two] = [await sell(shop), await sell(shop)]
  const own = await seatAt(shop, one.key, 1)
  const other = await shop.issue({ installationId: installation(5) })
  const forged = [undefined, null, 'no token', tokenOf(other), tokenOf(own).replace(/.$/, 'A').slice(0, -3)]
  for (const currentToken of forged) {
    const refusal = await refusalOf(licenseKeys.activate(app, two.key, { ...at(1), currentToken } as never))
    assert.equal(refusal.code, 'conflict')
    assert.doesNotMatch(JSON.stringify([refusal.message, refusal.details]), /lic_|lkey_/)
  }
  assert.equal((await licenseKeys.get(app, two.id)).seatsUsed, 0)
  const moved = await licenseKeys.activate(app, two.key, { ...at(1), currentToken: own.token })
  assert.equal(moved.created, true)
  const { status, revokedCause } = await licenses.get(app, own.id)
  assert.deepEqual([status, revokedCause], ['revoked', 'moved'])
  assert.equal((await licenses.getByInstallation(app, installation(1))).id, moved.license.id)
  assert.equal((await licenseKeys.get(app, one.id)).seatsUsed, 0)
  const plain = await licenseKeys.activate(app, one.key, { ...at(5), currentToken: other.token })
  assert.equal(plain.created, true)
  assert.equal((await licenses.get(app, other.id)).revokedCause, 'moved')
})

test('licenseKeys.activate(): an invalidated token is no proof, and an expired one is', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await sell(shop)
  const stolen = await shop.issue()
  await licenses.regenerate(app, stolen.id, { invalidatePrevious: true })
  const activation = { installationId: stolen.installationId, currentToken: stolen.token }
  assert.equal(await codeOf(licenseKeys.activate(app, key, activation)), 'conflict')
  const old = await shop.issue({ durationDays: 1 })
  await licenses.update(app, old.id, { durationDays: 300 })
  shop.clock.seconds += 2 * day
  const shown = { installationId: old.installationId, currentToken: old.token }
  assert.equal((await licenseKeys.activate(app, key, shown)).created, true)
})

test('licenseKeys.activate(): takes the place of an expired license, and revokes an expired seat', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const short = await sell(shop, { durationDays: 1 })
  const { key } = await sell(shop, { seats: 2 })
  const seat = await seatAt(shop, short.key, 1)
  const plain = await shop.issue({ durationDays: 1, installationId: installation(2) })
  shop.clock.seconds += day
  for (const number of [1, 2]) assert.equal((await licenseKeys.activate(app, key, at(number))).created, true)
  assert.equal((await licenses.get(app, seat.id)).revokedCause, 'replaced')
  assert.equal((await licenses.get(app, plain.id)).status, 'expired')
  await licenseKeys.update(app, short.id, { durationDays: 30 })
  assert.equal((await licenses.get(app, seat.id)).status, 'revoked')
  assert.equal((await licenseKeys.get(app, short.id)).seatsUsed, 0)
})

test('licenseKeys.activate(): gives a silent seat away only when another installation needs it', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await sell(shop, { seats: 2, idleDays: 10 })
  const silent = await seatAt(shop, key, 1)
  shop.clock.seconds += 5 * day
  const lively = await seatAt(shop, key, 2)
  shop.clock.seconds += 5 * day
  assert.equal(await codeOf(licenseKeys.activate(app, key, at(3))), 'seat_limit_reached')
  shop.clock.seconds += 1
  assert.equal(await codeOf(licenses.renew(app, silent.id, silent.token)), 'ok')
  assert.equal(await codeOf(licenseKeys.activate(app, key, at(3))), 'seat_limit_reached')
  shop.clock.seconds += 5 * day
  assert.equal((await licenseKeys.activate(app, key, at(3))).created, true)
  assert.equal((await licenses.get(app, lively.id)).revokedCause, 'lapsed')
  assert.equal(await codeOf(licenses.renew(app, lively.id, lively.token)), 'license_released')
})

test('licenseKeys.activate(): replaces the seat that was seen first, as often as the year allows', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const terms = { seats: 2, whenFull: 'replace_oldest', releasesPerYear: 1 } as const
  const { id, key } = await sell(shop, { ...terms, forever: true })
  const [first] = [await seatAt(shop, key, 1), ((shop.clock.seconds += 1), await seatAt(shop, key, 2))]
  assert.equal((await licenseKeys.activate(app, key, at(3))).created, true)
  assert.equal((await licenses.get(app, first.id)).revokedCause, 'replaced')
  const { seatsUsed, releasesLeft } = await licenseKeys.get(app, id)
  assert.deepEqual([seatsUsed, releasesLeft], [2, 0])
  assert.equal(await codeOf(licenseKeys.activate(app, key, at(4))), 'seat_limit_reached')
  shop.clock.seconds += 365 * day
  assert.equal((await licenseKeys.activate(app, key, at(4))).created, true)
})

test('licenseKeys.activate(): a seat that the vendor revoked does not come back, and takes no seat', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await sell(shop)
  const seat = await seatAt(shop, key, 1)
  await licenses.revoke(app, seat.id, { reason: 'Stolen' })
  assert.equal(await codeOf(licenseKeys.activate(app, key, at(1))), 'license_revoked')
  assert.equal((await licenseKeys.get(app, id)).seatsUsed, 0)
  await seatAt(shop, key, 2)
  assert.equal(await codeOf(licenses.reinstate(app, seat.id)), 'seat_limit_reached')
  await licenseKeys.releaseAll(app, id)
  assert.equal((await licenses.reinstate(app, seat.id)).status, 'active')
  assert.equal((await licenseKeys.activate(app, key, at(1))).created, false)
})

/** Ways in which the seat of the first installation is given away, by cause. They resolve to its token, if it has one. */
const givenAway: Readonly<
  Record<string, (shop: Shop, key: string, seat: ActivatedLicense) => Promise<string | null | void>>
> = {
  released: async ({ licensing }, _key, seat) => {
    await licensing.licenseKeys.release(app, seat.id)
  },
  lapsed: async (shop, key) => {
    shop.clock.seconds += 11 * day
    await seatAt(shop, key, 2)
  },
  replaced: async (shop, key, { licenseKeyId }) => {
    await shop.licensing.licenseKeys.update(app, licenseKeyId!, {
      idleDays: null,
      whenFull: 'replace_oldest',
    })
    await seatAt(shop, key, 2)
  },
  moved: async (shop, _key, { token }) => {
    const other = await sell(shop)
    const shown = { ...at(1), currentToken: token }
    return (await shop.licensing.licenseKeys.activate(app, other.key, shown)).license.token
  },
}

for (const [cause, giveAway] of Object.entries(givenAway))
  test(`licenseKeys.activate(): a renewal takes no seat back that was ${cause}, and a person does`, async () => {
    const shop = await newShop()
    const { licenseKeys, licenses } = shop.licensing
    const { id, key } = await sell(shop, { seats: 1, idleDays: 10 })
    const seat = await seatAt(shop, key, 1)
    const renewal = { ...at(1), renewal: true }
    assert.equal((await licenseKeys.activate(app, key, renewal)).created, false)
    const currentToken = (await giveAway(shop, key, seat)) ?? null
    assert.equal((await licenses.get(app, seat.id)).revokedCause, cause)
    await licenseKeys.update(app, id, { seats: 2 })
    const used = (await licenseKeys.get(app, id)).seatsUsed
    assert.equal(await codeOf(licenseKeys.activate(app, key, renewal)), 'license_released')
    assert.equal((await licenseKeys.get(app, id)).seatsUsed, used)
    const back = await licenseKeys.activate(app, key, { ...at(1), renewal: false, currentToken })
    assert.deepEqual([back.created, back.license.id], [true, seat.id])
  })

test('licenseKeys.activate(): a renewal of a seat that the vendor revoked says so, and one without a seat takes one', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await sell(shop, { seats: 1 })
  const renewal = { ...at(1), renewal: true }
  const first = await licenseKeys.activate(app, key, renewal)
  assert.equal(first.created, true)
  await licenses.revoke(app, first.license.id)
  assert.equal(await codeOf(licenseKeys.activate(app, key, renewal)), 'license_revoked')
  assert.equal(
    await codeOf(licenseKeys.activate(app, key, { ...at(1), renewal: 'yes' } as never)),
    'validation_error',
  )
})

test('licenseKeys.activate(): a renewal that meets a release is one of the two, and takes no seat back', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await sell(shop, { seats: 1, releasesPerYear: null })
  for (let round = 0; round < 20; round += 1) {
    const seat = await seatAt(shop, key, 1)
    const [renewed] = await Promise.all([
      codeOf(licenseKeys.activate(app, key, { ...at(1), renewal: true })),
      licenseKeys.release(app, seat.id),
    ])
    assert.ok(['ok', 'license_released'].includes(renewed), renewed)
    assert.equal((await licenses.get(app, seat.id)).revokedCause, 'released')
    assert.equal((await licenseKeys.get(app, id)).seatsUsed, 0)
  }
})

test('licenses.revoke(): a seat that was given back does not come back either', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await sell(shop)
  const seat = await seatAt(shop, key, 1)
  await licenseKeys.release(app, seat.id)
  await licenses.revoke(app, seat.id)
  assert.equal(await codeOf(licenseKeys.activate(app, key, at(1))), 'license_revoked')
})

test('licenseKeys.activate(): the first one starts the time of a license key that waits for it', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const { id, key, ...sold } = await sell(shop, { starts: 'activation', durationDays: 30, seats: 2 })
  assert.deepEqual(
    [sold.status, sold.expiresAt, sold.durationDays, sold.activatedAt],
    ['active', null, 30, null],
  )
  shop.clock.seconds += 100 * day
  const begun = shop.clock.seconds
  assert.equal((await seatAt(shop, key, 1)).expiresAt, begun + 30 * day)
  shop.clock.seconds += day
  assert.equal((await seatAt(shop, key, 2)).expiresAt, begun + 30 * day)
  const { activatedAt, expiresAt } = await licenseKeys.get(app, id)
  assert.deepEqual([activatedAt, expiresAt], [begun, begun + 30 * day])
})

test('licenseKeys.activate(): brings back the end of an extended license key to whoever asks', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const { id, key } = await sell(shop)
  const seat = await seatAt(shop, key, 1)
  shop.clock.seconds = end + day
  assert.equal(await codeOf(licenseKeys.activate(app, key, at(1))), 'license_key_expired')
  await licenseKeys.update(app, id, { durationDays: 365 })
  const again = await licenseKeys.activate(app, key, at(1))
  const { id: seatId, status, expiresAt } = again.license
  assert.deepEqual([again.created, seatId, status, expiresAt], [false, seat.id, 'active', end + 366 * day])
})

test('licenseKeys.activate(): a twin call that takes the last seat between two reads is no stranger', async () => {
  const storage = memoryStorage()
  let twin: (() => Promise<unknown>) | null = null
  const thenTwin = async <T>(read: Promise<T>): Promise<T> => {
    const found = await read
    const call = twin
    twin = null
    await call?.()
    return found
  }
  const findSeating: typeof storage.findSeating = (...given) => thenTwin(storage.findSeating(...given))
  const shop = await newShop({ storage: { ...storage, findSeating } })
  const { key } = await sell(shop)
  twin = () => seatAt(shop, key, 1)
  assert.equal((await shop.licensing.licenseKeys.activate(app, key, at(1))).created, false)
})

test('licenseKeys.activate(): a rotation between commit and signature gives a token under the new key', async () => {
  const storage = memoryStorage()
  let meanwhile: (() => Promise<unknown>) | null = null
  const slow: typeof storage = {
    ...storage,
    transaction: async (...given) => {
      const committed = await storage.transaction(...given)
      const call = meanwhile
      meanwhile = null
      await call?.()
      return committed
    },
  }
  const shop = await newShop({ storage: slow })
  const { apps, licenseKeys } = shop.licensing
  let made = 0
  const newKeyPair = async () => testKeyPairs[++made]!
  // Another server, so this one still knows the earlier key.
  const { rotateKeys } = await createLicensing({ storage, masterKey, newKeyPair })
  const { key } = await sell(shop)
  const kids = new Set<string>()
  // The first one takes the seat, and the second one has it.
  for (const created of [true, false]) {
    meanwhile = () => rotateKeys(app)
    const done = await licenseKeys.activate(app, key, at(1))
    assert.equal(done.created, created)
    const { kid } = JSON.parse(atob(tokenOf(done.license).split('.')[0]!)) as { kid: string }
    assert.equal(kid, (await apps.jwks(app)).keys[0]?.kid)
    kids.add(kid)
  }
  assert.equal(kids.size, 2, 'each activation met a rotation')
})
