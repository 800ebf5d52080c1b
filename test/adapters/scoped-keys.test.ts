import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presets, scopes } from '../../src/core/scopes.ts'
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

test('a bound scoped key tells nothing of other apps', async () => {
  const fixture = await newFixture()
  const other = await fixture.licensing.apps.get('other-app')
  const { secret } = await fixture.licensing.apiKeys.create({
    app: 'desktop-app',
    scopes: scopes.filter((each) => each !== 'delete'),
  })
  const ask = (method: string, path: string) => fixture.send(method, path, { key: secret })
  for (const path of ['/me', '/apps', '/apps/desktop-app'])
    assert.doesNotMatch((await ask('GET', path)).text, /other-app|test-app|Other/, path)
  for (const name of ['other-app', other.id, 'test-app'])
    for (const path of ['', '/customers', '/licenses', '/license-keys', '/keys', '/webhook-secret']) {
      const missing = await ask('GET', `/apps/no-such-app${path}`)
      const response = await ask('GET', `/apps/${name}${path}`)
      assert.deepEqual([response.status, response.text], [404, missing.text], path)
    }
  assert.equal((await ask('GET', '/api-keys')).status, 403)
})
