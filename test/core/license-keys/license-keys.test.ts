import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLicenseKey } from '../../../src/core/license-keys/text.ts'
import type { LicenseKeyWithText } from '../../../src/core/index.ts'
import { codeOf, day, installation, newShop, refusalOf, start, type Shop } from '../../support/fixtures.ts'
import { claimsOf } from '../../support/tokens.ts'
import { seatFaults } from '../../storage/seat-invariants.ts'
import { app, end, sell } from './sale.ts'

async function seatAt({ licensing }: Shop, key: string, number: number) {
  return (await licensing.licenseKeys.activate(app, key, { installationId: installation(number) })).license
}

const withoutKey = ({ key: _key, ...rest }: LicenseKeyWithText) => rest

test('licenseKeys.create(): returns the given fields and a text that checks', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  await shop.licensing.tiers.update(app, 'pro', { limits: { projects: 3, exports: 1 } })
  const given = {
    ...{ customFeatures: ['extra', 'api_access'], customLimits: { exports: 5 }, name: 'Team' },
    ...{ seats: 3, whenFull: 'replace_oldest' as const, idleDays: 60, releasesPerYear: null },
    ...{ updatesUntil: end, externalId: 'sale', metadata: { order: 7 } },
  } as const
  const sold = await sell(shop, { ...given, tierId: shop.tier.id, key: 'KEY-of_another-shop' })
  const { id, key, keyLastFour, ...rest } = sold
  assert.match(id, /^lkey_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
  assert.deepEqual(checkLicenseKey(key), { ok: true, key })
  assert.equal(keyLastFour, key.slice(-4))
  assert.deepEqual(rest, {
    ...{ ...given, customerId: shop.customer.id, tierId: shop.tier.id, tier: 'pro' },
    ...{ features: ['api_access', 'extra'], limits: { exports: 5, projects: 3 }, status: 'active' },
    ...{ aliasLastFour: 'shop', seatsUsed: 0, releasesLeft: null, expiresAt: end, durationDays: null },
    ...{ starts: 'creation', activatedAt: null, revokedAt: null, revokedReason: null },
    ...{ createdAt: start, updatedAt: start },
  })
  assert.deepEqual(await licenseKeys.get(app, id, { include: 'key' }), sold)
  assert.deepEqual(await licenseKeys.get(app, id), withoutKey(sold))
  assert.deepEqual(await licenseKeys.getByExternalId(app, 'sale'), withoutKey(sold))
  assert.deepEqual((await licenseKeys.list(app)).data, [withoutKey(sold)])
  assert.deepEqual((await licenseKeys.list(app, { include: 'key' })).data, [sold])
})

test('licenseKeys.create(): refuses what breaks a rule, and names no value', async () => {
  const shop = await newShop()
  const odd: readonly object[] = [
    ...[0, 10_001, 1.5, '2', null].map((seats) => ({ seats })),
    ...['a'.repeat(15), 'a'.repeat(129), 'key of another shop', 'ключ-другого-магазина'].map((key) => ({
      key,
    })),
    ...[
      { idleDays: 0 },
      { idleDays: 3651 },
      { releasesPerYear: -1 },
      { whenFull: 'ask' },
      { name: 'x'.repeat(256) },
    ],
    ...[{ starts: 'activation', forever: true }, { starts: 'later' }, { externalId: '' }, { maxSeats: 2 }],
    ...[
      { customerId: 'cus_nobody' },
      { tierId: 'nothing' },
      { customLimits: { a: -1 } },
      { expiresAt: start },
    ],
  ]
  for (const terms of odd) {
    const refusal = await refusalOf(sell(shop, terms))
    assert.equal(refusal.code, 'validation_error', JSON.stringify(terms))
    assert.doesNotMatch(refusal.message, /nobody|nothing|ключ|ask/)
  }
  assert.equal((await shop.licensing.licenseKeys.list(app)).total, 0)
})

test('licenseKeys.create(): an external id or a shop’s key that is taken is a conflict', async () => {
  const shop = await newShop()
  await sell(shop, { externalId: 'sale', key: 'key-of-another-shop' })
  for (const [field, terms] of Object.entries({
    externalId: { externalId: 'sale' },
    key: { key: 'key-of-another-shop' },
  })) {
    const refusal = await refusalOf(sell(shop, terms))
    assert.deepEqual([refusal.code, refusal.details], ['conflict', { [field]: ['is already taken'] }])
  }
})

test('licenseKeys: a license key works under its own text and under that of the shop', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const uuid = '7F2C1E0A-5B7D-4C0E-9A53-0D6F3F1B2C4D'
  const [one, two] = [await sell(shop, { key: 'Key-of-another-shop' }), await sell(shop, { key: uuid })]
  const opened = async (text: string) => (await licenseKeys.authenticate(app, text)).key.id
  for (const text of [one.key, 'Key-of-another-shop', ' Key-of-another-shop\n'])
    assert.equal(await opened(text), one.id)
  for (const text of [two.key, uuid, uuid.toLowerCase()]) assert.equal(await opened(text), two.id)
  assert.equal(await codeOf(licenseKeys.authenticate(app, 'key-of-another-shop')), 'invalid_license_key')
})

test('licenseKeys: a prefix is only shown, and a test app always has TEST', async () => {
  const shop = await newShop()
  const { apps, licenseKeys } = shop.licensing
  const plain = await sell(shop)
  await apps.update(app, { keyPrefix: 'ACME' })
  const { key } = await licenseKeys.get(app, plain.id, { include: 'key' })
  assert.equal(key, `ACME-${plain.key}`)
  for (const text of [key, plain.key, key.replaceAll('-', '')])
    assert.equal((await licenseKeys.verify(app, text)).valid, true)
  for (const keyPrefix of ['TEST', 'a', 'acme', 'A', 'TOOLONGER'])
    assert.equal(await codeOf(apps.update(app, { keyPrefix })), 'validation_error')
  const trial = await apps.create({ name: 'Trial', slug: 'trial' }, { mode: 'test' })
  assert.equal(trial.keyPrefix, 'TEST')
  assert.equal(await codeOf(apps.update('trial', { keyPrefix: 'ACME' })), 'validation_error')
})

test('licenseKeys.update(): brings a changed claim to every seat in the same step', async () => {
  const shop = await newShop()
  const { licensing } = shop
  const { customers, licenseKeys, licenses, tiers } = licensing
  await tiers.create(app, { name: 'Team', slug: 'team', features: ['sync'], limits: { projects: 9 } })
  const { id: customerId } = await customers.create(app, { email: 'eve@example.com' })
  const { id, key } = await sell(shop, { seats: 3 })
  const [seat, gone] = [await seatAt(shop, key, 1), await seatAt(shop, key, 2)]
  await licenseKeys.release(app, gone.id)
  const changes = { customerId, tierId: 'team', customFeatures: ['own'], customLimits: { exports: 2 } }
  const changed = await licenseKeys.update(app, id, {
    ...changes,
    updatesUntil: end,
    forever: true,
    name: 'Eve',
  })
  assert.deepEqual([changed.tier, changed.features, changed.name], ['team', ['sync', 'own'], 'Eve'])
  const now = await licenses.get(app, seat.id, { include: 'token' })
  assert.deepEqual(
    [now.customerId, now.tier, now.features, now.limits, now.updatesUntil, now.expiresAt],
    [customerId, 'team', ['sync', 'own'], { exports: 2, projects: 9 }, end, null],
  )
  const claims = claimsOf(now.token!)
  assert.deepEqual([claims.tier, claims.limits, claims.exp], ['team', { exports: 2, projects: 9 }, undefined])
  assert.equal((await licenses.get(app, gone.id)).tier, 'pro')
  assert.equal((await seatAt(shop, key, 2)).tier, 'team')
})

test('licenseKeys.update(): what is no claim issues nothing anew', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await sell(shop, { seats: 2 })
  const { jti } = await seatAt(shop, key, 1)
  await licenseKeys.update(app, id, {
    seats: 5,
    name: 'Team',
    idleDays: 3,
    metadata: { a: 1 },
    externalId: 's',
  })
  assert.equal((await licenses.getByInstallation(app, installation(1))).jti, jti)
  const { updatedAt, ...rest } = await licenseKeys.get(app, id)
  shop.clock.seconds += 1
  assert.deepEqual(await licenseKeys.update(app, id, { seats: 5 }), { updatedAt, ...rest })
})

test('licenseKeys.update(): fewer seats than are taken throw nobody out', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await sell(shop, { seats: 3 })
  const seats = [await seatAt(shop, key, 1), await seatAt(shop, key, 2), await seatAt(shop, key, 3)]
  assert.equal((await licenseKeys.update(app, id, { seats: 1 })).seatsUsed, 3)
  for (const seat of seats) assert.equal(await codeOf(licenses.renew(app, seat.id, seat.token)), 'ok')
  const refusal = await refusalOf(licenseKeys.activate(app, key, { installationId: installation(4) }))
  assert.deepEqual(refusal.details, { seats: ['3 seats are taken, and 1 were sold'] })
  for (const { id: seat } of seats.slice(0, 2)) await licenseKeys.release(app, seat)
  assert.equal(await codeOf(seatAt(shop, key, 4)), 'seat_limit_reached')
  await licenseKeys.release(app, seats[2]!.id)
  assert.equal(await codeOf(seatAt(shop, key, 4)), 'ok')
})

test('licenses.update(): what belongs to the license key cannot be changed on a seat', async () => {
  const shop = await newShop()
  const { licenses } = shop.licensing
  const { key } = await sell(shop)
  const seat = await seatAt(shop, key, 1)
  const owned: readonly object[] = [
    ...[{ tierId: 'pro' }, { customerId: shop.customer.id }, { customFeatures: [] }, { customLimits: null }],
    ...[{ updatesUntil: null }, { durationDays: 1 }, { expiresAt: end }, { forever: true }],
  ]
  for (const changes of owned) {
    const refusal = await refusalOf(licenses.update(app, seat.id, changes))
    assert.equal(refusal.code, 'validation_error')
    assert.deepEqual(refusal.details, { [Object.keys(changes)[0]!]: ['belongs to the license key'] })
  }
  const changes = { name: 'Desk', metadata: { a: 1 }, installationId: installation(7) }
  const moved = await licenses.update(app, seat.id, changes)
  assert.deepEqual([moved.name, moved.metadata, moved.installationId], ['Desk', { a: 1 }, installation(7)])
  assert.equal((await licenses.getByInstallation(app, installation(7))).id, seat.id)
})

test('licenses.update(): an expired seat moves only to a free place, and holds it', async () => {
  const shop = await newShop()
  const { licenses } = shop.licensing
  const { key } = await sell(shop, { durationDays: 1 })
  const seat = await seatAt(shop, key, 1)
  await shop.issue({ installationId: installation(2) })
  shop.clock.seconds += day
  const move = (number: number) =>
    licenses.update(app, seat.id, { installationId: installation(number), metadata: { number } })
  assert.equal(await codeOf(move(2)), 'conflict')
  assert.equal(await codeOf(move(3)), 'ok')
  assert.equal((await licenses.getByInstallation(app, installation(3))).id, seat.id)
  assert.deepEqual(await seatFaults(shop.storage, shop.app.id), [])
})

test('licenseKeys.revoke() and reinstate(): end all seats, and bring back those whose place is free', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await sell(shop, { seats: 4 })
  const [kept, replaced, own, released] = [
    await seatAt(shop, key, 1),
    await seatAt(shop, key, 2),
    await seatAt(shop, key, 3),
    await seatAt(shop, key, 4),
  ]
  await licenses.revoke(app, own.id)
  await licenseKeys.release(app, released.id)
  const revoked = await licenseKeys.revoke(app, id, { reason: 'Unpaid' })
  assert.deepEqual([revoked.status, revoked.revokedReason, revoked.seatsUsed], ['revoked', 'Unpaid', 0])
  assert.equal(await codeOf(licenses.renew(app, kept.id, kept.token)), 'license_revoked')
  for (const seat of [kept, own])
    assert.equal(await codeOf(licenses.reinstate(app, seat.id)), 'license_key_revoked')
  await shop.issue({ installationId: installation(2) })
  assert.deepEqual(await licenseKeys.revoke(app, id), revoked)
  for (const changes of [{ seats: 9 }, { tierId: 'pro', forever: true }])
    assert.equal(await codeOf(licenseKeys.update(app, id, changes as never)), 'license_key_revoked')
  assert.equal((await licenseKeys.update(app, id, { name: 'Late' })).name, 'Late')
  const back = await licenseKeys.reinstate(app, id)
  assert.deepEqual([back.status, back.revokedReason, back.seatsUsed], ['active', null, 1])
  assert.equal(await codeOf(licenses.renew(app, kept.id, kept.token)), 'ok')
  const causes = await Promise.all([replaced, own, released].map(async (seat) => licenses.get(app, seat.id)))
  assert.deepEqual(
    causes.map(({ revokedCause }) => revokedCause),
    ['replaced', null, 'released'],
  )
})

test('licenseKeys.roll(): gives another text, and no installation notices', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const sold = await sell(shop, { key: 'key-of-another-shop' })
  const seat = await seatAt(shop, sold.key, 1)
  const good = async (text: string) => (await licenseKeys.verify(app, text)).valid
  const second = await licenseKeys.roll(app, sold.id, { overlapDays: 2 })
  assert.notEqual(second.key, sold.key)
  const all = async (...texts: string[]) => Promise.all(texts.map(good))
  assert.deepEqual(await all(second.key, sold.key, 'key-of-another-shop'), [true, true, true])
  shop.clock.seconds += 2 * day
  assert.deepEqual(await all(second.key, sold.key, 'key-of-another-shop'), [true, false, false])
  assert.equal((await licenseKeys.get(app, sold.id)).aliasLastFour, null)
  const third = await licenseKeys.roll(app, sold.id)
  assert.deepEqual(await all(third.key, second.key), [true, false])
  await licenseKeys.update(app, sold.id, { key: 'key-of-another-shop' })
  assert.equal(await good('key-of-another-shop'), false, 'a key that was rolled away stays away')
  await licenseKeys.update(app, sold.id, { key: 'new-key-of-the-shop' })
  assert.deepEqual(await all('new-key-of-the-shop', third.key), [true, true])
  assert.equal(await codeOf(licenses.renew(app, seat.id, seat.token)), 'ok')
  assert.equal(await codeOf(licenseKeys.roll(app, sold.id, { overlapDays: 91 })), 'validation_error')
})

test('licenseKeys.roll(): a text that was recognised before it takes and frees no seat after it', async () => {
  const shop = await newShop()
  const { licenseKeys } = shop.licensing
  const sold = await sell(shop, { seats: 2, key: 'key-of-another-shop' })
  const seat = await seatAt(shop, sold.key, 1)
  const shown = [
    await licenseKeys.authenticate(app, sold.key),
    await licenseKeys.authenticate(app, 'key-of-another-shop'),
  ]
  await licenseKeys.roll(app, sold.id)
  for (const licenseKey of shown) {
    const activated = licenseKeys.activate(app, licenseKey, { installationId: installation(2) })
    assert.equal(await codeOf(activated), 'invalid_license_key')
    assert.equal(await codeOf(licenseKeys.release(app, seat.id, { licenseKey })), 'invalid_license_key')
  }
  assert.equal((await licenseKeys.get(app, sold.id)).seatsUsed, 1)
})

test('licenseKeys.delete(): deletes the seats too', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { id, key } = await sell(shop)
  const seat = await seatAt(shop, key, 1)
  await licenseKeys.delete(app, id)
  for (const call of [licenseKeys.get(app, id), licenseKeys.delete(app, id), licenses.get(app, seat.id)])
    assert.equal(await codeOf(call), 'not_found')
  assert.equal(
    await codeOf(licenseKeys.activate(app, key, { installationId: installation(1) })),
    'invalid_license_key',
  )
})

test('idempotentCall(): a license key’s text is derived for each replay, and never stored', async () => {
  const shop = await newShop()
  const key = { key: 'order 1', scope: 'orders', fingerprint: 'same', licenseKey: { app } }
  const sold = { customerId: shop.customer.id, tierId: 'pro', forever: true } as const
  const once = () => shop.licensing.idempotentCall(key, (each) => each.licenseKeys.create(app, sold))
  const first = await once()
  const replayed = await once()
  assert.deepEqual([first.replayed, replayed.replayed, replayed.result], [false, true, first.result])
  const { licenseKey: _declared, ...plain } = key
  const undeclared = await shop.licensing.idempotentCall(plain, () => assert.fail())
  assert.equal((undeclared.result as { key: unknown }).key, null)
  const work = { ...key, key: 'order 2' }
  const whole = await shop.licensing.idempotent(work, (each) => each.licenseKeys.create(app, sold))
  assert.deepEqual(checkLicenseKey(whole.result.key), { ok: true, key: whole.result.key })
})
