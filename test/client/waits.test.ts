import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, memoryStore } from '../../src/client/index.ts'
import { createTestServer, type TestClientOptions } from '../../src/testing/server.ts'
import { openScene } from './scene.ts'

const day = 86_400

/** Something that stands before the server and answers in its place while it is on. */
function before(options: TestClientOptions, answer: () => Response) {
  const proxy = { on: true }
  const fetch: typeof options.fetch = async (url, init) => (proxy.on ? answer() : options.fetch(url, init))
  return { proxy, fetch }
}

const resting =
  (seconds: number, body: string): (() => Response) =>
  () =>
    new Response(body, { status: 503, headers: { 'retry-after': `${seconds}` } })

const ours = JSON.stringify({ error: { code: 'rate_limited', message: 'Too many requests' } })

test('no wait passes the end of the token: an end that was moved is fetched in time', async () => {
  for (const [seconds, body, backBefore] of [
    [0, '', 3_000],
    [day, '<h1>503</h1>', 0.8 * day],
    [day, ours, 0.8 * day],
  ] as const) {
    const server = await createTestServer()
    const { id, token } = await server.issue({ durationDays: 3 })
    const options = await server.clientOptions()
    const { proxy, fetch } = before(options, resting(seconds, body))
    const client = await createLicenseClient({ ...options, token, fetch, graceDays: 0 })
    const expiresAt = server.clock.now() / 1000 + 300 * day
    await server.licensing.licenses.update(server.app, id, { expiresAt })
    await server.clock.advance(3 * day - backBefore)
    proxy.on = false
    await server.clock.advance(backBefore + day)
    assert.equal(client.license.state, 'active', `${seconds} ${body}`)
  }
})

test('only the server itself may ask for more than an hour of rest', async () => {
  for (const [body, shortest, longest] of [
    ['<h1>503</h1>', 3_600, 4_400],
    [ours, day, 1.2 * day + 60],
  ] as const) {
    const server = await createTestServer()
    const { token } = await server.issue({ forever: true })
    const options = await server.clientOptions()
    const times: number[] = []
    const { fetch } = before(options, () => {
      times.push(server.clock.now() / 1000)
      return resting(2 * day, body)()
    })
    await createLicenseClient({ ...options, token, fetch })
    await server.clock.advance(3 * day)
    const rest = times[1]! - times[0]!
    assert.ok(rest >= shortest && rest <= longest, `${body}: ${rest}`)
  }
})

test('after its end a token is asked for no more often than before', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 2 })
  server.fail('outage')
  await createLicenseClient({ ...(await server.clientOptions()), token })
  await server.clock.advance(2 * day)
  const until = server.requests.length
  await server.clock.advance(day)
  assert.ok(server.requests.length - until <= 26, `${server.requests.length - until}`)
})

test('a program that never runs for an hour knows all the same which time has passed', async () => {
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

test('a program that runs for long keeps every hour which time it has seen', async () => {
  const store = memoryStore()
  const { server, client } = await openScene({ store })
  await server.clock.advance(day / 2)
  assert.equal(client.license.lastAttempt, null)
  client.close()
  server.clock.skewProgram(-10 * 3_600)
  const again = await createLicenseClient({ ...(await server.clientOptions()), store, background: false })
  assert.equal(again.license.state, 'clock_suspect')
})

test('clear forgets the token, and not which time has passed', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 1 })
  const store = memoryStore()
  server.fail('outage')
  const options = { ...(await server.clientOptions()), store, graceDays: 0, background: false }
  const client = await createLicenseClient(options)
  await client.setToken(token)
  await server.clock.advance(2 * day)
  await client.check()
  await client.clear()
  server.clock.skewProgram(-1.5 * day)
  assert.equal((await (await createLicenseClient(options)).setToken(token)).state, 'expired')
})

test('the time of an attempt is kept too', async () => {
  const store = memoryStore()
  const { server, client } = await openScene({ store, background: false, maxOfflineDays: 5, graceDays: 0 })
  server.fail('outage')
  await server.clock.advance(6 * day)
  await client.refresh()
  server.clock.skewProgram(-4 * day)
  const options = { ...(await server.clientOptions()), store, maxOfflineDays: 5, graceDays: 0 }
  assert.equal((await createLicenseClient({ ...options, background: false })).license.state, 'expired')
})

test('an answer of the server makes good at once what a wrong clock had shown', async () => {
  const { server, client } = await openScene({ background: false })
  server.clock.skewProgram(400 * day)
  await client.check()
  server.clock.skewProgram(0)
  assert.equal((await client.check()).state, 'clock_suspect')
  assert.equal((await client.refresh()).state, 'active')
})

test('a clock before 1970 spoils no store', async () => {
  const store = memoryStore()
  const { server, client } = await openScene({ store, background: false })
  server.fail('outage')
  server.clock.skewProgram(-60 * 365 * day)
  await client.refresh()
  server.clock.skewProgram(0)
  const again = await createLicenseClient({ ...(await server.clientOptions()), store })
  assert.deepEqual([again.license.state, again.license.store], ['active', 'kept'])
})

/** Makes ten seconds pass in a moment; answers the time limits that were asked for, in milliseconds. */
async function inAMoment(work: () => Promise<void>): Promise<readonly number[]> {
  const limits: number[] = []
  const { timeout } = AbortSignal
  AbortSignal.timeout = (milliseconds) => {
    limits.push(milliseconds)
    return timeout.call(AbortSignal, 20)
  }
  try {
    await work()
  } finally {
    AbortSignal.timeout = timeout
  }
  return limits
}

const forever = new Promise<Response>(() => undefined)
const endless = (): Response => new Response(new ReadableStream({ start: () => undefined }))

test('a request ends after ten seconds, even where nothing heeds the signal', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ forever: true })
  const options = { ...(await server.clientOptions()), token, background: false }
  for (const fetch of [() => forever, async () => endless()]) {
    const client = await createLicenseClient({ ...options, fetch })
    const limits = await inAMoment(async () => {
      assert.equal((await client.refresh()).lastAttempt?.outcome, 'unreachable')
    })
    assert.deepEqual(limits, [10_000])
  }
})

test('so does one for keys', async () => {
  const server = await createTestServer()
  const options = await server.clientOptions()
  await server.rotateKeys()
  const { token } = await server.issue()
  const refreshKeys = { from: 'jwks.json', pin: 'origin' } as const
  for (const fetch of [() => forever, async () => endless()]) {
    const client = await createLicenseClient({ ...options, fetch, refreshKeys, background: false })
    const limits = await inAMoment(() => assert.rejects(client.setToken(token)))
    assert.deepEqual(limits, [10_000])
  }
})

test('close ends a request that heeds no signal', async () => {
  let began = (): void => undefined
  const asked = new Promise<void>((resolve) => (began = resolve))
  const fetch = (): Promise<Response> => {
    began()
    return forever
  }
  const { client } = await openScene({ fetch, background: false })
  const asking = client.refresh()
  await asked
  client.close()
  assert.deepEqual([(await asking).state, client.license.lastAttempt], ['active', null])
})
