import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLicenseClient,
  LicensingError,
  memoryStore,
  type ClientLicense,
  type LicenseClientOptions,
} from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { countRenewals, createGate, openLicensedClient } from './fixtures.ts'

const day = 86_400

test('license.has(): takes the features of the given union only', async () => {
  const { server, token } = await openLicensedClient({}, ['webhooks', 'api_access'])
  const options = { ...(await server.clientOptions()), token }
  const { license } = await createLicenseClient<'webhooks' | 'sso'>(options)
  assert.deepEqual([license.has('webhooks'), license.has('sso')], [true, false])
  assert.deepEqual(license.features, ['webhooks', 'api_access'])
  const held: ClientLicense<'webhooks' | 'sso'> = license
  // @ts-expect-error a feature that is not in the union
  assert.equal(held.has('api_acess'), false)
})

test('policy: maps a state to a verdict, and block takes the features away', async () => {
  const { server, client, id } = await openLicensedClient({ policy: { revoked: 'warn' } }, ['webhooks'])
  assert.deepEqual([client.license.verdict, client.license.has('webhooks')], ['allow', true])
  await server.licensing.licenses.revoke(server.app, id)
  const license = await client.refresh()
  assert.deepEqual([license.state, license.verdict, license.has('webhooks')], ['revoked', 'warn', false])
  const strict = await openLicensedClient({ policy: { active: 'block' } }, ['webhooks'])
  assert.deepEqual([strict.client.license.has('webhooks'), strict.client.license.features], [false, []])
  assert.equal(strict.client.license.claims?.features.length, 1)
})

test('on(): reports changes, new tokens and refusals, but no outage', async () => {
  const { server, client, id } = await openLicensedClient()
  const events: string[] = []
  client.on('change', ({ state }) => events.push(`change ${state}`))
  client.on('refreshed', ({ state }) => events.push(`refreshed ${state}`))
  const stop = client.on('refused', ({ code }) => events.push(`refused ${code}`))
  await client.refresh()
  await server.clock.advance(5)
  server.fail('outage')
  await client.refresh()
  server.recover()
  await server.licensing.licenses.revoke(server.app, id)
  await client.refresh()
  stop()
  assert.deepEqual(events, ['change active', 'refreshed active', 'change revoked', 'refused license_revoked'])
})

test('on(): calls a listener once an event if it subscribes anew, and no listener that has been stopped', async () => {
  const { client } = await openLicensedClient({ background: false })
  const calls: string[] = []
  const listener = (): void => {
    assert.ok(calls.push('anew') < 10, 'The event does not end')
    stopAnew()
    stopAnew = client.on('refreshed', listener)
    stopOther()
  }
  let stopAnew = client.on('refreshed', listener)
  const stopOther = client.on('refreshed', () => void calls.push('stopped'))
  await client.refresh()
  await client.refresh()
  assert.deepEqual(calls, ['anew', 'anew'])
})

test('on(): a listener that throws stops neither the others nor the client, and its error is reported', async () => {
  const { client } = await openLicensedClient()
  const thrown: unknown[] = []
  const { queueMicrotask } = globalThis
  globalThis.queueMicrotask = (work) => {
    try {
      work()
    } catch (error) {
      thrown.push(error)
    }
  }
  const fault = new Error('of the program')
  let calls = 0
  client.on('refreshed', () => {
    throw fault
  })
  client.on('refreshed', () => void (calls += 1))
  try {
    assert.equal((await client.refresh()).lastAttempt?.outcome, 'refreshed')
  } finally {
    globalThis.queueMicrotask = queueMicrotask
  }
  assert.deepEqual([calls, thrown], [1, [fault]])
})

test('setToken(): an older token of the license changes nothing, and neither does a configured one', async () => {
  const store = memoryStore()
  const { server, client, token } = await openLicensedClient({ store })
  await server.clock.advance(60)
  const { claims } = await client.refresh()
  const before = await store.read()
  const options = { ...(await server.clientOptions()), store, background: false }
  const restarted = await createLicenseClient(options)
  assert.equal((await restarted.setToken(token)).claims?.jti, claims?.jti)
  assert.equal(await store.read(), before)
  const other = JSON.parse(before!) as object
  await store.write(JSON.stringify({ ...other, given: null }))
  const configured = await createLicenseClient({ ...options, token })
  assert.equal(configured.license.claims?.jti, claims?.jti)
})

const respondingWith = (token: string) => async (): Promise<Response> => Response.json({ data: { token } })

test('refresh(): treats a token of another license, or no newer one, as an outage', async () => {
  const { server, token, id } = await openLicensedClient({ background: false })
  const other = await server.issue({ forever: true })
  await server.clock.advance(60)
  await server.licensing.licenses.regenerate(server.app, other.id)
  const newer = (await server.licensing.licenses.token(server.app, other.id))!
  for (const given of [newer, other.token, token]) {
    const options = { ...(await server.clientOptions()), token, fetch: respondingWith(given) }
    const { licenseId, lastAttempt } = await (await createLicenseClient(options)).refresh()
    assert.deepEqual([licenseId, lastAttempt?.outcome], [id, 'unreachable'])
  }
})

test('setToken(): accepts another license after a revocation', async () => {
  const store = memoryStore()
  const { server, client, id } = await openLicensedClient({ store })
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await client.refresh()).state, 'revoked')
  server.fail('outage')
  const other = await server.issue({ forever: true })
  assert.equal((await client.setToken(other.token)).state, 'active')
  const again = await createLicenseClient({ ...(await server.clientOptions()), store })
  assert.deepEqual([again.license.state, again.license.licenseId], ['active', other.id])
})

test('setToken(): asks the server at once about a revoked license', async () => {
  const { server, client, id, token } = await openLicensedClient({ background: false })
  await server.licensing.licenses.revoke(server.app, id)
  await client.refresh()
  assert.equal((await client.setToken(token)).state, 'revoked')
  await server.licensing.licenses.reinstate(server.app, id)
  assert.equal((await client.setToken(token)).state, 'active')
})

test('setToken(): keeps newer tokens revoked after an older one was entered and refused', async () => {
  const { server, client, id, token } = await openLicensedClient({ background: false })
  await client.refresh()
  await server.licensing.licenses.regenerate(server.app, id)
  const newest = (await server.licensing.licenses.token(server.app, id))!
  await client.setToken(newest)
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await client.refresh()).state, 'revoked')
  assert.equal((await client.setToken(token)).state, 'revoked')
  server.fail('outage')
  assert.equal((await client.setToken(newest)).state, 'revoked')
})

test('setToken(): removes white space; license: cannot be changed by the program', async () => {
  const { server, token } = await openLicensedClient({}, ['webhooks'])
  const options = await server.clientOptions()
  for (const pasted of [`${token}\n`, ` ${token} `, `${token.slice(0, 76)}\r\n${token.slice(76)}`]) {
    const client = await createLicenseClient(options)
    assert.equal((await client.setToken(pasted)).state, 'active')
    assert.equal((await createLicenseClient({ ...options, token: pasted })).license.state, 'active')
  }
  const { license } = await createLicenseClient({ ...options, token })
  assert.throws(() => (license.features as string[]).push('gold'), TypeError)
  assert.equal(license.has('gold'), false)
  const empty = await createLicenseClient({ ...options, token: ' ' })
  assert.equal(empty.license.reason, 'There is no license token')
})

test('license.reason: asks for an extension, or for the new token, after the end', async () => {
  const server = await createTestServer()
  const { id, token } = await server.issue({ durationDays: 1 })
  const client = await createLicenseClient({ ...(await server.clientOptions()), token, background: false })
  await server.clock.advance(2 * day)
  const { reason } = client.license
  assert.match(reason, /extended or, if it has been, its new token entered/)
  await server.licensing.licenses.update(server.app, id, {
    expiresAt: server.clock.now() / 1000 + 90 * day,
  })
  const refused = await client.refresh()
  assert.deepEqual(
    [refused.reason, refused.action, refused.lastAttempt?.code],
    [reason, 'renew', 'token_expired'],
  )
})

test('license.changesAt: is the instant of the next state', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 10 })
  const options = {
    ...(await server.clientOptions()),
    token,
    maxOfflineDays: 5,
    graceDays: 2,
    background: false,
  }
  const client = await createLicenseClient(options)
  const start = server.clock.now() / 1000
  const seen: [string, number | null][] = []
  for (let next: number | null = start; next !== null; next = client.license.changesAt) {
    await server.clock.advance(next - server.clock.now() / 1000)
    seen.push([client.license.state, (next - start) / day])
  }
  assert.deepEqual(seen, [
    ['active', 0],
    ['refresh_due', 1],
    ['grace', 5],
    ['expired', 7],
  ])
})

test('createLicenseClient(): spreads the refreshes of clients issued together, within a day', async () => {
  const server = await createTestServer()
  const times: number[] = []
  const options = await server.clientOptions()
  for (let count = 0; count < 20; count += 1) {
    const { token } = await server.issue({ forever: true })
    const fetch = (url: string, init: RequestInit): Promise<Response> => {
      times.push(server.clock.now() / 1000)
      return options.fetch(url, init)
    }
    await createLicenseClient({ ...options, fetch, token })
  }
  const start = server.clock.now() / 1000
  await server.clock.advance(day)
  const hours = times.map((time) => (time - start) / 3_600)
  assert.equal(hours.length, 20)
  assert.ok(Math.min(...hours) >= 19 && Math.max(...hours) <= 24, `${hours}`)
  assert.ok(new Set(hours.map((hour) => hour.toFixed(1))).size > 8, `${hours}`)
})

test('createLicenseClient(): asks less and less often during an outage, then every hour', async () => {
  const { server } = await openLicensedClient()
  server.fail('outage')
  await server.clock.advance(2 * day)
  const asked = countRenewals(server)
  assert.ok(asked >= 20 && asked <= 40, `${asked}`)
  await server.clock.advance(10 * 3_600)
  assert.ok(countRenewals(server) - asked >= 8 && countRenewals(server) - asked <= 11)
})

test('createLicenseClient(): waits as long as the server asks it to', async () => {
  for (const [fault, shortest, longest] of [
    ['outage', 60, 72],
    ['rate_limited', 300, 360],
  ] as const) {
    const server = await createTestServer()
    const { token } = await server.issue({ forever: true })
    const options = await server.clientOptions()
    const times: number[] = []
    const fetch = (url: string, init: RequestInit): Promise<Response> => {
      times.push(server.clock.now() / 1000)
      return options.fetch(url, init)
    }
    server.fail(fault)
    await createLicenseClient({ ...options, fetch, token })
    await server.clock.advance(1.1 * day)
    const rest = times[1]! - times[0]!
    assert.ok(rest >= shortest && rest <= longest, `${fault}: ${rest}`)
  }
})

test('createLicenseClient(): asks no more often with a wrong clock', async () => {
  for (const seconds of [-3650 * day, -200, 200, 3650 * day]) {
    const { server } = await openLicensedClient()
    server.clock.skewProgram(seconds)
    await server.clock.advance(3 * day)
    assert.ok(
      countRenewals(server) >= 2 && countRenewals(server) <= 5,
      `${seconds}: ${countRenewals(server)}`,
    )
  }
})

test('refresh(): three calls at once make one request', async () => {
  const { server, client } = await openLicensedClient()
  await Promise.all([client.refresh(), client.refresh(), client.refresh()])
  assert.equal(countRenewals(server), 1)
})

test('refresh(): two clients of one store make one request and share its token', async () => {
  const store = memoryStore()
  const { server, client, token } = await openLicensedClient({ store })
  const other = await createLicenseClient({ ...(await server.clientOptions()), store, token })
  await Promise.all([client.refresh(), other.refresh()])
  assert.equal(countRenewals(server), 1)
  assert.equal(client.license.claims?.jti, other.license.claims?.jti)
})

test('refresh(): a late response does not undo a revocation that came meanwhile', async () => {
  const { server, token, id } = await openLicensedClient()
  const shared = memoryStore()
  const { read, write } = shared
  const options = await server.clientOptions()
  const [asked, answer] = [createGate(), createGate()]
  const slow = async (url: string, init: RequestInit): Promise<Response> => {
    const response = await options.fetch(url, init)
    asked.open()
    await answer.opened
    return response
  }
  // Two processes without a common lock: each has a store object of its own.
  const one = await createLicenseClient({ ...options, store: { read, write }, fetch: slow, token })
  const other = await createLicenseClient({ ...options, store: { read, write } })
  const late = one.refresh()
  await asked.opened
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await other.refresh()).state, 'revoked')
  answer.open()
  assert.equal((await late).state, 'revoked')
  assert.equal((await other.check()).state, 'revoked')
})

test('close(): ends the request under way and all later ones', async () => {
  const asked = createGate()
  const fetch = (_: string, { signal }: RequestInit): Promise<Response> => {
    asked.open()
    return never(signal!)
  }
  const { server, client } = await openLicensedClient({ fetch })
  const asking = client.refresh()
  await asked.opened
  client.close()
  assert.equal((await asking).state, 'active')
  await server.clock.advance(30 * day)
  assert.equal(countRenewals(server), 0)
})

function never(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

test('clear(): forgets the token, also in the store', async () => {
  const store = memoryStore()
  const { server, client, token } = await openLicensedClient({ store })
  assert.equal((await client.clear()).state, 'invalid')
  const again = await createLicenseClient({ ...(await server.clientOptions()), store })
  assert.equal(again.license.state, 'invalid')
  assert.equal((await again.setToken(token)).state, 'active')
})

test('setToken(): rejects a token of another license, installation, app or issuer with invalid_token', async () => {
  const { server, token, id } = await openLicensedClient()
  const installationId = 'A1B2C3D4-E5F6-4A7B-8C9D-000000000001'
  const other = await server.issue({ installationId })
  const options = await server.clientOptions()
  const open = (given: Partial<LicenseClientOptions>) => createLicenseClient({ ...options, ...given })
  for (const given of [{ licenseId: id }, { installationId }, { app: 'other-app' }, { issuer: 'other' }]) {
    const client = await open(given)
    const wrong = 'installationId' in given ? token : other.token
    const refused = await client.setToken(wrong).catch((error: unknown) => error)
    assert.ok(refused instanceof LicensingError && refused.code === 'invalid_token', JSON.stringify(given))
    assert.ok(!refused.message.includes(wrong))
    assert.equal((await open({ ...given, token: wrong })).license.state, 'invalid')
  }
  assert.equal((await open({ licenseId: id, token })).license.state, 'active')
  assert.equal((await open({ installationId, token: other.token })).license.state, 'active')
})

test('createLicenseClient(): takes a configured token once, and never in place of a newer one', async () => {
  const store = memoryStore()
  const { server, client, token } = await openLicensedClient({ store })
  await client.refresh()
  const options = { ...(await server.clientOptions()), store }
  const renewed = client.license.claims?.jti
  assert.equal((await createLicenseClient({ ...options, token })).license.claims?.jti, renewed)
  const other = await server.issue()
  const changed = await createLicenseClient({ ...options, token: other.token })
  assert.equal(changed.license.licenseId, other.id)
  assert.equal((await createLicenseClient({ ...options, token: other.token })).license.licenseId, other.id)
})

/** The license's `seen_client` after one renewal by a client with these options. */
async function seenClient(given: Partial<LicenseClientOptions>): Promise<string | null> {
  const { server, client, id } = await openLicensedClient(given)
  await client.refresh()
  return (await server.licensing.licenses.get(server.app, id)).seenClient
}

test('programVersion: tells the vendor the program, its version and the platform, except from a browser', async () => {
  assert.match((await seenClient({})) ?? '', /^desktop-app \([a-z0-9]+\)$/)
  assert.match((await seenClient({ programVersion: '2.3.1' })) ?? '', /^desktop-app\/2\.3\.1 \([a-z0-9]+\)$/)
  const long = await seenClient({ programVersion: '9'.repeat(32) })
  assert.match(long ?? '', /^desktop-app\/9{32} \([a-z0-9]+\)$/)
  for (const name of ['document', 'importScripts']) {
    Object.defineProperty(globalThis, name, { value: {}, configurable: true })
    try {
      assert.equal(await seenClient({ programVersion: '2.3.1' }), null)
    } finally {
      Reflect.deleteProperty(globalThis, name)
    }
  }
})
