import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Diagnosis, NewApiKey } from '../../../src/core/index.ts'
import { codeOf, day, installation, newShop, start, tokenOf, type Shop } from '../../support/fixtures.ts'

const app = 'desktop-app'

/** A shop whose clerk Ana deleted a license, a license key with a seat, and a customer with a license. */
async function deleted() {
  const shop = await newShop()
  const { licensing, customer, clock } = shop
  const terms = { tierId: 'pro', forever: true } as const
  const key = await licensing.licenseKeys.create(app, { ...terms, customerId: customer.id })
  const seat = await licensing.licenseKeys.activate(app, key.key, { installationId: installation(8) })
  const bob = await licensing.customers.create(app, { email: 'bob@example.com' })
  const bobs = { ...terms, customerId: bob.id, installationId: installation(9) }
  const [license, other] = [await shop.issue(), await licensing.licenses.create(app, bobs)]
  const { secret } = await licensing.apiKeys.create({ name: 'Ana' })
  const ana = licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!)
  clock.seconds += day
  await ana.licenses.delete(app, license.id)
  await ana.licenseKeys.delete(app, key.id)
  await ana.customers.delete(app, bob.id)
  return { ...shop, license, key, seat: seat.license, other }
}

async function ask({ licensing }: Shop, text: string, rights?: NewApiKey): Promise<Diagnosis> {
  if (rights === undefined) return licensing.diagnose({ text })
  const { secret } = await licensing.apiKeys.create(rights)
  return licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!).diagnose({ text })
}

function fault({ checks }: Diagnosis): readonly unknown[] {
  const failed = checks.find(({ state }) => state === 'failed')
  return [failed?.check, failed?.sentence, failed?.facts['deletedAt'], failed?.facts['deletedBy']]
}

const when = '24 January 2026, 10:00 UTC'

test('diagnose(): a deleted license says when and by whom, by its token, its jti and its id', async () => {
  const shop = await deleted()
  const { license, key, seat, other } = shop
  const cases: readonly (readonly [texts: readonly string[], check: string, how: string])[] = [
    [[tokenOf(license), license.jti, license.id], 'license', ''],
    [[tokenOf(seat), seat.jti, seat.id], 'license', ' with its license key'],
    [[tokenOf(other), other.jti, other.id], 'license', ' with its customer'],
    [[key.id], 'license_key', ''],
  ]
  for (const [texts, check, how] of cases)
    for (const text of texts) {
      const diagnosis = await ask(shop, text)
      const sentence = `It was deleted${how} on ${when} by Ana.`
      assert.deepEqual(fault(diagnosis), [check, sentence, start + day, 'Ana'], text)
      assert.equal(diagnosis.app, app)
    }
})

test('diagnose(): only a key that may read the audit log learns who deleted a license', async () => {
  const shop = await deleted()
  const text = tokenOf(shop.license)
  const unnamed = ['license', `It was deleted on ${when}.`, start + day, undefined]
  assert.deepEqual(fault(await ask(shop, text, { type: 'pk' })), unnamed)
  assert.deepEqual(fault(await ask(shop, text, { scopes: ['licenses:read'] })), unnamed)
  const named = await ask(shop, text, { scopes: ['licenses:read', 'audit:read'] })
  assert.match(String(fault(named)[1]), /by Ana/)
})

test('diagnose(): a key learns of no deletion in an app or a mode that it does not see', async () => {
  const shop = await deleted()
  await shop.licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const unknown = 'lic_01kfnb4zd5fd8rh1b9p2xj3t6y'
  for (const rights of [{ app: 'other-app' }, { mode: 'test' }] as const)
    for (const text of [shop.license.id, shop.seat.id, shop.other.id])
      assert.deepEqual(await ask(shop, text, rights), await ask(shop, unknown, rights))
})

test('diagnose(): a license of a deleted app reads as unknown', async () => {
  const shop = await deleted()
  await shop.licensing.apps.delete(app)
  assert.equal(await codeOf(shop.licensing.apps.get(app)), 'not_found')
  const { app: named, cause } = await ask(shop, shop.license.id)
  assert.deepEqual([named, cause], [null, 'no_license'])
})
