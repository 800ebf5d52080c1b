import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTypeId } from '../../../src/core/ids.ts'
import { sqliteStorage } from '../../../src/storage/sqlite.ts'
import { newApp } from '../../../src/testing/storage-cases/records.ts'
import { newShop } from '../../support/fixtures.ts'

test('diagnose() finds an id, a number and an e-mail of an app that is older than 300 others', async () => {
  const shop = await newShop({ storage: await sqliteStorage({ filename: ':memory:' }) })
  const { licensing, storage, customer } = shop
  await licensing.customers.update('desktop-app', customer.id, { externalId: 'crm-1' })
  const license = await shop.issue()
  const sold = { customerId: customer.id, tierId: 'pro', forever: true, externalId: 'order-1' } as const
  const key = await licensing.licenseKeys.create('desktop-app', sold)
  await storage.transaction(async (tx) => {
    for (let at = 0; at < 300; at++) await tx.insertApp(newApp({ id: newTypeId('app'), slug: `app-${at}` }))
  })
  for (const text of [
    license.id,
    license.installationId,
    key.id,
    customer.id,
    'Ada@example.com',
    'crm-1',
    'order-1',
  ]) {
    const { checks, cause } = await licensing.diagnose({ text })
    const hasFailed = checks.some(({ state }) => state === 'failed')
    assert.deepEqual([hasFailed, cause], [false, null], text)
  }
})
