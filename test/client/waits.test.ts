import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, memoryStore } from '../../src/client/index.ts'
import { createTestServer, type TestClientOptions } from '../../src/testing/server.ts'
import { beforeLimits, createGate, openLicensedClient, withShortWaits } from './fixtures.ts'

const day = 86_400

/** A proxy that responds in the server's place while it is on. */
function proxied(options: TestClientOptions, respond: () => Response) {
  const proxy = { on: true }
  const fetch: typeof options.fetch = async (url, init) => (proxy.on ? respond() : options.fetch(url, init))
  return { proxy, fetch }
}

const unavailableFor =
  (seconds: number, body: string): (() => Response) =>
  () =>
    new Response(body, { status: 503, headers: { 'retry-after': `${seconds}` } })

const heartwoodError = JSON.stringify({ error: { code: 'rate_limited', message: 'Too many requests' } })

test('createLicenseClient(): waits at most half way to the token’s end, so that a moved end is fetched in time', async () => {
  for (const [seconds, body, backBefore] of [
    [0, '', 3_000],
    [day, '<h1>503</h1>', 0.8 * day],
    [day, heartwoodError, 0.8 * day],
  ] as const) {
    const server = await createTestServer()
    const { id, token } = await server.issue({ durationDays: 3 })
    const options = await server.clientOptions()
    const { proxy, fetch } = proxied(options, unavailableFor(seconds, body))
    const client = await createLicenseClient({ ...options, token, fetch, graceDays: 0 })
    const expiresAt = server.clock.now() / 1000 + 300 * day
    await server.licensing.licenses.update(server.app, id, { expiresAt })
    await server.clock.advance(3 * day - backBefore)
    proxy.on = false
    await server.clock.advance(backBefore + day)
    assert.equal(client.license.state, 'active', `${seconds} ${body}`)
  }
})

test('createLicenseClient(): waits for more than an hour only if Heartwood itself asks for it', async () => {
  for (const [body, shortest, longest] of [
    ['<h1>503</h1>', 3_600, 4_400],
    [heartwoodError, day, 1.2 * day + 60],
  ] as const) {
    const server = await createTestServer()
    const { token } = await server.issue({ forever: true })
    const options = await server.clientOptions()
    const times: number[] = []
    const { fetch } = proxied(options, () => {
      times.push(server.clock.now() / 1000)
      return unavailableFor(2 * day, body)()
    })
    await createLicenseClient({ ...options, token, fetch })
    await server.clock.advance(3 * day)
    const rest = times[1]! - times[0]!
    assert.ok(rest >= shortest && rest <= longest, `${body}: ${rest}`)
  }
})

test('createLicenseClient(): asks no more often after the token’s end than before', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 2 })
  server.fail('outage')
  await createLicenseClient({ ...(await server.clientOptions()), token })
  await server.clock.advance(2 * day)
  const until = server.requests.length
  await server.clock.advance(day)
  assert.ok(server.requests.length - until <= 26, `${server.requests.length - until}`)
})

test('createLicenseClient(): records the time at every start', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 10 })
  const store = memoryStore()
  server.fail('outage')
  const options = { ...(await server.clientOptions()), token, store, graceDays: 0, background: false }
  const run = async (): Promise<string> => {
    const client = await createLicenseClient(options)
    const { state } = client.license
    client.close()
    return state
  }
  assert.equal(await run(), 'active')
  await server.clock.advance(12 * day)
  assert.equal(await run(), 'expired')
  server.clock.skewProgram(-8 * day)
  assert.equal(await run(), 'expired')
})

test('createLicenseClient(): records the time every hour', async () => {
  const store = memoryStore()
  const { server, client } = await openLicensedClient({ store })
  await server.clock.advance(day / 2)
  assert.equal(client.license.lastAttempt, null)
  client.close()
  server.clock.skewProgram(-10 * 3_600)
  const again = await createLicenseClient({ ...(await server.clientOptions()), store, background: false })
  assert.equal(again.license.state, 'clock_suspect')
})

/** An air-gapped program whose clock was twenty years ahead for one start, and is right again. */
async function openOnceAhead() {
  const server = await createTestServer()
  const { token, id } = await server.issue({ durationDays: 365 })
  server.fail('outage')
  const options = { ...(await server.clientOptions()), store: memoryStore(), background: false }
  await (await createLicenseClient(options)).setToken(token)
  server.clock.skewProgram(20 * 365 * day)
  await createLicenseClient(options)
  server.clock.skewProgram(0)
  const client = await createLicenseClient(options)
  assert.deepEqual([client.license.state, client.license.action], ['expired', 'check_clock'])
  return { server, options, client, token, id }
}

test('clear(): sets the seen time back to what is signed', async () => {
  const { options, client, token, server } = await openOnceAhead()
  assert.equal((await client.setToken(token)).state, 'expired')
  await client.clear()
  assert.equal((await client.setToken(token)).state, 'active')
  assert.equal((await createLicenseClient(options)).license.state, 'active')
  await client.clear()
  server.clock.skewProgram(-2 * day)
  assert.equal((await client.setToken(token)).state, 'clock_suspect')
})

test('clear(): sets the seen time back for a configured token that was known before', async () => {
  const { options, token } = await openOnceAhead()
  const configured = { ...options, token }
  const client = await createLicenseClient(configured)
  assert.equal(client.license.action, 'check_clock')
  await client.clear()
  assert.equal((await createLicenseClient(configured)).license.state, 'active')
})

test('setToken(): a newer token of the license, or of another, sets the seen time back to what is signed', async () => {
  for (const isOther of [false, true]) {
    const { server, options, client, id } = await openOnceAhead()
    const next = isOther
      ? (await server.issue({ durationDays: 3_650 })).token
      : (await server.licensing.licenses.regenerate(server.app, id)).token!
    assert.equal((await client.setToken(next)).state, 'active')
    assert.equal((await createLicenseClient(options)).license.state, 'active')
  }
})

test('setToken(): an older token does not set the seen time back', async () => {
  const { server, options, token, client, id } = await openOnceAhead()
  await server.clock.advance(60)
  await client.setToken((await server.licensing.licenses.regenerate(server.app, id)).token!)
  server.clock.skewProgram(20 * 365 * day)
  await createLicenseClient(options)
  server.clock.skewProgram(0)
  const again = await createLicenseClient(options)
  assert.equal((await again.setToken(token)).action, 'check_clock')
})

test('createLicenseClient(): a newer configured token sets the seen time back to what is signed', async () => {
  const { server, options, id } = await openOnceAhead()
  const { token } = await server.licensing.licenses.regenerate(server.app, id)
  assert.equal((await createLicenseClient({ ...options, token: token! })).license.state, 'active')
})

test('refresh(): records the time of the attempt', async () => {
  const store = memoryStore()
  const { server, client } = await openLicensedClient({
    store,
    background: false,
    maxOfflineDays: 5,
    graceDays: 0,
  })
  server.fail('outage')
  await server.clock.advance(6 * day)
  await client.refresh()
  server.clock.skewProgram(-4 * day)
  const options = { ...(await server.clientOptions()), store, maxOfflineDays: 5, graceDays: 0 }
  assert.equal((await createLicenseClient({ ...options, background: false })).license.state, 'expired')
})

test('refresh(): a token from the server heals at once what a wrong clock has shown', async () => {
  const { server, client } = await openLicensedClient({ background: false })
  server.clock.skewProgram(400 * day)
  await client.check()
  server.clock.skewProgram(0)
  assert.equal((await client.check()).state, 'clock_suspect')
  assert.equal((await client.refresh()).state, 'active')
})

test('refresh(): a clock before 1970 does not damage the store', async () => {
  const store = memoryStore()
  const { server, client } = await openLicensedClient({ store, background: false })
  server.fail('outage')
  server.clock.skewProgram(-60 * 365 * day)
  await client.refresh()
  server.clock.skewProgram(0)
  const again = await createLicenseClient({ ...(await server.clientOptions()), store })
  assert.deepEqual([again.license.state, again.license.store], ['active', 'kept'])
})

const forever = new Promise<Response>(() => undefined)
const endless = (): Response => new Response(new ReadableStream({ start: () => undefined }))

test('refresh(): ends after ten seconds, even if fetch ignores the signal', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ forever: true })
  const options = { ...(await server.clientOptions()), token, background: false }
  for (const fetch of [() => forever, async () => endless()]) {
    const client = await createLicenseClient({ ...options, fetch })
    const waits = await withShortWaits(10_000, async () => {
      assert.equal((await client.refresh()).lastAttempt?.outcome, 'unreachable')
    })
    assert.equal(waits, 1)
  }
})

test('setToken(): a fetch of keys ends after ten seconds, even if it ignores the signal', async () => {
  const server = await createTestServer()
  const options = await server.clientOptions()
  await server.rotateKeys()
  const { token } = await server.issue()
  const refreshKeys = { from: 'jwks.json', pin: 'origin' } as const
  for (const fetch of [() => forever, async () => endless()]) {
    const client = await createLicenseClient({ ...options, fetch, refreshKeys, background: false })
    const waits = await withShortWaits(10_000, () => assert.rejects(client.setToken(token)))
    assert.equal(waits, 1)
  }
})

test('close(): ends a request that ignores the signal', async () => {
  const asked = createGate()
  const fetch = (): Promise<Response> => {
    asked.open()
    return forever
  }
  const { client } = await openLicensedClient({ fetch, background: false })
  const asking = client.refresh()
  await asked.opened
  client.close()
  assert.deepEqual([(await beforeLimits(asking)).state, client.license.lastAttempt], ['active', null])
})
