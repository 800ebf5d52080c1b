import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntryRecord } from '../../src/core/index.ts'
import { installation } from '../support/fixtures.ts'
import { newShopServer, secretOf, type Send } from './test-server.ts'

interface Entry {
  readonly id: string
  readonly app: string | null
  readonly mode: string
  readonly time: string
  readonly actor: { readonly type: string; readonly id: string | null; readonly label: string | null }
  readonly action: string
  readonly target: { readonly type: string; readonly id: string | null }
  readonly changes: Readonly<Record<string, readonly unknown[]>>
  readonly request_id: string | null
}

interface Page {
  readonly data: readonly Entry[]
  readonly meta: { readonly total?: number; readonly next_cursor: string | null }
}

async function entriesAt(send: Send, path: string, key: string): Promise<readonly Entry[]> {
  const response = await send('GET', path, { key })
  assert.equal(response.status, 200, response.text)
  return response.json<Page>().data
}

const actions = (entries: readonly Entry[]): readonly string[] => entries.map(({ action }) => action)

test('each entry names the API key and the request that made the change', async () => {
  const { send, keys, licensing, customer } = await newShopServer()
  const key = await secretOf({ licensing } as never, { name: 'Support', preset: 'support' })
  const { id: keyId } = (await licensing.apiKeys.authenticate(key))!
  const named = { key, headers: { 'x-request-id': 'ticket-7.1' }, body: { name: 'Ada L.' } }
  assert.equal((await send('PUT', `/apps/desktop-app/customers/${customer.id}`, named)).status, 200)
  const own = await send('PUT', `/apps/desktop-app/customers/${customer.id}`, { key, body: { name: null } })
  const [second, first] = await entriesAt(send, '/apps/desktop-app/audit', keys.sk)
  const actor = { type: 'api_key', id: keyId, label: 'Support' }
  assert.deepEqual([first!.actor, second!.actor], [actor, actor])
  assert.equal(first!.request_id, 'ticket-7.1')
  assert.equal(second!.request_id, own.headers.get('x-request-id'))
  assert.deepEqual(first!.changes, { name: [null, '…'] })
  assert.equal(first!.time, '2026-01-23T10:00:00Z')
})

test('holders are the actors of what they do with their license key or token, with the request', async () => {
  const { send, keys, licensing, customer } = await newShopServer()
  const terms = { customerId: customer.id, tierId: 'pro', durationDays: 30, seats: 2 } as const
  const { id, key } = await licensing.licenseKeys.create('desktop-app', terms)
  const seat = async (number: number) => {
    const body = { license_key: key, installation_id: installation(number) }
    const headers = { 'x-request-id': `activation-${number}` }
    const response = await send('POST', '/apps/desktop-app/license-keys/activate', { body, headers })
    return response.data<{ id: string; token: string }>()
  }
  const [one, two] = [await seat(1), await seat(2)]
  const release = (license: { id: string }, body: object) =>
    send('POST', `/apps/desktop-app/licenses/${license.id}/release`, { body })
  assert.equal((await release(one, { license_key: key })).status, 200)
  const renewed = await send('POST', `/apps/desktop-app/licenses/${two.id}/regenerate`, {
    body: { current_token: two.token },
  })
  assert.equal(renewed.status, 200)
  assert.equal((await release(two, { current_token: two.token })).status, 200)
  const entries = (await entriesAt(send, '/apps/desktop-app/audit', keys.sk)).slice(0, 4)
  assert.deepEqual(
    entries.map(({ action, actor, target }) => [action, actor.type, actor.id, target.id]),
    [
      ['license.released', 'license', two.id, two.id],
      ['license.released', 'license_key', id, one.id],
      ['license.activated', 'license_key', id, two.id],
      ['license.activated', 'license_key', id, one.id],
    ],
  )
  assert.equal(entries[3]!.request_id, 'activation-1')
})

test('GET /apps/:slug/audit: filters, pages and cursors', async () => {
  const shop = await newShopServer()
  const { send, keys, licensing, clock } = shop
  const licenses = [await shop.issue(), await shop.issue(), await shop.issue()]
  clock.seconds += 3_600
  await licensing.as({ type: 'user', id: 'u 7' }).licenses.revoke('desktop-app', licenses[0]!.id)
  const at = (query: string) => entriesAt(send, `/apps/desktop-app/audit?${query}`, keys.sk)
  assert.deepEqual(actions(await at(`target=${licenses[0]!.id}`)), ['license.revoked', 'license.created'])
  assert.deepEqual(actions(await at('actor=u%207')), ['license.revoked'])
  assert.deepEqual(
    actions(await at('actor=embedder&action=license.created')),
    Array(3).fill('license.created'),
  )
  assert.deepEqual(actions(await at('from=2026-01-23T11:00:00Z')), ['license.revoked'])
  assert.equal((await at('to=2026-01-23T11:00:00Z&action=license.created')).length, 3)
  assert.deepEqual(await at('actor=cli'), [])
  const first = (await send('GET', '/apps/desktop-app/audit?per_page=4', { key: keys.sk })).json<Page>()
  const next = `/apps/desktop-app/audit?per_page=4&cursor=${first.meta.next_cursor}`
  const second = (await send('GET', next, { key: keys.sk })).json<Page>()
  assert.equal(first.meta.total, first.data.length + second.data.length)
  assert.deepEqual([second.meta.total, second.meta.next_cursor], [undefined, null])
  const wrong = await send('GET', '/apps/desktop-app/audit?from=yesterday&actors=x', { key: keys.sk })
  assert.deepEqual(Object.keys(wrong.error().details ?? {}).toSorted(), ['actors', 'from'])
})

test('GET /audit: tells an unbound key of its mode alone, also of deleted apps, and a bound key nothing', async () => {
  const { send, keys, licensing } = await newShopServer()
  await licensing.apps.create({ name: 'Test', slug: 'test-app' }, { mode: 'test' })
  const bound = await secretOf({ licensing } as never, { app: 'desktop-app' })
  const auditor = await secretOf({ licensing } as never, { preset: 'auditor' })
  const { id: oldId } = await licensing.apps.create({ name: 'Old', slug: 'old-app' })
  await licensing.apps.delete('old-app')
  const { id: newId } = await licensing.apps.create({ name: 'New', slug: 'old-app' })
  const live = await entriesAt(send, '/audit?per_page=100', keys.sk)
  assert.deepEqual(new Set(live.map(({ mode }) => mode)), new Set(['live']))
  assert.ok(live.some(({ action, app }) => action === 'api_key.created' && app === null))
  assert.deepEqual(actions(live.filter(({ app }) => app === oldId)), ['app.deleted', 'app.created'])
  assert.deepEqual(
    (await entriesAt(send, '/apps/old-app/audit', keys.sk)).map(({ app }) => app),
    [newId],
    'The log goes by the id of the app, and not by a slug that was taken again',
  )
  assert.equal((await send('GET', `/apps/${oldId}/audit`, { key: keys.sk })).status, 404)
  const test = await entriesAt(send, '/audit?per_page=100', keys.testSk)
  assert.ok(test.length > 0 && test.every(({ mode }) => mode === 'test'))
  assert.deepEqual(await entriesAt(send, '/audit?per_page=100', auditor), live)
  const refused = await send('GET', '/audit', { key: bound })
  assert.equal(refused.error().message, 'This API key may read the audit log of its own app alone')
  assert.ok((await entriesAt(send, '/apps/desktop-app/audit', bound)).length > 0)
  assert.equal((await send('GET', '/audit', { key: keys.pk })).status, 403)
  assert.equal((await send('GET', '/apps/desktop-app/audit', { key: keys.pk })).status, 403)
})

test('a refused request writes no entry', async () => {
  const { send, keys, storage, customer } = await newShopServer()
  const count = () => storage.countAuditEntries({})
  const before = await count()
  const path = `/apps/desktop-app/customers/${customer.id}`
  const requests = [
    send('PUT', path, { body: { name: 'x' } }),
    send('PUT', path, { key: keys.pk, body: { name: 'x' } }),
    send('PUT', path, { key: keys.testSk, body: { name: 'x' } }),
    send('PUT', path, { key: keys.sk, body: { nome: 'x' } }),
    send('POST', '/apps/desktop-app/tiers', { key: keys.sk, body: { name: 'Pro', slug: 'pro' } }),
    send('POST', '/apps/desktop-app/customers', { key: keys.sk, body: { email: customer.email } }),
  ]
  assert.deepEqual(
    (await Promise.all(requests)).map(({ status }) => status),
    [401, 403, 404, 422, 409, 409],
  )
  assert.equal(await count(), before)
})

test('a secret is shown only if its entry can be written', async () => {
  const shop = await newShopServer()
  const { send, keys, licensing, storage, customer } = shop
  await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
  const terms = { customerId: customer.id, tierId: 'pro', durationDays: 30 } as const
  const { id } = await licensing.licenseKeys.create('desktop-app', terms)
  const paths = ['/webhook-secret', `/license-keys/${id}?include=key`, '/license-keys?include=key']
  for (const path of paths)
    assert.equal((await send('GET', `/apps/desktop-app${path}`, { key: keys.sk })).status, 200)
  storage.insertAuditEntries = async (_entries: readonly AuditEntryRecord[]) => {
    throw new Error('The disk is full')
  }
  for (const path of paths) {
    const response = await send('GET', `/apps/desktop-app${path}`, { key: keys.sk })
    assert.equal(response.status, 500)
    assert.doesNotMatch(response.text, /whsec_|[0-9A-Z]{5}-[0-9A-Z]{5}/)
  }
})
