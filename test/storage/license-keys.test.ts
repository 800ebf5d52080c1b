import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Activation, LicenseKeyWithText, LicensingErrorCode, Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, day, installation, newShop, type Shop, start, tallyOf } from '../support/fixtures.ts'
import { app, sell } from '../core/license-keys/sale.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { seatFaults } from './seat-invariants.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const callers = 64
/** Callers of a race in which each call costs a signature. */
const signers = 24
const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at))

function activate({ licensing }: Shop, { key }: LicenseKeyWithText, number: number): Promise<Activation> {
  return licensing.licenseKeys.activate(app, key, { installationId: installation(number) })
}

/** Fails unless every outcome is `ok` or one of these. */
async function outcomes(
  calls: readonly Promise<unknown>[],
  ...expected: LicensingErrorCode[]
): Promise<string[]> {
  const codes = await Promise.all(calls.map(codeOf))
  const known: readonly string[] = ['ok', ...expected]
  assert.deepEqual(
    codes.filter((code) => !known.includes(code)),
    [],
  )
  return codes
}

const races: Readonly<Record<string, (shop: Shop) => Promise<void>>> = {
  'of 64 installations that want 5 seats, 5 get one': async (shop) => {
    const sold = await sell(shop, { seats: 5 })
    const tally = await tallyOf(times(callers, (at) => activate(shop, sold, at)))
    assert.deepEqual(tally, { ok: 5, seat_limit_reached: callers - 5 })
    assert.equal(await shop.storage.countSeats(sold.id), 5)
  },

  '24 activations of one installation take one seat': async (shop) => {
    const sold = await sell(shop)
    const all = await Promise.all(times(signers, () => activate(shop, sold, 1)))
    assert.equal(all.filter(({ created }) => created).length, 1)
    assert.equal(new Set(all.map(({ license }) => license.id)).size, 1)
    assert.equal(new Set(all.map(({ license }) => license.jti)).size, signers)
  },

  'no activation outlives a revocation of the license key': async (shop) => {
    const sold = await sell(shop, { seats: signers })
    const calls: Promise<unknown>[] = times(signers, (at) => activate(shop, sold, at))
    calls.splice(signers / 2, 0, shop.licensing.licenseKeys.revoke(app, sold.id))
    await outcomes(calls, 'license_key_revoked')
    assert.equal(await shop.storage.countSeats(sold.id), 0)
  },

  'every seat has the terms of its license key, whatever the order of change and activation': async (
    shop,
  ) => {
    const sold = await sell(shop, { seats: signers })
    await shop.licensing.tiers.create(app, { name: 'Team', slug: 'team', features: ['sync'] })
    const calls: Promise<unknown>[] = times(signers, (at) => activate(shop, sold, at))
    const { update } = shop.licensing.licenseKeys
    calls.splice(8, 0, update(app, sold.id, { tierId: 'team', customFeatures: ['own'] }))
    calls.splice(16, 0, update(app, sold.id, { forever: true, updatesUntil: start }))
    await outcomes(calls)
    assert.equal(await shop.storage.countSeats(sold.id), signers)
    const { data } = await shop.licensing.licenses.list(app, { licenseKeyId: sold.id, perPage: 100 })
    assert.deepEqual(new Set(data.map(({ expiresAt }) => expiresAt)), new Set([null]))
  },

  'an activation with a rolled text is refused, and takes no seat': async (shop) => {
    const sold = await sell(shop, { seats: signers })
    const calls: Promise<unknown>[] = times(signers, (at) => activate(shop, sold, at))
    calls.splice(signers / 2, 0, shop.licensing.licenseKeys.roll(app, sold.id))
    const codes = await outcomes(calls, 'invalid_license_key')
    const taken = codes.filter((code) => code === 'ok').length - 1
    assert.equal(await shop.storage.countSeats(sold.id), taken)
  },

  'a deleted license key leaves no seat': async (shop) => {
    const sold = await sell(shop, { seats: signers })
    const calls: Promise<unknown>[] = times(signers, (at) => activate(shop, sold, at))
    calls.splice(signers / 2, 0, shop.licensing.licenseKeys.delete(app, sold.id))
    await outcomes(calls, 'invalid_license_key')
    assert.equal((await shop.licensing.licenses.list(app)).total, 0)
  },

  'two license keys for one installation: one gets the place': async (shop) => {
    const sold = [await sell(shop), await sell(shop)] as const
    const all = await outcomes(
      times(signers, (at) => activate(shop, sold[at % 2]!, 1)),
      'conflict',
    )
    assert.equal(all.filter((code) => code === 'ok').length, signers / 2)
    const counts = await Promise.all(sold.map(({ id }) => shop.storage.countSeats(id)))
    assert.deepEqual(counts.toSorted(), [0, 1])
  },

  'no renewal undoes an end that the license key was given meanwhile': async (shop) => {
    const sold = await sell(shop, { seats: 8 })
    const seats = await Promise.all(times(8, (at) => activate(shop, sold, at)))
    const { licenses, licenseKeys } = shop.licensing
    const calls: Promise<unknown>[] = times(signers, (at) => {
      const { id, token } = seats[at % 8]!.license
      return licenses.renew(app, id, token)
    })
    calls.splice(signers / 2, 0, licenseKeys.update(app, sold.id, { expiresAt: start + day }))
    await outcomes(calls)
    const { data } = await licenses.list(app)
    assert.deepEqual(new Set(data.map(({ expiresAt }) => expiresAt)), new Set([start + day]))
  },

  'a renewal beside the end of its idle seat: one of the two has the seat': async (shop) => {
    const { clock, licensing, storage } = shop
    for (let round = 0; round < 8; round++) {
      const sold = await sell(shop, { idleDays: 1 })
      const { license } = await activate(shop, sold, 2 * round)
      clock.seconds += 2 * day
      const renewed = () => licensing.licenses.renew(app, license.id, license.token)
      const wanted = () => activate(shop, sold, 2 * round + 1)
      const order = round % 2 ? [renewed, wanted] : [wanted, renewed]
      const codes = await outcomes(
        order.map((call) => call()),
        'license_released',
        'seat_limit_reached',
      )
      assert.ok(codes.includes('ok'))
      assert.equal(await storage.countSeats(sold.id), 1)
    }
  },

  'of 24 first activations one starts the time': async (shop) => {
    const sold = await sell(shop, { seats: signers, starts: 'activation', durationDays: 30 })
    const all = await Promise.all(times(signers, (at) => activate(shop, sold, at)))
    assert.deepEqual(new Set(all.map(({ license }) => license.expiresAt)), new Set([start + 30 * day]))
    const { activatedAt } = await shop.licensing.licenseKeys.get(app, sold.id)
    assert.equal(activatedAt, start)
  },

  'a rotation beside activations leaves every seat a good token': async (shop) => {
    const sold = await sell(shop, { seats: 16 })
    const { licensing } = shop
    const calls: Promise<unknown>[] = times(16, (at) => activate(shop, sold, at))
    calls.splice(8, 0, licensing.rotateKeys(app))
    await outcomes(calls)
    for (const { id } of (await licensing.licenses.list(app)).data) {
      const { valid } = await licensing.verification.verifyToken(app, await licensing.licenses.token(app, id))
      assert.equal(valid, true)
    }
  },

  'a tier, customer or app that goes meanwhile leaves no seat behind': async (shop) => {
    const { licensing, storage, customer } = shop
    const goings = [
      () => licensing.tiers.delete(app, 'pro'),
      () => licensing.customers.delete(app, customer.id),
      () => licensing.apps.delete(app),
    ]
    for (const [round, going] of goings.entries()) {
      if (round === 1) await licensing.tiers.create(app, { name: 'Pro', slug: 'pro' })
      const { id: customerId } =
        round < 2 ? customer : await licensing.customers.create(app, { email: 'e@x.de' })
      const sold = await sell(shop, { customerId, seats: signers })
      const calls: Promise<unknown>[] = times(signers, (at) => activate(shop, sold, 100 * round + at))
      calls.splice(signers / 2, 0, going())
      await outcomes(calls, 'missing_tier', 'not_found', 'invalid_license_key', 'validation_error')
      const left = await storage.listLicenses(
        { appId: shop.app.id, now: 0, licenseKeyId: sold.id },
        { limit: 99 },
      )
      const stranded = round === 0 ? left.filter(({ tierId }) => tierId !== null) : left
      assert.deepEqual(stranded, [])
    }
  },

  'an activation takes the place of a license that is being deleted with its customer': async (shop) => {
    const { licensing, storage, customer: sold, app: record } = shop
    const leaving = await licensing.customers.create(app, { email: 'bob@example.com' })
    const key = await sell(shop, { customerId: sold.id })
    const gone = await activate(shop, await sell(shop, { customerId: leaving.id }), 1)
    assert.equal(await codeOf(activate(shop, key, 1)), 'conflict')
    const deletion = { id: leaving.id, appId: record.id, kind: 'customer', startedAt: start } as const
    const isHidden = (await storage.beginDeletion(deletion, 0)) === 'begun'
    // Memory deletes all in one step.
    if (!isHidden) await licensing.customers.delete(app, leaving.id)
    const { license, created } = await activate(shop, key, 1)
    assert.equal(created, true)
    assert.equal(await licensing.finishDeletions(), isHidden ? 1 : 0)
    assert.equal(await codeOf(licensing.licenses.get(app, gone.license.id)), 'not_found')
    assert.equal((await licensing.licenses.get(app, license.id)).status, 'active')
    assert.equal(await storage.countSeats(key.id), 1)
  },

  'releases, activations and reinstatements at once sell no seat twice': async (shop) => {
    const sold = await sell(shop, { seats: 4, releasesPerYear: null })
    const { licenseKeys, licenses } = shop.licensing
    const first = await Promise.all(times(4, (at) => activate(shop, sold, at)))
    for (const { license } of first.slice(0, 2)) await licenses.revoke(app, license.id)
    const calls = times(callers, (at): Promise<unknown> => {
      const { id } = first[at % 4]!.license
      if (at % 3 === 0) return activate(shop, sold, at)
      return at % 3 === 1
        ? licenseKeys.release(app, id, { licenseKey: sold.key })
        : licenses.reinstate(app, id)
    })
    await outcomes(calls, 'seat_limit_reached', 'license_revoked')
  },
}

async function run(storage: Storage, race: (shop: Shop) => Promise<void>): Promise<void> {
  try {
    const shop = await newShop({ storage })
    await race(shop)
    assert.deepEqual(await seatFaults(storage, shop.app.id), [])
  } finally {
    await storage.close()
  }
}

for (const [name, race] of Object.entries(races)) {
  describe(`License keys: ${name}`, () => {
    it('in memory', () => run(memoryStorage(), race))

    it('on SQLite', () => withFiles(async (nextFile) => run(await openTarget(nextFile()), race)))

    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
      run(await openTarget(await database!.emptied()), race),
    )
  })
}
