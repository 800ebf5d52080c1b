import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { createLicenseClient, memoryStore, type LicenseStore } from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { countRenewals, createGate, openLicensedClient, withShortWaits } from './fixtures.ts'

const storeLimit = 5_000
const lockLimit = 30_000
/** After this time the client tries a store again that has not answered. */
const retryLimit = 60_000
const day = 86_400
const never = <T>(): Promise<T> => new Promise(() => undefined)
const silent: LicenseStore = { read: never, write: never }

test('createLicenseClient(): resolves after five seconds if the store never answers', async () => {
  for (const store of [silent, { ...memoryStore(), write: never }, { ...memoryStore(), read: never }]) {
    const server = await createTestServer()
    const { token } = await server.issue({ durationDays: 365 })
    const options = { ...(await server.clientOptions()), store, background: false }
    const waits = await withShortWaits(storeLimit, async () => {
      const client = await createLicenseClient({ ...options, token })
      assert.deepEqual([client.license.state, client.license.store], ['active', 'unavailable'])
    })
    // The waits for the calls that were answered are among them.
    assert.ok(waits >= 1)
  }
})

test('refresh(), setToken(), check() and clear(): wait for a silent store only once', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 365 })
  const options = { ...(await server.clientOptions()), store: { ...silent }, background: false }
  const waits = await withShortWaits(storeLimit, async () => {
    const client = await createLicenseClient(options)
    assert.deepEqual([client.license.state, client.license.store], ['invalid', 'unavailable'])
    assert.match(client.license.reason, /cannot be read/)
    assert.equal((await client.setToken(token)).state, 'active')
    assert.equal((await client.refresh()).lastAttempt?.outcome, 'refreshed')
    assert.equal((await client.check()).state, 'active')
    assert.equal((await client.clear()).state, 'invalid')
  })
  assert.equal(waits, 1)
})

test('createLicenseClient(): says that a store cannot be read, instead of that there is no token', async () => {
  const read = async (): Promise<never> => {
    throw new Error('Permission denied')
  }
  const options = { ...(await (await createTestServer()).clientOptions()), background: false }
  const { license } = await createLicenseClient({ ...options, store: { ...memoryStore(), read } })
  assert.deepEqual([license.state, license.store], ['invalid', 'unavailable'])
  assert.match(license.reason, /stored license cannot be read/)
  assert.match((await createLicenseClient(options)).license.reason, /no license token/)
})

/** A store whose next read or write waits for a gate. */
function slowStore() {
  const shared = memoryStore()
  const gates: { read: Promise<void> | null; write: Promise<void> | null } = { read: null, write: null }
  const store: LicenseStore = {
    read: async () => {
      await gates.read
      return shared.read()
    },
    write: async (text) => {
      const gate = gates.write
      gates.write = null
      await gate
      await shared.write(text)
    },
  }
  return { shared, gates, store }
}

const settled = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 30))

/** A client with a license, on a store whose next write ends when `gate` opens. */
async function holdNextWrite() {
  const { server, token, id } = await openLicensedClient({ background: false })
  const { shared, gates, store } = slowStore()
  const options = { ...(await server.clientOptions()), store, background: false }
  const client = await createLicenseClient({ ...options, token })
  const gate = createGate()
  gates.write = gate.opened
  return { server, id, shared, options, client, gate }
}

test('createLicenseClient(): takes the license in as soon as a late store answers', async () => {
  const { server, token } = await openLicensedClient({ background: false })
  const { gates, store } = slowStore()
  const options = { ...(await server.clientOptions()), store }
  await (await createLicenseClient({ ...options, background: false })).setToken(token)
  const gate = createGate()
  gates.read = gate.opened
  await withShortWaits(storeLimit, async () => {
    const client = await createLicenseClient(options)
    assert.equal(client.license.state, 'invalid')
    const states: string[] = []
    client.on('change', ({ state }) => states.push(state))
    gates.read = null
    gate.open()
    await settled()
    assert.deepEqual([client.license.state, client.license.store, states], ['active', 'kept', ['active']])
    client.close()
  })
})

test('refresh(): a write that ends late does not replace a newer one, nor bring a revoked license back', async () => {
  const { server, id, shared, options, client, gate } = await holdNextWrite()
  await withShortWaits(storeLimit, async () => {
    assert.deepEqual([(await client.refresh()).store, countRenewals(server)], ['unavailable', 1])
  })
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await client.refresh()).state, 'revoked')
  gate.open()
  await settled()
  assert.deepEqual([client.license.state, client.license.store], ['revoked', 'kept'])
  const { revoked } = JSON.parse((await shared.read())!) as { readonly revoked: unknown }
  assert.ok(revoked !== null)
  assert.equal((await createLicenseClient(options)).license.state, 'revoked')
})

test('refresh(): begins no write while an earlier one has not ended, which could replace the newer record', async () => {
  const { server, shared, client, gate } = await holdNextWrite()
  await withShortWaits(storeLimit, async () => {
    await withShortWaits(retryLimit, async () => {
      await client.refresh()
      // From here on the client tries the store again.
      await settled()
      await server.clock.advance(day)
      const { store: condition, claims } = await client.refresh()
      assert.deepEqual([condition, countRenewals(server)], ['unavailable', 2])
      gate.open()
      await settled()
      const { token: kept } = JSON.parse((await shared.read())!) as { readonly token: string }
      assert.deepEqual([client.license.store, decodeJwt(kept).jti], ['kept', claims?.jti])
    })
  })
})

test('check(): a write that arrives without an answer does not bring a revoked license back', async () => {
  const { server, token, id } = await openLicensedClient({ background: false })
  const { shared, store } = slowStore()
  let written: string | null = null
  const options = { ...(await server.clientOptions()), background: false }
  await (await createLicenseClient({ ...options, store })).setToken(token)
  const write = (text: string): Promise<void> => {
    written = text
    return never()
  }
  const client = await createLicenseClient({ ...options, store: { ...store, write } })
  await withShortWaits(storeLimit, async () => {
    await withShortWaits(retryLimit, async () => {
      await client.refresh()
      await settled()
    })
  })
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await client.refresh()).state, 'revoked')
  await shared.write(written!)
  assert.equal((await client.check()).state, 'revoked')
})

test('refresh(): asks without the lock if that never comes', async () => {
  const store: LicenseStore = { ...memoryStore(), alone: never }
  const { server, client } = await openLicensedClient({ store, background: false })
  const waits = await withShortWaits(lockLimit, async () => {
    assert.equal((await client.refresh()).lastAttempt?.outcome, 'refreshed')
  })
  assert.deepEqual([waits, countRenewals(server)], [1, 1])
})
