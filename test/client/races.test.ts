import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createLicenseClient, memoryStore, type LicenseStore } from '../../src/client/index.ts'
import frozen from './records-0.1.0.json' with { type: 'json' }
import { openLicensedClient } from './fixtures.ts'

/** A store whose reads wait, once it is told to `hold` them, until the test lets all of them go at the same moment. */
function heldStore() {
  const inner = memoryStore()
  const waiting: (() => void)[] = []
  let isHolding = false
  const store: LicenseStore = {
    read: async () => {
      const text = await inner.read()
      if (isHolding) await new Promise<void>((resolve) => waiting.push(resolve))
      return text
    },
    write: inner.write,
  }
  const hold = (): void => void (isHolding = true)
  const waitForReads = async (count: number): Promise<void> => {
    while (waiting.length < count) await setImmediate()
  }
  const letGo = (): void => {
    isHolding = false
    for (const resume of waiting.splice(0)) resume()
  }
  return { store, inner, hold, waitForReads, letGo }
}

test('setToken(): keeps a revocation that a check() at the same time reads', async () => {
  const { store, inner, hold, waitForReads, letGo } = heldStore()
  const { server, client, id, token } = await openLicensedClient({ store, background: false })
  const options = { ...(await server.clientOptions()), background: false, store: { ...inner } }
  const other = await createLicenseClient(options)
  await server.licensing.licenses.revoke(server.app, id)
  hold()
  const entering = client.setToken(token)
  await waitForReads(1)
  assert.equal((await other.refresh()).state, 'revoked')
  const checking = client.check()
  await waitForReads(2)
  server.fail('outage')
  letGo()
  await Promise.all([entering, checking])
  assert.equal(client.license.state, 'revoked')
  assert.equal((await other.check()).state, 'revoked')
})

test('check(): two calls at once both verify a token under a fetched key from the store', async () => {
  const store = memoryStore()
  const client = await createLicenseClient({
    baseUrl: 'https://licenses.example.com',
    app: 'desktop-app',
    publicKeys: frozen.publicKeys,
    refreshKeys: { from: 'jwks.json', pin: frozen.pin },
    store,
    background: false,
    fetch: () => Promise.reject(new TypeError('offline')),
    now: () => frozen.now,
  })
  await store.write(frozen.rotated)
  const licenses = await Promise.all([client.check(), client.check()])
  const issued = frozen.now / 1000 - 86_400
  assert.deepEqual(
    licenses.map(({ claims }) => claims?.iat),
    [issued, issued],
  )
})
