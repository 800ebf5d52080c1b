import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLicenseClient,
  memoryStore,
  type ClientLicense,
  type LicenseStore,
} from '../../src/client/index.ts'
import { openScene } from './scene.ts'

const day = 86_400

/** Something that happens when it is let. */
interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

function gate(): Gate {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

/** A program whose store holds its license, and can be written no more until it is told otherwise. */
async function openFull() {
  const { server, token, id } = await openScene({ background: false })
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

test('a store that reads and cannot be written: a revocation holds over an outage', async () => {
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

test('a store that reads and cannot be written: the server is asked once a day, and the newer token stays', async () => {
  const { server, options } = await openFull()
  const client = await createLicenseClient(options)
  await server.clock.advance(4 * day)
  assert.ok(server.requests.length >= 3 && server.requests.length <= 5, `${server.requests.length}`)
  const { claims } = client.license
  assert.equal((await client.check()).claims?.jti, claims?.jti)
})

test('a store that can be written again gets what it missed, and what another program wrote counts', async () => {
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

test('a read that was overtaken by a revocation brings nothing back', async () => {
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
  const { server, client, id } = await openScene({ store, background: false })
  await client.check()
  await server.licensing.licenses.revoke(server.app, id)
  const slow = gate()
  holding = slow
  const checking = client.check()
  assert.equal((await client.refresh()).state, 'revoked')
  slow.open()
  assert.equal((await checking).state, 'revoked')
  assert.equal(client.license.state, 'revoked')
})

test('a program that starts with a configured token does not undo a revocation that another one stores meanwhile', async () => {
  const { server, token, id } = await openScene({ background: false })
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

/** Two programs on one store without a common lock; the answer to the first is on its way until it is let. */
async function openLate() {
  const { server, token, id } = await openScene({ background: false })
  const shared = memoryStore()
  const options = { ...(await server.clientOptions()), background: false }
  const [asked, answer] = [gate(), gate()]
  const fetch: typeof options.fetch = async (url, init) => {
    const response = await options.fetch(url, init)
    asked.open()
    await answer.opened
    return response
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
  return { server, id, shared, two, openConfigured, ask, answer: answer.open }
}

test('a license that another program has forgotten does not come back by a late answer', async () => {
  const { two, ask, answer } = await openLate()
  const { late } = await ask()
  assert.equal((await two.clear()).state, 'invalid')
  answer()
  await late
  assert.equal((await two.check()).state, 'invalid')
})

test('a late answer does not undo a revocation, though the configured token was taken in again', async () => {
  const { server, id, two, openConfigured, ask, answer } = await openLate()
  const { late } = await ask()
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await two.refresh()).state, 'revoked')
  server.fail('outage')
  assert.equal((await openConfigured()).license.state, 'revoked')
  answer()
  assert.equal((await late).state, 'revoked')
  assert.equal((await two.check()).state, 'revoked')
})

test('a late answer, and be it a revocation, does nothing to another license that came meanwhile', async () => {
  for (const revoked of [false, true]) {
    const { server, id, two, ask, answer } = await openLate()
    if (revoked) await server.licensing.licenses.revoke(server.app, id)
    const { late } = await ask()
    const other = await server.issue({ forever: true })
    await two.setToken(other.token)
    answer()
    const { state, licenseId } = await late
    assert.deepEqual([state, licenseId], ['active', other.id])
  }
})

test('a late answer changes nothing where a newer token came meanwhile', async () => {
  const { server, id, shared, two, ask, answer } = await openLate()
  const { late } = await ask()
  await server.clock.advance(60)
  await server.licensing.licenses.regenerate(server.app, id)
  await two.setToken((await server.licensing.licenses.token(server.app, id))!)
  const before = await shared.read()
  answer()
  assert.equal((await late).claims?.jti, two.license.claims?.jti)
  assert.equal(await shared.read(), before)
})

test('an explicit refresh asks, whatever another program fetched some time ago', async () => {
  const shared = memoryStore()
  const own = (): LicenseStore => ({ read: shared.read, write: shared.write })
  const { server, client, token } = await openScene({ store: own(), background: false })
  const options = { ...(await server.clientOptions()), background: false }
  const other = await createLicenseClient({ ...options, token, store: own() })
  await client.refresh()
  await server.clock.advance(1_800)
  await server.licensing.tiers.addFeature(server.app, 'pro', { name: 'Bought', slug: 'bought' })
  assert.ok((await other.refresh()).has('bought'))
})

test('a store is watched until the client is closed, and not at all without a background', async () => {
  for (const background of [true, false]) {
    const told: string[] = []
    const watch = (): (() => void) => {
      told.push('begun')
      return () => told.push('ended')
    }
    const { client } = await openScene({ store: { ...memoryStore(), watch }, background })
    client.close()
    assert.deepEqual(told, background ? ['begun', 'ended'] : [])
  }
})

test('a store whose watch throws is looked at from time to time', async () => {
  const watch = (): never => {
    throw new Error('no events here')
  }
  const { client } = await openScene({ store: { ...memoryStore(), watch } })
  assert.equal(client.license.state, 'active')
})
