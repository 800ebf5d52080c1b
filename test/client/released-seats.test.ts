import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStore, type LicenseStore } from '../../src/client/index.ts'
import { createTestServer, type TestLicenseKey, type TestServer } from '../../src/testing/server.ts'
import { endOf, open, seatsTaken, shown } from './computers.ts'

const day = 86_400

/** A laptop on the only license key, which was sold for 30 days. */
async function laptop(terms: TestLicenseKey = {}) {
  const server = await createTestServer()
  const { id, key } = await server.sell({ durationDays: 30, ...terms })
  const program = await open(server)
  await program.client.activate(key)
  return { server, id, key, ...program }
}

/** The laptop sleeps until its token has ended. Meanwhile the license key is extended. */
async function sleepLong(server: TestServer, id: string): Promise<void> {
  await server.clock.advance(31 * day)
  const expiresAt = server.clock.now() / 1000 + 365 * day
  await server.licensing.licenseKeys.update(server.app, id, { expiresAt })
}

/** Ways in which the laptop's seat is given away while it sleeps. */
const givenAway: Readonly<
  Record<string, (server: TestServer, id: string, key: string, licenseId: string) => Promise<unknown>>
> = {
  'released from the dialog of another computer': async (server, _id, key, licenseId) => {
    const { client } = await open(server)
    await client.activate(key).catch(() => undefined)
    await client.releaseSeat(licenseId)
  },
  'released by the vendor': async ({ licensing, app }, _id, _key, licenseId) => {
    await licensing.licenseKeys.release(app, licenseId)
  },
  'released with all others': async ({ licensing, app }, id) => licensing.licenseKeys.releaseAll(app, id),
  'given to another computer after a long silence': async (server, id, key) => {
    await server.licensing.licenseKeys.update(server.app, id, { idleDays: 10 })
    const { client } = await open(server)
    await client.activate(key)
    await client.release()
  },
  'replaced by another computer': async (server, id, key) => {
    await server.licensing.licenseKeys.update(server.app, id, { whenFull: 'replace_oldest' })
    const { client } = await open(server)
    await client.activate(key)
    await client.release()
  },
}

for (const [name, giveAway] of Object.entries(givenAway))
  test(`refresh(): takes no seat back that was ${name}, until somebody asks for it`, async () => {
    const { server, id, key, client, store } = await laptop()
    const { licenseId, installationId } = client.license
    await sleepLong(server, id)
    await giveAway(server, id, key, licenseId!)
    for (const background of [false, true]) {
      const woken = await open(server, { store, background })
      await woken.client.refresh()
      await server.clock.advance(2 * day)
      assert.deepEqual(shown(woken.client), ['invalid', 'license_released', 'activate'])
      assert.equal(await seatsTaken(server, id), 0)
      woken.client.close()
    }
    const asked = await open(server, { store })
    assert.equal((await asked.client.activate()).state, 'active')
    assert.equal(asked.client.license.installationId, installationId)
    assert.equal(await seatsTaken(server, id), 1)
  })

test('refresh(): no seat comes back by a setting either, as long as the store remembers a token', async () => {
  const { server, id, key, client, store } = await laptop()
  await sleepLong(server, id)
  await server.licensing.licenseKeys.release(server.app, client.license.licenseId!)
  const started = await open(server, { store, licenseKey: key })
  await started.client.refresh()
  assert.deepEqual(shown(started.client), ['invalid', 'license_released', 'activate'])
  assert.equal(await seatsTaken(server, id), 0)
})

/** A token of another license, entered beside the license key. Its installation is another one. */
async function withOtherToken() {
  const program = await laptop()
  const { server, client } = program
  const seat = client.license.licenseId!
  const { token, id: other } = await server.issue({ durationDays: 31 })
  await client.setToken(token)
  assert.equal(client.license.licenseId, other)
  await sleepLong(server, program.id)
  return { ...program, seat, other }
}

test('setToken(): a license beside the license key keeps its grace when the seat was given back or revoked', async () => {
  for (const [end, action] of [
    ['release', 'activate'],
    ['revoke', 'contact'],
  ] as const) {
    const { server, id, client, seat, other } = await withOtherToken()
    if (end === 'release') await server.licensing.licenseKeys.release(server.app, seat)
    else await server.licensing.licenses.revoke(server.app, seat)
    await client.refresh()
    assert.deepEqual(shown(client), ['grace', 'token_expired', action])
    assert.equal(client.license.licenseId, other)
    assert.equal(await seatsTaken(server, id), 0)
  }
})

test('setToken(): after the end of a license beside the license key, the seat that is still taken comes back', async () => {
  const { server, id, client, seat } = await withOtherToken()
  await client.refresh()
  assert.deepEqual([...shown(client), client.license.licenseId], ['active', null, 'none', seat])
  assert.equal(await seatsTaken(server, id), 1)
})

test('release(): believes nobody but the server, and sends the release again', async () => {
  for (const data of [null, {}, { released: false }, [], { token: 'x' }]) {
    const server = await createTestServer()
    const { id, key } = await server.sell()
    const { fetch } = await server.clientOptions()
    let isCaptive = false
    const { client } = await open(server, {
      fetch: (url, init) => (isCaptive ? Promise.resolve(Response.json({ data })) : fetch(url, init)),
    })
    await client.activate(key)
    isCaptive = true
    const { licenseId } = client.license
    assert.equal(await endOf(client.releaseSeat(licenseId!)), 'unavailable')
    assert.equal(client.license.state, 'active')
    assert.equal((await client.release()).code, 'license_released')
    assert.equal(await endOf(client.activate()), 'unavailable')
    isCaptive = false
    await client.refresh()
    assert.equal(await seatsTaken(server, id), 0, JSON.stringify(data))
    assert.equal(client.license.code, 'license_released')
  }
})

test('release(): without a server and a license key it keeps the license, which nothing would bring back', async () => {
  const server = await createTestServer()
  const { token } = await server.issue()
  const { client, store } = await open(server)
  await client.setToken(token)
  const before = await store.read()
  server.fail('outage', 1)
  assert.equal(await endOf(client.release()), 'unavailable')
  assert.equal(client.license.state, 'active')
  assert.equal(await store.read(), before)
})

test('release(): an activation right behind it has the seat, and one before it loses it', async () => {
  const { server, id, client } = await laptop()
  const [released, activated] = await Promise.all([client.release(), client.activate()])
  assert.deepEqual(
    [released.state === 'active' || released.state === 'invalid', activated.state],
    [true, 'active'],
  )
  assert.equal(await seatsTaken(server, id), 1)
  await Promise.all([client.activate(), client.release()])
  assert.equal(client.license.code, 'license_released')
  assert.equal(await seatsTaken(server, id), 0)
  assert.equal((await client.activate()).state, 'active')
})

test('release(): a release that waits for a server goes before the next activation, and takes no new seat away', async () => {
  const { server, id, client, store } = await laptop()
  server.fail('outage', 2)
  await client.release()
  assert.equal(await endOf(client.activate()), 'unavailable')
  assert.equal((await client.activate()).state, 'active')
  assert.equal(await seatsTaken(server, id), 1)
  const restarted = await open(server, { store, background: true })
  await server.clock.advance(3 * day)
  assert.equal(restarted.client.license.state, 'active')
  assert.equal(await seatsTaken(server, id), 1)
})

test('activate(): two programs on one store take one seat', async () => {
  for (const withLock of [true, false]) {
    const server = await createTestServer()
    const { id, key } = await server.sell({ seats: 5 })
    const kept = memoryStore()
    const shared = (): LicenseStore =>
      withLock ? kept : { read: () => kept.read(), write: (text) => kept.write(text) }
    const [one, other] = [await open(server, { store: shared() }), await open(server, { store: shared() })]
    const ended = await Promise.all([one, other].map(({ client }) => endOf(client.activate(key))))
    assert.deepEqual(ended, ['active', 'active'])
    assert.equal(await seatsTaken(server, id), 1, `${withLock}`)
    const restarted = await open(server, { store: shared() })
    assert.equal(restarted.client.license.state, 'active')
  }
})

test('activate(): a store that fails after the request costs no seat', async () => {
  const server = await createTestServer()
  const { id, key } = await server.sell({ seats: 5 })
  const kept = memoryStore()
  let writes = 0
  const store: LicenseStore = {
    read: () => kept.read(),
    write: (text) => (++writes > 1 ? Promise.reject(new Error('No space left on device')) : kept.write(text)),
  }
  const { client } = await open(server, { store })
  assert.equal((await client.activate(key)).state, 'active')
  assert.equal(client.license.store, 'unavailable')
  const restarted = await open(server, { store: kept })
  assert.equal(restarted.client.license.state, 'invalid')
  assert.equal((await restarted.client.refresh()).state, 'active')
  assert.equal(await seatsTaken(server, id), 1)
})

test('activate(): another license key takes the place of the first, also after a lost answer', async () => {
  for (const isLost of [false, true]) {
    const { server, id, client, store } = await laptop()
    const next = await server.sell()
    if (isLost) {
      server.fail('lost_answer', 1)
      assert.equal(await endOf(client.activate(next.key)), 'unavailable')
      assert.equal(client.license.state, 'active')
    }
    assert.equal((await client.activate(isLost ? undefined : next.key)).state, 'active')
    assert.deepEqual([await seatsTaken(server, id), await seatsTaken(server, next.id)], [0, 1])
    const restarted = await open(server, { store })
    assert.equal((await restarted.client.refresh()).state, 'active')
    assert.deepEqual([await seatsTaken(server, id), await seatsTaken(server, next.id)], [0, 1])
  }
})

test('activate(): a refused license key leaves license and license key as they were', async () => {
  const { server, client, store, key } = await laptop()
  const full = await server.sell()
  await (await open(server)).client.activate(full.key)
  assert.equal(await endOf(client.activate(full.key)), 'seat_limit_reached')
  assert.equal(client.license.state, 'active')
  assert.ok((await store.read())!.includes(key))
})

test('activate(): after an outage the newest license key completes by itself, and not an earlier wrong one', async () => {
  const server = await createTestServer()
  const wrong = await server.sell()
  const { id, key } = await server.sell()
  await server.licensing.licenseKeys.revoke(server.app, wrong.id)
  const { client } = await open(server, { background: true })
  server.fail('outage', 1)
  assert.equal(await endOf(client.activate(wrong.key)), 'unavailable')
  await server.clock.advance(300)
  assert.deepEqual(shown(client), ['invalid', 'invalid_token', 'contact'])
  server.fail('lost_answer', 1)
  assert.equal(await endOf(client.activate(key)), 'unavailable')
  await server.clock.advance(4_000)
  assert.deepEqual(shown(client), ['active', null, 'none'])
  assert.equal(await seatsTaken(server, id), 1)
})

test('clear(): forgets the license key, and no later work brings the license back', async () => {
  const { server, id, client, store, key } = await laptop({ seats: 2 })
  const [activated, cleared] = await Promise.all([client.activate(), client.clear()])
  assert.deepEqual([activated.state, cleared.state], ['active', 'invalid'])
  assert.ok(!(await store.read())!.includes(key))
  const restarted = await open(server, { store, background: true })
  await server.clock.advance(40 * day)
  assert.deepEqual(shown(restarted.client), ['invalid', 'invalid_token', 'new_token'])
  assert.equal(await seatsTaken(server, id), 1)
})
