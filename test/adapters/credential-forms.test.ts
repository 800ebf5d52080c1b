import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { newShop } from '../support/fixtures.ts'
import { serve } from './test-server.ts'

test('Authorization: the scheme in any case, one space and one key', async () => {
  const { send, keys } = await serve(await newShop())
  const statusOf = async (authorization: string): Promise<number> =>
    (await send('GET', '/apps', { headers: { authorization } })).status
  for (const scheme of ['Bearer', 'bearer', 'BEARER'])
    assert.equal(await statusOf(`${scheme} ${keys.sk}`), 200)
  const others = [
    ...[keys.sk, `xBearer ${keys.sk}`, `Basic ${keys.sk}`, `Bearer  ${keys.sk}`, `Bearer ${keys.sk} x`],
    ...[`Bearer ${keys.sk}\u00e9`, `Bearer x ${keys.sk}`, 'Bearer', 'Bearer ~', ''],
  ]
  for (const other of others) assert.equal(await statusOf(other), 401, other)
})

/** A storage that fails to read API keys once it is broken. */
function fragile(): { storage: Storage; breakKeys(): void } {
  const storage = memoryStorage()
  let isBroken = false
  const findApiKeyByHash: Storage['findApiKeyByHash'] = (hash) =>
    isBroken ? Promise.reject(new Error('broken')) : storage.findApiKeyByHash(hash)
  return { storage: { ...storage, findApiKeyByHash }, breakKeys: () => void (isBroken = true) }
}

test('failedKey: a fault of the server is no guess, and a guess counts', async () => {
  const { storage, breakKeys } = fragile()
  const options = { rateLimits: { failedKey: 2 }, clientAddress: () => '192.0.2.1' }
  const { send, keys } = await serve(await newShop({ storage }), options)
  const guess = async (): Promise<number> => (await send('GET', '/apps', { key: `${keys.sk}x` })).status
  assert.equal(await guess(), 401)
  breakKeys()
  for (let count = 0; count < 5; count++)
    assert.equal((await send('GET', '/apps', { key: keys.sk })).status, 500)
  assert.deepEqual([await guess(), await guess()], [401, 429])
})

test('a path part that can be no id or slug: 404 before anything is looked up', async () => {
  const { send, keys, issue } = await serve(await newShop())
  const { token } = await issue()
  const [sk, renewal] = [{ key: keys.sk }, { body: { current_token: token } }]
  for (const part of ['%20a', 'a%20', 'caf%C3%A9', 'x'.repeat(129), 'a.b', '%00']) {
    const [license, app] = [`/apps/desktop-app/licenses/${part}`, `/apps/${part}`]
    const responses = [
      await send('GET', license, sk),
      await send('POST', `${license}/regenerate`, renewal),
      await send('GET', app, sk),
      await send('GET', `${app}/public-key`),
      await send('POST', `${app}/licenses/x/regenerate`, renewal),
      await send('DELETE', `/apps/desktop-app/tiers/pro/features/${part}`, sk),
    ]
    for (const response of responses) {
      assert.equal(response.status, 404, part)
      assert.equal(response.error().message, 'Not found', part)
    }
  }
  const known = await send('GET', `/apps/desktop-app/licenses/${'x'.repeat(128)}`, sk)
  assert.equal(known.error().message, 'License not found')
})
