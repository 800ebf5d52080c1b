import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recoveryKeyId, signWithRecoveryKey } from '../../src/core/index.ts'
import { newShop } from '../support/fixtures.ts'
import { recoveryKeys } from '../support/keys.ts'
import { serve } from './test-server.ts'

const rotate = '/apps/desktop-app/rotate-keys'

test('GET trust.json: anybody may read and keep it, and asks again by its entity tag', async () => {
  const shop = await newShop()
  const { send, keys } = await serve(shop)
  const path = '/apps/desktop-app/trust.json'
  const first = await send('GET', path, { headers: { origin: 'https://elsewhere.example' } })
  const header = (name: string) => first.headers.get(name)
  assert.deepEqual(
    [first.status, header('content-type'), header('cache-control'), header('access-control-allow-origin')],
    [200, 'application/json', 'public, max-age=300', '*'],
  )
  assert.deepEqual(first.json(), await shop.licensing.apps.trust('desktop-app'))
  const etag = header('etag')!
  assert.equal((await send('GET', path, { headers: { 'if-none-match': etag } })).status, 304)
  await send('POST', rotate, { key: keys.sk, body: {} })
  const second = await send('GET', path, { headers: { 'if-none-match': etag } })
  assert.deepEqual([second.status, second.json<{ statements: [] }>().statements.length], [200, 2])
  assert.equal((await send('GET', '/apps/nowhere/trust.json', {})).status, 404)
})

test('POST rotate-keys: compromised needs no recovery key until the app has one', async () => {
  const { licensing } = await newShop()
  const { send, keys } = await serve({ licensing } as Awaited<ReturnType<typeof newShop>>)
  const post = (body: object) => send('POST', rotate, { key: keys.sk, body })
  const both = await post({ compromised: true, grace_period_days: 1 })
  assert.equal(both.status, 422)
  assert.deepEqual(Object.keys(both.error().details ?? {}), ['grace_period_days'])
  assert.equal((await post({ compromised: true, recover: 'x' })).status, 422)
  assert.equal((await post({ compromised: true })).status, 200)
  const { privateKeyPem } = recoveryKeys[0]!
  const recovery = { threshold: 1, kids: [await recoveryKeyId(privateKeyPem)] }
  await licensing.recovery.set('desktop-app', recovery, async (payload) => [
    await signWithRecoveryKey(payload, privateKeyPem),
  ])
  const refused = await post({ compromised: true })
  const { code, message } = refused.error()
  assert.deepEqual([refused.status, code], [409, 'recovery_required'])
  assert.match(message, /heartwood apps rotate-keys SLUG --compromised --recovery-key FILE/)
  assert.equal((await post({})).status, 200)
})

test('POST rotate-keys: a dry run shows its impact in wire names', async () => {
  const { send, keys } = await serve(await newShop())
  const response = await send('POST', rotate, { key: keys.sk, body: { dry_run: true, grace_period_days: 1 } })
  const { impact } = response.data<{ impact: Record<string, unknown> }>()
  assert.deepEqual(Object.keys(impact), ['accepted_until', 'seen_within', 'never_seen', 'keys'])
  assert.match(String(impact['accepted_until']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

test('GET licenses/:id/file: a secret key gets the armoured text, and nobody may keep it', async () => {
  const shop = await newShop()
  const { send, keys } = await serve(shop)
  const { id } = await shop.issue()
  const path = `/apps/desktop-app/licenses/${id}/file`
  const { status, headers, text } = await send('GET', path, { key: keys.sk })
  assert.deepEqual(
    [status, headers.get('content-type'), headers.get('cache-control')],
    [200, 'application/heartwood-license', 'no-store'],
  )
  assert.equal(text, await shop.licensing.licenses.file('desktop-app', id))
  assert.equal((await send('GET', path, { key: keys.pk })).status, 403)
  await shop.licensing.licenses.revoke('desktop-app', id)
  assert.equal((await send('GET', path, { key: keys.sk })).status, 400)
})
