import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ActivatedLicense, LicenseKeyWithText } from '../../../src/core/index.ts'
import { codeOf, day, installation, newShop, type Shop } from '../../support/fixtures.ts'
import { app, sell } from './sale.ts'

/** A license key with one seat, which the vendor has revoked, and what its installation knows. */
interface Revoked extends Shop {
  readonly sold: LicenseKeyWithText
  readonly seat: ActivatedLicense
}

const place = { installationId: installation(1) }
const asOf = (clock: Shop['clock']): number => (clock.seconds += day)

async function sync({ licensing, clock }: Shop, ended: 'refund' | null): Promise<void> {
  const customer = { email: 'ada@example.com' }
  const sale = { externalId: 'sale', asOf: asOf(clock), customer, tierId: 'pro', seats: 1, expiresAt: null }
  await licensing.licenseKeys.sync(app, { ...sale, ended })
}

/** Ways in which somebody might bring the seat back without the vendor's reinstatement of it. */
const ways: Readonly<Record<string, (revoked: Revoked) => Promise<unknown>>> = {
  'its program activates again': async () => {},
  'its program shows its token': ({ licensing, sold, seat }) =>
    codeOf(licensing.licenseKeys.activate(app, sold.key, { ...place, currentToken: seat.token })),
  'its holder gives it back by the token': ({ licensing, seat }) =>
    licensing.licenseKeys.release(app, seat.id, { currentToken: seat.token }),
  'its holder gives it back by the license key': ({ licensing, seat, sold }) =>
    licensing.licenseKeys.release(app, seat.id, { licenseKey: sold.key }),
  'the vendor gives all seats back': ({ licensing, sold }) => licensing.licenseKeys.releaseAll(app, sold.id),
  'the license key is revoked and reinstated': async ({ licensing, sold }) => {
    await licensing.licenseKeys.revoke(app, sold.id)
    await licensing.licenseKeys.reinstate(app, sold.id)
  },
  'the sale is refunded, and goes on': async (shop) => {
    await sync(shop, 'refund')
    await sync(shop, null)
  },
  'the license key gets other terms': ({ licensing, sold }) =>
    licensing.licenseKeys.update(app, sold.id, { seats: 9, updatesUntil: 2_000_000_000 }),
  'another license key takes the place and gives it back': async (shop) => {
    const other = await sell(shop)
    const { license } = await shop.licensing.licenseKeys.activate(app, other.key, place)
    await shop.licensing.licenseKeys.release(app, license.id, { licenseKey: other.key })
  },
  'another installation takes the seat and gives it back': async ({ licensing, sold }) => {
    const elsewhere = { installationId: installation(2) }
    const { license } = await licensing.licenseKeys.activate(app, sold.key, elsewhere)
    await licensing.licenseKeys.release(app, license.id, { currentToken: license.token })
  },
}

async function withRevokedSeat(): Promise<Revoked> {
  const shop = await newShop()
  const sold = await sell(shop, { forever: true, externalId: 'sale' })
  const { license: seat } = await shop.licensing.licenseKeys.activate(app, sold.key, place)
  await shop.licensing.licenses.revoke(app, seat.id, { reason: 'Stolen' })
  return { ...shop, sold, seat }
}

describe('a seat that the vendor revoked comes back by the vendor alone', () => {
  for (const [name, way] of Object.entries(ways))
    test(`although ${name}`, async () => {
      const revoked = await withRevokedSeat()
      const { licensing, sold, seat } = revoked
      await way(revoked)
      const again = licensing.licenseKeys.activate(app, sold.key, place)
      assert.equal(await codeOf(again), 'license_revoked')
      assert.equal(await codeOf(licensing.licenses.renew(app, seat.id, seat.token)), 'license_revoked')
      assert.equal((await licensing.licenseKeys.get(app, sold.id)).seatsUsed, 0)
      assert.equal((await licensing.licenses.reinstate(app, seat.id)).status, 'active')
      const { created, license } = await licensing.licenseKeys.activate(app, sold.key, place)
      assert.deepEqual([created, license.id], [false, seat.id])
    })
})

test('licenses.reinstate(): refuses a seat of a full license key, until one was given back', async () => {
  const { licensing, sold, seat } = await withRevokedSeat()
  const { license: other } = await licensing.licenseKeys.activate(app, sold.key, {
    installationId: installation(2),
  })
  for (const options of [{}, { invalidatePrevious: true }])
    assert.equal(await codeOf(licensing.licenses.reinstate(app, seat.id, options)), 'seat_limit_reached')
  assert.equal((await licensing.licenseKeys.get(app, sold.id)).seatsUsed, 1)
  await licensing.licenseKeys.release(app, other.id)
  assert.equal((await licensing.licenses.reinstate(app, seat.id)).status, 'active')
  assert.equal(
    await codeOf(licensing.licenseKeys.activate(app, sold.key, { installationId: installation(2) })),
    'seat_limit_reached',
  )
})

test('A machine whose seat the vendor revoked does not come back by an earlier seat of the same license key', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await sell(shop, { seats: 2 })
  const moved = await licenseKeys.activate(app, key, { installationId: installation(2) })
  const left = await licenseKeys.activate(app, key, place)
  await licenseKeys.release(app, left.license.id)
  await licenses.update(app, moved.license.id, place)
  await licenses.revoke(app, moved.license.id)
  assert.equal(await codeOf(licenseKeys.activate(app, key, place)), 'license_revoked')
  await licenses.reinstate(app, moved.license.id)
  assert.equal((await licenseKeys.activate(app, key, place)).license.id, moved.license.id)
})
