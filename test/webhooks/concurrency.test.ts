import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startDelivery, type WebhookRequest, type WebhookResponse } from '../../src/webhooks/index.ts'
import type { Licensing } from '../../src/core/index.ts'
import { newWorld } from '../support/fixtures.ts'
import { eventually } from './receivers.ts'

/** Creates an app for each slug, with this number of events. The path of its webhook is the slug. */
async function appsWithEvents(events: Readonly<Record<string, number>>): Promise<Licensing> {
  const { licensing } = await newWorld({ now: Date.now, webhooks: { allowPrivateTargets: true } })
  for (const [slug, count] of Object.entries(events)) {
    await licensing.apps.create({ name: 'App', slug, webhookUrl: `http://127.0.0.1/${slug}` })
    for (let event = 0; event < count; event++) await licensing.webhooks.test(slug)
  }
  return licensing
}

/** Sends no response before the attempt ends. */
function hang({ signal }: WebhookRequest): Promise<WebhookResponse> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new Error('over')), { once: true }),
  )
}

test('startDelivery(): sends no more events at the same time than `concurrency` allows', async () => {
  const slugs = Array.from({ length: 12 }, (_, app) => [`app-${app}`, 4] as const)
  const licensing = await appsWithEvents(Object.fromEntries(slugs))
  let inFlight = 0
  let most = 0
  const connect = async (request: WebhookRequest): Promise<WebhookResponse> => {
    most = Math.max(most, ++inFlight)
    return hang(request).finally(() => inFlight--)
  }
  const delivery = startDelivery(licensing, {
    connect,
    concurrency: 6,
    perApp: 4,
    pollMs: 20,
    deadlineMs: 200,
    stopMs: 0,
  })
  await setTimeout(700)
  await delivery.stop()
  assert.equal(most, 6)
})

test('startDelivery(): an app that waits for a slot comes before more events of apps whose receivers hang', async () => {
  const licensing = await appsWithEvents({ 'bad-1': 40, 'bad-2': 40, good: 0 })
  const sent: string[] = []
  const connect = async (request: WebhookRequest): Promise<WebhookResponse> => {
    sent.push(request.url.pathname)
    return request.url.pathname === '/good' ? { status: 204, retryAfter: null } : hang(request)
  }
  const delivery = startDelivery(licensing, {
    connect,
    concurrency: 4,
    perApp: 2,
    pollMs: 20,
    deadlineMs: 200,
    stopMs: 0,
  })
  await eventually(() => sent.length === 4)
  await licensing.webhooks.test('good')
  await eventually(() => sent.includes('/good'), 4_000)
  await delivery.stop()
  assert.ok(sent.indexOf('/good') < 20, `${sent.indexOf('/good')} were sent before it`)
})
