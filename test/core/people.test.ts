import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, inProcessAlone, newShop, tokenOf } from '../support/fixtures.ts'

const person: Principal = {
  id: 'user:ana',
  type: 'sk',
  mode: 'live',
  appId: null,
  apps: ['other-app'],
  expiresAt: null,
  scopes: null,
}

const storages = { memory: memoryStorage, SQLite: () => sqliteStorage({ filename: ':memory:' }) }

for (const [name, open] of Object.entries(storages))
  test(
    `a person with a list of apps learns nothing of others by search, diagnosis and audit log, on ${name}`,
    inProcessAlone('a person comes in by the dashboard'),
    async () => {
      const shop = await newShop({ storage: await open() })
      const { licensing, customer, app } = shop
      await licensing.apps.create({ name: 'Other', slug: 'other-app' })
      const license = await shop.issue()
      const sold = { customerId: customer.id, tierId: 'pro', forever: true } as const
      const key = await licensing.licenseKeys.create(app.slug, { ...sold, externalId: 'order-1' })
      const own = licensing.restrictedTo(person)
      const ids = [app.id, app.slug, customer.id, 'ada@example.com', license.id, license.installationId]
      for (const text of [...ids, key.id, 'order-1', license.jti])
        assert.deepEqual(await own.search(text), [], text)
      for (const text of [...ids, key.id, 'order-1', license.jti, key.key, tokenOf(license)]) {
        const { app: named, licenseId, candidates, cause } = await own.diagnose({ text })
        assert.deepEqual([named, licenseId, candidates], [null, null, []], text)
        assert.notEqual(cause, null, text)
      }
      assert.equal(await codeOf(own.audit.list(null)), 'forbidden')
      assert.equal((await own.search('other-app')).length, 1)
      assert.equal((await own.audit.list('other-app')).data.length, 1)
    },
  )
