import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LicenseKeyWithText, NewLicenseKey } from '../../../src/core/index.ts'
import {
  codeOf,
  day,
  installation,
  newShop,
  refusalOf,
  start,
  tokenOf,
  type Shop,
} from '../../support/fixtures.ts'

type Terms = Partial<Omit<NewLicenseKey, 'durationDays' | 'expiresAt' | 'forever'>>

/** Sells a license key of a year. */
function sell({ licensing, customer }: Shop, terms: Terms = {}): Promise<LicenseKeyWithText> {
  const sale = { customerId: customer.id, tierId: 'pro', durationDays: 365, ...terms }
  return licensing.licenseKeys.create('desktop-app', sale)
}

test('licenseKeys.activate(): takes a seat, and repeated keeps it', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses, verification } = shop.licensing
  const { id, key } = await sell(shop)
  const first = await licenseKeys.activate('desktop-app', key, {
    installationId: installation(1),
    name: 'Laptop',
  })
  assert.equal(first.created, true)
  const { license } = first
  assert.deepEqual(
    [license.status, license.licenseKeyId, license.name, license.features, license.expiresAt],
    ['active', id, 'Laptop', ['api_access'], start + 365 * day],
  )
  assert.deepEqual(license.licenseKey, {
    id,
    status: 'active',
    expiresAt: start + 365 * day,
    updatesUntil: null,
    seats: 1,
    seatsUsed: 1,
  })
  assert.equal((await verification.verifyToken('desktop-app', tokenOf(license))).valid, true)
  const again = await licenseKeys.activate('desktop-app', ` ${key.toLowerCase()} `, {
    installationId: installation(1),
  })
  assert.deepEqual([again.created, again.license.id, again.license.name], [false, license.id, 'Laptop'])
  assert.notEqual(again.license.jti, license.jti)
  const refusal = await refusalOf(
    licenseKeys.activate('desktop-app', key, { installationId: installation(2) }),
  )
  assert.equal(refusal.code, 'seat_limit_reached')
  assert.deepEqual(refusal.details, { seats: ['1 of 1 are taken'] })
  assert.equal((await licenses.list('desktop-app', { licenseKeyId: id })).total, 1)
  assert.equal((await licenseKeys.get('desktop-app', id)).seatsUsed, 1)
})

test('licenseKeys.release(): frees the seat for another installation, and an activation brings it back', async () => {
  const shop = await newShop()
  const { licenseKeys, licenses } = shop.licensing
  const { key } = await sell(shop)
  const { license } = await licenseKeys.activate('desktop-app', key, { installationId: installation(1) })
  const given = await licenseKeys.release('desktop-app', license.id, { currentToken: license.token })
  assert.deepEqual(given, { released: true, releasesLeft: 11 })
  assert.deepEqual(
    await licenseKeys.release('desktop-app', license.id, { currentToken: license.token }),
    given,
  )
  assert.equal(await codeOf(licenses.renew('desktop-app', license.id, license.token)), 'license_released')
  const other = await licenseKeys.activate('desktop-app', key, { installationId: installation(2) })
  assert.deepEqual(await licenseKeys.release('desktop-app', other.license.id), given)
  const back = await licenseKeys.activate('desktop-app', key, { installationId: installation(1) })
  assert.deepEqual([back.created, back.license.id], [true, license.id])
  assert.equal(await codeOf(licenses.renew('desktop-app', license.id, license.token)), 'invalid_token')
})
