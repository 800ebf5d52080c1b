import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLicenseClient,
  memoryStore,
  type ClientLicense,
  type LicenseStore,
} from '../../src/client/index.ts'
import { createGate, openLicensedClient, type Gate } from './fixtures.ts'

const day = 86_400

/** A program whose store holds its license, but cannot be written until `free` is called. */
async function openFull() {
  const { server, token, id } = await openLicensedClient({ background: false })
  const shared = memoryStore()
  const options = await server.clientOptions()
  await (await createLicenseClient({ ...options, store: shared, background: false })).setToken(token)
  let isFull = true
  const write = async (text: string): Promise<void> => {
    if (isFull) throw new Error('No space left on device')
    await shared.write(text)
  }
  const free = (): boolean => (isFull = false)
  return { server, id, options: { ...options, store: { read: shared.read, write } }, free }
}

test('store: a revocation holds over an outage if the store can be read but not written', async () => {
  const { server, id, options } = await openFull()
  const client = await createLicenseClient(options)
  await server.clock.advance(1.2 * day)
  assert.deepEqual([client.license.state, client.license.store], ['active', 'unavailable'])
  await server.licensing.licenses.revoke(server.app, id)
  await server.clock.advance(day)
  server.fail('outage')
  await server.clock.advance(3 * day)
  assert.deepEqual([client.license.state, client.license.store], ['revoked', 'unavailable'])
})

test('store: the newer token stays, with one request a day, if the store can be read but not written', async () => {
  const { server, options } = await openFull()
  const client = await createLicenseClient(options)
  await server.clock.advance(4 * day)
  assert.ok(server.requests.length >= 3 && server.requests.length <= 5, `${server.requests.length}`)
  const { claims } = client.license
  assert.equal((await client.check()).claims?.jti, claims?.jti)
})

test('store: gets the newer token once it can be written again; then another program’s token counts', async () => {
  const { server, options, free } = await openFull()
  const client = await createLicenseClient(options)
  await client.refresh()
  free()
  const { claims, store } = await client.refresh()
  assert.equal(store, 'kept')
  const other = await createLicenseClient({ ...options, background: false })
  assert.equal(other.license.claims?.jti, claims?.jti)
  const { token } = await server.issue()
  await other.setToken(token)
  assert.equal((await client.check()).licenseId, other.license.licenseId)
})

test('check(): a slow read does not bring back a license that was revoked meanwhile', async () => {
  const shared = memoryStore()
  let holding: Gate | null = null
  const read = async (): Promise<string | null> => {
    const text = await shared.read()
    const held = holding
    holding = null
    await held?.opened
    return text
  }
  const store = { read, write: shared.write }
  const { server, client, id } = await openLicensedClient({ store, background: false })
  await client.check()
  await server.licensing.licenses.revoke(server.app, id)
  const slow = createGate()
  holding = slow
  const checking = client.check()
  assert.equal((await client.refresh()).state, 'revoked')
  slow.open()
  assert.equal((await checking).state, 'revoked')
  assert.equal(client.license.state, 'revoked')
})

test('createLicenseClient(): a configured token does not undo a revocation that another program stores meanwhile', async () => {
  const { server, token, id } = await openLicensedClient({ background: false })
  const shared = memoryStore()
  const options = { ...(await server.clientOptions()), background: false }
  const own = (): LicenseStore => ({ read: shared.read, write: shared.write })
  const one = await createLicenseClient({ ...options, store: own() })
  await one.setToken(token)
  await server.licensing.licenses.revoke(server.app, id)
  let reads = 0
  const revokedBetween: LicenseStore = {
    read: async () => {
      const text = await shared.read()
      if ((reads += 1) === 2) await one.refresh()
      return text
    },
    write: shared.write,
  }
  const two = await createLicenseClient({ ...options, token, store: revokedBetween })
  assert.equal(two.license.state, 'revoked')
  assert.equal((await one.check()).state, 'revoked')
})

/** Two programs on one store without a common lock. The first gets no response before `respond` is called. */
async function openLate() {
  const { server, token, id } = await openLicensedClient({ background: false })
  const shared = memoryStore()
  const options = { ...(await server.clientOptions()), background: false }
  const [asked, response] = [createGate(), createGate()]
  const fetch: typeof options.fetch = async (url, init) => {
    const fetched = await options.fetch(url, init)
    asked.open()
    await response.opened
    return fetched
  }
  const own = (): LicenseStore => ({ read: shared.read, write: shared.write })
  const one = await createLicenseClient({ ...options, token, fetch, store: own() })
  const two = await createLicenseClient({ ...options, store: own() })
  const ask = async (): Promise<{ readonly late: Promise<ClientLicense> }> => {
    const late = one.refresh()
    await asked.opened
    return { late }
  }
  const openConfigured = () => createLicenseClient({ ...options, token, store: own() })
  return { server, id, shared, two, openConfigured, ask, respond: response.open }
}

test('refresh(): a late response does not bring back a license that another program has cleared', async () => {
  const { two, ask, respond } = await openLate()
  const { late } = await ask()
  assert.equal((await two.clear()).state, 'invalid')
  respond()
  await late
  assert.equal((await two.check()).state, 'invalid')
})

test('refresh(): a late response does not undo a revocation after the configured token was taken again', async () => {
  const { server, id, two, openConfigured, ask, respond } = await openLate()
  const { late } = await ask()
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await two.refresh()).state, 'revoked')
  server.fail('outage')
  assert.equal((await openConfigured()).license.state, 'revoked')
  respond()
  assert.equal((await late).state, 'revoked')
  assert.equal((await two.check()).state, 'revoked')
})

test('refresh(): a late response, even a revocation, does nothing to another license that came meanwhile', async () => {
  for (const revoked of [false, true]) {
    const { server, id, two, ask, respond } = await openLate()
    if (revoked) await server.licensing.licenses.revoke(server.app, id)
    const { late } = await ask()
    const other = await server.issue({ forever: true })
    await two.setToken(other.token)
    respond()
    const { state, licenseId } = await late
    assert.deepEqual([state, licenseId], ['active', other.id])
  }
})

test('refresh(): a late response changes nothing if a newer token came meanwhile', async () => {
  const { server, id, shared, two, ask, respond } = await openLate()
  const { late } = await ask()
  await server.clock.advance(60)
  await server.licensing.licenses.regenerate(server.app, id)
  await two.setToken((await server.licensing.licenses.token(server.app, id))!)
  const before = await shared.read()
  respond()
  assert.equal((await late).claims?.jti, two.license.claims?.jti)
  assert.equal(await shared.read(), before)
})

test('refresh(): asks even if another program fetched a token some time ago', async () => {
  const shared = memoryStore()
  const own = (): LicenseStore => ({ read: shared.read, write: shared.write })
  const { server, client, token } = await openLicensedClient({ store: own(), background: false })
  const options = { ...(await server.clientOptions()), background: false }
  const other = await createLicenseClient({ ...options, token, store: own() })
  await client.refresh()
  await server.clock.advance(1_800)
  await server.licensing.tiers.addFeature(server.app, 'pro', { name: 'Bought', slug: 'bought' })
  assert.ok((await other.refresh()).has('bought'))
})

test('close(): stops watching the store; without background nothing watches it', async () => {
  for (const background of [true, false]) {
    const calls: string[] = []
    const watch = (): (() => void) => {
      calls.push('watch')
      return () => calls.push('stop')
    }
    const { client } = await openLicensedClient({ store: { ...memoryStore(), watch }, background })
    client.close()
    assert.deepEqual(calls, background ? ['watch', 'stop'] : [])
  }
})

test('createLicenseClient(): works with a store whose watch throws', async () => {
  const watch = (): never => {
    throw new Error('no events here')
  }
  const { client } = await openLicensedClient({ store: { ...memoryStore(), watch } })
  assert.equal(client.license.state, 'active')
})
