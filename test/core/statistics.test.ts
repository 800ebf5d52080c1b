import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicensing, LicensingError, type Licensing, type Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import {
  codeOf,
  inProcessAlone,
  installation,
  masterKey,
  newShop,
  refusalOf,
  start,
  tokenOf,
  type Shop,
} from '../support/fixtures.ts'
import { keyPairSource, testKeyPairs } from '../support/keys.ts'

const app = 'desktop-app'
const hour = 3_600
const day = 86_400
const inProcess = inProcessAlone('It waits for no flush')

/** The sums of the series of an app, without those that are 0. */
async function totals(licensing: Licensing, slug = app): Promise<Readonly<Record<string, number>>> {
  await licensing.flush()
  const { series } = await licensing.stats(slug)
  const sums = Object.entries(series).map(
    ([name, numbers]) => [name, numbers.reduce((sum, number) => sum + number, 0)] as const,
  )
  return Object.fromEntries(sums.filter(([, sum]) => sum > 0))
}

/** A shop a minute after its app was made. */
async function openedShop(options: Parameters<typeof newShop>[0] = {}): Promise<Shop> {
  const shop = await newShop(options)
  shop.clock.seconds += 60
  return shop
}

test('stats(): counts each verification by its outcome', inProcess, async () => {
  const shop = await openedShop()
  const { licensing, clock } = shop
  const { verification, licenses } = licensing
  const good = await shop.issue()
  const short = await shop.issue({ durationDays: 1 })
  const bad = await shop.issue()
  await licenses.revoke(app, bad.id)
  clock.seconds += 2 * day
  const byInstallation = (number: number) =>
    codeOf(verification.verify(app, { installationId: installation(number) }))
  for (const number of [1, 1, 2, 3, 99]) await byInstallation(number)
  await codeOf(verification.verify('no-such-app', { installationId: installation(1) }))
  await verification.verifyToken(app, tokenOf(good))
  await verification.verifyToken(app, tokenOf(short))
  await verification.verifyToken(app, tokenOf(bad))
  await verification.verifyToken(app, 'a.b.c')
  await codeOf(verification.verifyToken('no-such-app', 'a.b.c'))
  await verification.verify(app, { jti: good.jti! })
  await codeOf(verification.verify(app, { jti: 'lic_none' }))
  await verification.verifyBatch(app, {
    installationIds: [installation(1), installation(2), installation(98)],
  })
  assert.deepEqual(await totals(licensing), {
    issued: 3,
    revoked: 1,
    'verify.invalid_token': 1,
    'verify.license_revoked': 2,
    'verify.not_found': 3,
    'verify.ok': 5,
    'verify.token_expired': 3,
  })
})

test('stats(): counts each renewal by its outcome', inProcess, async () => {
  const shop = await openedShop()
  const { licenses } = shop.licensing
  const [one, two] = [await shop.issue(), await shop.issue()]
  await licenses.renew(app, one.id, tokenOf(one))
  assert.equal(await codeOf(licenses.renew(app, two.id, tokenOf(one))), 'token_mismatch')
  assert.equal(await codeOf(licenses.renew(app, one.id, 'a.b.c')), 'invalid_token')
  assert.equal(await codeOf(licenses.renew('no-such-app', one.id, 'a.b.c')), 'not_found')
  await licenses.revoke(app, one.id)
  assert.equal(await codeOf(licenses.renew(app, one.id, tokenOf(one))), 'license_revoked')
  const admit = () => {
    throw new RangeError('too many')
  }
  await assert.rejects(licenses.renew(app, two.id, tokenOf(two), { admit }), RangeError)
  await licenses.regenerate(app, two.id)
  assert.deepEqual(await totals(shop.licensing), {
    issued: 2,
    'renew.invalid_token': 1,
    'renew.license_revoked': 1,
    'renew.ok': 1,
    'renew.token_mismatch': 1,
    revoked: 1,
  })
})

test('stats(): counts each activation, and the seats of a license key', inProcess, async () => {
  const shop = await openedShop()
  const { licensing, customer } = shop
  const { licenseKeys } = licensing
  const sold = await licenseKeys.create(app, {
    ...{ customerId: customer.id, tierId: 'pro', seats: 2, forever: true },
  })
  const activate = (number: number, key = sold.key) =>
    licenseKeys.activate(app, key, { installationId: installation(number) })
  const first = await activate(1)
  await activate(1)
  await activate(2)
  assert.equal(await codeOf(activate(3)), 'seat_limit_reached')
  assert.equal(await codeOf(activate(3, 'no key')), 'invalid_license_key')
  await licenseKeys.release(app, first.license.id)
  await activate(1)
  await licenseKeys.revoke(app, sold.id)
  await licenseKeys.revoke(app, sold.id)
  assert.equal(await codeOf(activate(2)), 'license_key_revoked')
  assert.deepEqual(await totals(licensing), {
    'activate.invalid_license_key': 1,
    'activate.license_key_revoked': 1,
    'activate.ok': 4,
    'activate.seat_limit_reached': 1,
    issued: 2,
    revoked: 2,
  })
})

test('stats(): what is not committed does not count', inProcess, async () => {
  const shop = await openedShop()
  const { licensing, storage, customer } = shop
  const license = { customerId: customer.id, tierId: 'pro', forever: true } as const
  const create = (each: Pick<Licensing, 'licenses'>, number: number) =>
    each.licenses.create(app, { ...license, installationId: installation(number) })
  const fault = new Error('undone')
  // The host may still roll back.
  await create(licensing.with(storage), 1)
  const key = (name: string) => ({ key: name, scope: 'test', fingerprint: 'x', license: { app } })
  const failing = licensing.idempotent(key('a'), async (inside) => {
    await create(inside, 2)
    throw fault
  })
  await assert.rejects(failing, fault)
  for (let call = 0; call < 2; call++) await licensing.idempotent(key('b'), (inside) => create(inside, 3))
  assert.deepEqual(await totals(licensing), { issued: 1 })
})

test('stats(): aligns hours and days in UTC, and fills in zeros', inProcess, async () => {
  const shop = await openedShop()
  const { licensing, clock } = shop
  await shop.issue()
  const verify = () => licensing.verification.verify(app, { installationId: installation(1) })
  const midnight = start - (start % day)
  for (const at of [midnight + day - 1, midnight + day, midnight + day, midnight + day + hour]) {
    clock.seconds = at
    await verify()
  }
  await licensing.flush()
  const hours = await licensing.stats(app, { step: 'hour', from: midnight + day - 2 * hour + 1 })
  assert.deepEqual([hours.from, hours.to], [midnight + day - 2 * hour, midnight + day + 2 * hour])
  assert.deepEqual(hours.series['verify.ok'], [0, 1, 2, 1])
  assert.deepEqual(hours.series['renew.ok'], [0, 0, 0, 0])
  const days = await licensing.stats(app, { from: midnight, to: new Date((midnight + 2 * day) * 1000) })
  assert.deepEqual([days.step, days.from, days.to], ['day', midnight, midnight + 2 * day])
  assert.deepEqual(days.series['verify.ok'], [1, 3])
  const usual = await licensing.stats(app)
  assert.deepEqual([usual.from, usual.to], [midnight - 28 * day, midnight + 2 * day])
  const usualHours = await licensing.stats(app, { step: 'hour' })
  assert.equal(usualHours.series['issued']?.length, 48)
})

const badPeriods = {
  'an end before the begin': { from: start, to: start - day },
  'an end at the begin': { from: start - (start % day), to: start - (start % day) },
  'an end before the begin, in one step': { from: start + 2, to: start + 1 },
  '401 days': { from: start - 400 * day, to: start },
  '401 hours': { step: 'hour', from: start - 401 * hour, to: start },
} as const
for (const [name, period] of Object.entries(badPeriods))
  test(`stats(): refuses ${name}`, async () => {
    const { licensing } = await newShop()
    const { code, details } = await refusalOf(licensing.stats(app, period))
    assert.deepEqual([code, Object.keys(details ?? {})], ['validation_error', ['from']])
  })

test('stats(): takes 400 steps to the last of them', inProcess, async () => {
  const shop = await openedShop()
  await shop.issue()
  await shop.licensing.flush()
  const end = start - (start % day) + day
  const { series, from } = await shop.licensing.stats(app, { from: end - 400 * day, to: end })
  assert.equal(from, end - 400 * day)
  assert.deepEqual([series['issued']?.length, series['issued']?.at(-1)], [400, 1])
})

test('stats(): a clock that is set back counts in its hour, and loses nothing', inProcess, async () => {
  const shop = await openedShop()
  const { licensing, clock } = shop
  await shop.issue({ forever: true })
  const midnight = start - (start % day)
  // Between 10:00:05 and 9:59:50 no write comes.
  for (const at of [10 * hour + 5, 10 * hour - 10, 10 * hour + 7, 30 * hour, 7 * hour]) {
    clock.seconds = midnight + at
    await licensing.verification.verify(app, { installationId: installation(1) })
  }
  await licensing.flush()
  const { series } = await licensing.stats(app, { step: 'hour', from: midnight, to: midnight + 31 * hour })
  const counted = series['verify.ok']!.flatMap((number, at) => (number > 0 ? [[at, number]] : []))
  assert.deepEqual(counted, [
    [7, 1],
    [9, 1],
    [10, 2],
    [30, 1],
  ])
})

test('stats(): a slug that is taken again has no number of the app before', inProcess, async () => {
  const shop = await openedShop()
  const { licensing, clock } = shop
  await shop.issue({ forever: true })
  const verify = (number: number) =>
    codeOf(licensing.verification.verify(app, { installationId: installation(number) }))
  for (const number of [1, 9, 9]) await verify(number)
  await licensing.apps.delete(app)
  await licensing.apps.create({ name: 'Again', slug: app }, { keyPair: testKeyPairs[3]! })
  assert.deepEqual(await totals(licensing), {})
  clock.seconds += 61
  await verify(9)
  assert.deepEqual(await totals(licensing), { 'verify.not_found': 1 })
})

/** A storage in which one verb can fail. */
function failing(verb: 'addTallies' | 'findApp'): { readonly storage: Storage; isDown: boolean } {
  const inner = memoryStorage()
  const state = { storage: Object.create(inner) as Storage, isDown: false }
  const call = async (given: never): Promise<unknown> => {
    if (state.isDown) throw new LicensingError('unavailable', 'The storage is away')
    return inner[verb](given)
  }
  Object.assign(state.storage, { [verb]: call })
  return state
}

test('flush(): numbers that storage does not take wait for the next call', inProcess, async () => {
  const state = failing('addTallies')
  const shop = await openedShop({ storage: state.storage })
  await shop.issue()
  state.isDown = true
  assert.equal(await codeOf(shop.licensing.flush()), 'unavailable')
  await shop.issue()
  state.isDown = false
  assert.deepEqual(await totals(shop.licensing), { issued: 2 })
})

test(
  'flush(): verifications whose apps storage does not find today wait for the next call',
  inProcess,
  async () => {
    const state = failing('findApp')
    const shop = await openedShop({ storage: state.storage })
    const verify = (slug: string) =>
      codeOf(shop.licensing.verification.verify(slug, { installationId: installation(9) }))
    for (const slug of ['no-such-app', app, app]) await verify(slug)
    state.isDown = true
    assert.equal(await codeOf(shop.licensing.flush()), 'unavailable')
    state.isDown = false
    await verify(app)
    assert.deepEqual(await totals(shop.licensing), { 'verify.not_found': 3 })
  },
)

test('stats(): a count writes those of the last minute', inProcess, async () => {
  const shop = await openedShop()
  const { licensing, clock } = shop
  await shop.issue({ forever: true })
  const verify = () => licensing.verification.verify(app, { installationId: installation(1) })
  const written = async () => (await licensing.stats(app)).series['issued']?.at(-1)
  clock.seconds += 59
  await verify()
  assert.equal(await written(), 0)
  clock.seconds += 1
  await verify()
  while ((await written()) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(await written(), 1)
})

test('stats(): two processes on one storage add up', inProcess, async () => {
  const shop = await openedShop()
  const other = await createLicensing({
    storage: shop.storage,
    masterKey,
    now: () => shop.clock.seconds * 1000,
    newKeyPair: keyPairSource(),
  })
  await shop.issue()
  for (const each of [shop.licensing, other, other])
    await each.verification.verify(app, { installationId: installation(1) })
  await Promise.all([other.flush(), shop.licensing.flush()])
  assert.deepEqual(await totals(shop.licensing), { issued: 1, 'verify.ok': 3 })
})

test(
  'stats(): slugs that no app has take a bounded memory, and known apps still count',
  inProcess,
  async () => {
    const storage = Object.create(memoryStorage()) as Storage
    const lookedUp: string[] = []
    const { findApp } = storage
    storage.findApp = (name) => {
      lookedUp.push(name)
      return findApp(name)
    }
    const { licensing, clock } = await openedShop({ storage })
    const verify = (slug: string) =>
      codeOf(licensing.verification.verify(slug, { installationId: installation(1) }))
    await verify(app)
    await licensing.flush()
    clock.seconds += 1
    for (let number = 0; number < 1_000; number++) await verify(`no-app-${number}`)
    await verify(app)
    lookedUp.length = 0
    assert.deepEqual(await totals(licensing), { 'verify.not_found': 2 })
    assert.ok(lookedUp.length < 300, `${lookedUp.length} look-ups`)
  },
)
