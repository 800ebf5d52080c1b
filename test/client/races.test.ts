import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, memoryStore, type LicenseStore } from '../../src/client/index.ts'
import frozen from './records-0.1.0.json' with { type: 'json' }
import { openLicensedClient } from './fixtures.ts'

/** A store whose reads wait until the test lets all of them go at once. */
function gatedStore() {
  const inner = memoryStore()
  let waiting: (() => void)[] | null = null
  const store: LicenseStore = {
    read: async () => {
      const text = await inner.read()
      if (waiting !== null) await new Promise<void>((resolve) => waiting!.push(resolve))
      return text
    },
    write: inner.write,
  }
  const hold = (): void => void (waiting = [])
  const letGo = (): void => {
    const all = waiting ?? []
    waiting = null
    for (const resume of all) resume()
  }
  return { store, inner, hold, letGo }
}

test('setToken(): keeps a revocation that a check() at the same time read', async () => {
  const { store, inner, hold, letGo } = gatedStore()
  const { server, client, id, token } = await openLicensedClient({ store, background: false })
  await client.check()
  const options = { ...(await server.clientOptions()), background: false, store: { ...inner } }
  const other = await createLicenseClient(options)
  await server.licensing.licenses.revoke(server.app, id)
  hold()
  const entering = client.setToken(token)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal((await other.refresh()).state, 'revoked')
  const checking = client.check()
  await new Promise((resolve) => setTimeout(resolve, 20))
  server.fail('outage')
  letGo()
  await Promise.all([entering, checking])
  assert.equal(client.license.state, 'revoked')
  assert.equal((await other.check()).state, 'revoked')
})

test('check(): two at once both verify a token under a fetched key that the store holds', async () => {
  const inner = memoryStore()
  const client = await createLicenseClient({
    baseUrl: 'https://licenses.example.com',
    app: 'desktop-app',
    publicKeys: frozen.publicKeys,
    refreshKeys: { from: 'jwks.json', pin: frozen.pin },
    store: inner,
    background: false,
    fetch: () => Promise.reject(new TypeError('offline')),
    now: () => frozen.now,
  })
  await inner.write(frozen.rotated)
  const states = (await Promise.all([client.check(), client.check()])).map((l) => [l.state, l.claims?.iat])
  assert.deepEqual(states[0], states[1])
  assert.deepEqual(states[0]?.[0], 'refresh_due')
  assert.equal(client.license.claims?.iat, frozen.now / 1000 - 86400)
})
