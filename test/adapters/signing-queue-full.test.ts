import assert from 'node:assert/strict'
import { test } from 'node:test'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { newShop } from '../support/fixtures.ts'

test('POST /apps/:slug/licenses/:id/regenerate: 503 with Retry-After while the signing queue is full, and nothing is written', async () => {
  const shop = await newShop({ signing: { concurrency: 1, maxWaiting: 0 } })
  const { secret } = await shop.licensing.apiKeys.create({ type: 'sk', mode: 'live' })
  const { id } = await shop.issue()
  const server = licensingServer(shop.licensing)
  const regenerate = (): Promise<Response> => {
    const url = `http://localhost/api/v1/apps/desktop-app/licenses/${id}/regenerate`
    const headers = { authorization: `Bearer ${secret}` }
    return Promise.resolve(server.handle(new Request(url, { method: 'POST', headers })))
  }
  const responses = await Promise.all(Array.from({ length: 5 }, regenerate))
  const refused = responses.filter(({ status }) => status === 503)
  assert.ok(refused.length > 0)
  for (const response of refused) {
    assert.equal(response.headers.get('retry-after'), '1')
    const { error } = (await response.json()) as { error: { code: string } }
    assert.equal(error.code, 'unavailable')
  }
  const done = responses.filter(({ status }) => status === 200).length
  assert.equal(done + refused.length, 5)
  assert.equal((await shop.storage.findLicense(shop.app.id, id))?.revision, 1 + done)
})
