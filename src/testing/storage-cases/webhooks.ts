import assert from 'node:assert/strict'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, concurrently, farFuture, newWebhook, oddText, several } from './records.ts'

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
        queueFullAt: farFuture,
        droppedEvents: Number.MAX_SAFE_INTEGER,
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
  storageCase('listFullWebhooks(): returns the webhooks whose queue is full', async (storage) => {
    const apps = await several(3, () => addApp(storage))
    const [first, second, third] = apps.map(({ id }) => id) as [string, string, string]
    await storage.insertWebhook(newWebhook(first))
    const full = await storage.insertWebhook(newWebhook(second, { queueFullAt: 0, droppedEvents: 3 }))
    await storage.insertWebhook(newWebhook(third, { queueFullAt: farFuture }))
    const ids = (await storage.listFullWebhooks()).map(({ appId }) => appId)
    assert.deepEqual(ids.toSorted(), [second, third])
    await storage.updateWebhook(third, 1, { queueFullAt: null })
    assert.deepEqual(await storage.listFullWebhooks(), [full])
  }),
]
