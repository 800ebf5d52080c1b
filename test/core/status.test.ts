import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inProcessAlone, newShop, newWorld, start } from '../support/fixtures.ts'

const app = 'desktop-app'
const inProcess = inProcessAlone('A server notes what it refuses')

test('status(): shows the queue of signatures, the webhooks and the clock', inProcess, async () => {
  const { licensing, clock, storage, app: record } = await newShop()
  await licensing.apps.update(app, { webhookUrl: 'https://example.com/hook' })
  await licensing.webhooks.test(app)
  clock.seconds += 5
  assert.deepEqual(await licensing.status(), {
    storage: 'ok',
    signing: { running: 0, waiting: 0 },
    webhooks: { due: 1, oldestDueAt: start, disabled: [], webhookQueueFull: [] },
    clock: start + 5,
    refusals: [],
  })
  await licensing.webhooks.secret(app)
  await storage.updateWebhook(record.id, (await storage.findWebhook(record.id))!.version, { disabledAt: 9 })
  assert.deepEqual((await licensing.status()).webhooks.disabled, [app])
  await storage.close()
  const down = await licensing.status()
  assert.deepEqual([down.storage, down.webhooks.due], ['error', null])
})

test('status(): keeps the last refusals of each code', inProcess, async () => {
  const { licensing, clock } = await newWorld()
  const refusal = { route: 'GET /apps', app: null, kid: null }
  for (let number = 0; number < 3; number++)
    licensing.noteRefusal({ ...refusal, code: 'forbidden', requestId: `early-${number}` })
  clock.seconds -= 60
  for (let number = 0; number < 10_000; number++)
    licensing.noteRefusal({ ...refusal, code: 'rate_limited', requestId: `crowd-${number}` })
  const { refusals } = await licensing.status()
  assert.equal(refusals.length, 28)
  assert.deepEqual(refusals[0], {
    ...refusal,
    time: start - 60,
    code: 'rate_limited',
    requestId: 'crowd-9999',
  })
  assert.deepEqual(
    refusals.slice(-3).map(({ requestId }) => requestId),
    ['early-2', 'early-1', 'early-0'],
  )
})
