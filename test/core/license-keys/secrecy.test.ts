import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sqliteStorage } from '../../../src/storage/sqlite.ts'
import { spoken } from '../../support/dump.ts'
import { installation, newShop } from '../../support/fixtures.ts'
import { inTemporaryFolder } from '../../storage/temporary-folder.ts'
import { app, sell } from './sale.ts'

/** The text of the database file and of its log. */
function bytesOf(filename: string): string {
  return ['', '-wal'].map((end) => readFileSync(`${filename}${end}`, 'latin1')).join('')
}

test('licenseKeys: no text of a license key is in the database, an event or an error', () =>
  inTemporaryFolder(async (folder) => {
    const filename = `${folder}/licenses.db`
    const storage = await sqliteStorage({ filename })
    const shop = await newShop({ storage })
    const { licensing } = shop
    await licensing.apps.update(app, { webhookUrl: 'https://example.com/hook' })
    const events: unknown[] = []
    for (const type of [
      'license_key.created',
      'license_key.rolled',
      'license.activated',
      'license.released',
    ] as const)
      licensing.on(type, (event) => void events.push(event))
    const alias = 'key-of-another-shop'
    const key = { key: 'order 1', scope: 'orders', fingerprint: 'same', licenseKey: { app } }
    const sold = { customerId: shop.customer.id, tierId: 'pro', forever: true, key: alias } as const
    const { result } = await licensing.idempotentCall(key, (each) => each.licenseKeys.create(app, sold))
    const rolled = await licensing.licenseKeys.roll(app, result.id, { overlapDays: 1 })
    const errors: unknown[] = []
    const failing = [result.key, rolled.key, alias].map((text) => async () => {
      const { license } = await licensing.licenseKeys.activate(app, text, { installationId: installation(1) })
      await licensing.licenseKeys
        .activate(app, text, { installationId: installation(2) })
        .catch((error: unknown) => {
          errors.push(error)
        })
      await licensing.licenseKeys.release(app, license.id, { licenseKey: text })
      await licensing.licenseKeys
        .activate(app, `${text}0`, {} as never)
        .catch((error: unknown) => errors.push(error))
    })
    for (const call of failing) await call()
    await sell(shop, { key: alias }).catch((error: unknown) => errors.push(error))
    assert.equal(errors.length, 7)
    assert.ok(events.length >= 8)
    const told = JSON.stringify(events) + errors.map(spoken).join('')
    const kept = bytesOf(filename)
    assert.ok(kept.includes(result.id) && told.includes(result.id))
    for (const text of [result.key, rolled.key, alias]) {
      const plain = text.replaceAll('-', '')
      // The handle is stored, and it is no secret.
      for (const secret of [text, plain, plain.slice(7)])
        for (const form of [secret, secret.toLowerCase()]) {
          assert.equal(kept.includes(form), false, 'the database holds it')
          assert.equal(told.includes(form), false, 'an event or an error holds it')
        }
    }
    await storage.close()
  }))
