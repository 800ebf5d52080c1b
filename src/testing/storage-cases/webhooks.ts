import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, concurrently, farFuture, newWebhook, oddText } from './records.ts'

export const webhookCases: readonly ConformanceCase[] = [
  storageCase(
    'insertWebhook(): returns every field unchanged, and the first webhook stays',
    async (storage) => {
      const app = await addApp(storage)
      const webhook = newWebhook(app.id, {
        secret: oddText,
        previousSecret: oddText,
        previousUntil: farFuture,
        failures: 7,
        disabledAt: 0,
      })
      assert.equal(await storage.findWebhook(app.id), null)
      assert.deepEqual(await storage.insertWebhook(webhook), webhook)
      assert.deepEqual(await storage.insertWebhook(newWebhook(app.id)), webhook)
      assert.deepEqual(await storage.findWebhook(app.id), webhook)
    },
  ),
  storageCase('insertWebhook(): 8 concurrent calls return the same webhook', async (storage) => {
    const app = await addApp(storage)
    const made = await concurrently(8, (index) =>
      storage.insertWebhook(newWebhook(app.id, { secret: `${index}` })),
    )
    assert.equal(new Set(made.map(({ secret }) => secret)).size, 1)
    assert.deepEqual(await storage.findWebhook(app.id), made[0])
  }),
  storageCase(
    'updateWebhook(): needs the version, null clears a field, and one of 8 concurrent calls wins',
    async (storage) => {
      const app = await addApp(storage)
      const webhook = await storage.insertWebhook(
        newWebhook(app.id, { disabledAt: 5, previousSecret: 'old' }),
      )
      const patch = { disabledAt: null, previousSecret: null }
      assert.deepEqual(await storage.updateWebhook(app.id, 1, patch), { ...webhook, ...patch, version: 2 })
      assert.equal(await storage.updateWebhook(app.id, 1, { failures: 1 }), null)
      assert.equal(await storage.updateWebhook('app_missing', 1, {}), null)
      const changes = await concurrently(8, (index) => storage.updateWebhook(app.id, 2, { failures: index }))
      assert.equal(changes.filter((change) => change !== null).length, 1)
    },
  ),
]
