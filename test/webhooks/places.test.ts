import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startDelivery, type Connection, type Received } from '../../src/webhooks/index.ts'
import type { Licensing } from '../../src/core/index.ts'
import { newWorld } from '../support/fixtures.ts'
import { eventually } from './sent.ts'

/** Licensing with apps of these slugs, each with so many events for an address that ends in its slug. */
async function toldApps(events: Readonly<Record<string, number>>): Promise<Licensing> {
  const { licensing } = await newWorld({ now: Date.now, webhooks: { allowPrivateTargets: true } })
  for (const [slug, count] of Object.entries(events)) {
    await licensing.apps.create({ name: 'App', slug, webhookUrl: `http://127.0.0.1/${slug}` })
    for (let event = 0; event < count; event++) await licensing.webhooks.test(slug)
  }
  return licensing
}

/** Hangs until the attempt is over. */
function hang({ signal }: Connection): Promise<Received> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new Error('over')), { once: true }),
  )
}

test('of many apps with events due no more are sent at once than there are places', async () => {
  const slugs = Array.from({ length: 12 }, (_, app) => [`app-${app}`, 4] as const)
  const licensing = await toldApps(Object.fromEntries(slugs))
  let inFlight = 0
  let most = 0
  const connect = async (connection: Connection): Promise<Received> => {
    most = Math.max(most, ++inFlight)
    return hang(connection).finally(() => inFlight--)
  }
  const delivery = startDelivery(licensing, {
    ...{ connect, concurrency: 6, perApp: 4, pollMs: 20, deadlineMs: 200, stopMs: 0 },
  })
  await setTimeout(700)
  await delivery.stop()
  assert.equal(most, 6)
})

test('an app that found every place taken comes before more of those whose receivers hang', async () => {
  const licensing = await toldApps({ 'bad-1': 40, 'bad-2': 40, good: 0 })
  const sent: string[] = []
  const connect = async (connection: Connection): Promise<Received> => {
    sent.push(connection.url.pathname)
    return connection.url.pathname === '/good' ? { status: 204, retryAfter: null } : hang(connection)
  }
  const delivery = startDelivery(licensing, {
    ...{ connect, concurrency: 4, perApp: 2, pollMs: 20, deadlineMs: 200, stopMs: 0 },
  })
  await eventually(() => sent.length === 4)
  await licensing.webhooks.test('good')
  await eventually(() => sent.includes('/good'), 4_000)
  await delivery.stop()
  assert.ok(sent.indexOf('/good') < 20, `${sent.indexOf('/good')} were sent before it`)
})
