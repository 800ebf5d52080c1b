import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presets } from '../../src/core/scopes.ts'
import { newFixture } from './fixture.ts'
test('GET /me: every key learns its own rights, and a scoped key may revoke itself alone', async () => {
  const { send, licensing, keys } = await newFixture()
  const { secret, id } = await licensing.apiKeys.create({ name: 'Help desk', preset: 'support' })
  const { data } = (await send('GET', '/me', { key: secret })).json() as { data: Record<string, unknown> }
  assert.deepEqual(
    [data.id, data.name, data.type, data.mode, data.app, data.scopes, data.expires_at],
    [id, 'Help desk', 'sk', 'live', null, presets.support.scopes, null],
  )
  const { id: other } = (await send('GET', '/me', { key: keys.pk })).data<{ id: string }>()
  assert.equal((await send('DELETE', `/api-keys/${other}`, { key: secret })).status, 403)
  assert.equal((await send('DELETE', `/api-keys/${id}`, { key: secret })).status, 204)
  assert.equal((await send('GET', '/me', { key: secret })).status, 401)
})

test('POST /api-keys: a replay belongs to the key that asked, and tells a weaker one nothing', async () => {
  const { send, licensing, keys } = await newFixture()
  const weak = await licensing.apiKeys.create({ scopes: ['keys:write', 'licenses:read'] })
  const headers = { 'idempotency-key': 'make-1' }
  const body = { name: 'All' }
  const first = await send('POST', '/api-keys', { key: keys.sk, headers, body })
  assert.equal(first.status, 201)
  const second = await send('POST', '/api-keys', { key: weak.secret, headers, body })
  assert.equal(second.status, 403)
  assert.doesNotMatch(second.text, /sk_live/)
  const own = { scopes: ['licenses:read'] }
  const made = await send('POST', '/api-keys', { key: weak.secret, headers, body: own })
  const again = await send('POST', '/api-keys', { key: weak.secret, headers, body: own })
  assert.deepEqual([made.status, again.text], [201, made.text])
})
