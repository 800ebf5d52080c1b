import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLicenseClient,
  LicensingError,
  memoryStore,
  type ClientLicense,
  type LicenseClientOptions,
} from '../../src/client/index.ts'
import { createTestServer, type TestServer } from '../../src/testing/server.ts'
import { openScene } from './scene.ts'

const day = 86_400

const renewals = ({ requests }: TestServer): number =>
  requests.filter(({ method }) => method === 'POST').length

test('features are asked for by name, typed by the union that the vendor gives', async () => {
  const { server, token } = await openScene({}, ['webhooks', 'api_access'])
  const options = { ...(await server.clientOptions()), token }
  const { license } = await createLicenseClient<'webhooks' | 'sso'>(options)
  assert.deepEqual([license.has('webhooks'), license.has('sso')], [true, false])
  assert.deepEqual(license.features, ['webhooks', 'api_access'])
  const held: ClientLicense<'webhooks' | 'sso'> = license
  // @ts-expect-error a feature that is not in the union
  assert.equal(held.has('api_acess'), false)
})

test('the program chooses what a state means, and a blocked one has no features', async () => {
  const { server, client, id } = await openScene({ policy: { revoked: 'warn' } }, ['webhooks'])
  assert.deepEqual([client.license.verdict, client.license.has('webhooks')], ['allow', true])
  await server.licensing.licenses.revoke(server.app, id)
  const license = await client.refresh()
  assert.deepEqual([license.state, license.verdict, license.has('webhooks')], ['revoked', 'warn', false])
  const strict = await openScene({ policy: { active: 'block' } }, ['webhooks'])
  assert.deepEqual([strict.client.license.has('webhooks'), strict.client.license.features], [false, []])
  assert.equal(strict.client.license.claims?.features.length, 1)
})

test('it tells of changes, of new tokens and of refusals', async () => {
  const { server, client, id } = await openScene()
  const told: string[] = []
  client.on('change', ({ state }) => told.push(`change ${state}`))
  client.on('refreshed', ({ state }) => told.push(`refreshed ${state}`))
  const stop = client.on('refused', ({ code }) => told.push(`refused ${code}`))
  await client.refresh()
  await server.clock.advance(5)
  server.fail('outage')
  await client.refresh()
  server.recover()
  await server.licensing.licenses.revoke(server.app, id)
  await client.refresh()
  stop()
  assert.deepEqual(told, ['change active', 'refreshed active', 'change revoked', 'refused license_revoked'])
})

test('a listener that throws stops neither the others nor the client, and its fault comes out', async () => {
  const { client } = await openScene()
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
  let told = 0
  client.on('refreshed', () => {
    throw fault
  })
  client.on('refreshed', () => void (told += 1))
  try {
    assert.equal((await client.refresh()).lastAttempt?.outcome, 'refreshed')
  } finally {
    globalThis.queueMicrotask = queueMicrotask
  }
  assert.deepEqual([told, thrown], [1, [fault]])
})

test('of two tokens of a license the older changes nothing, wherever it comes from', async () => {
  const store = memoryStore()
  const { server, client, token } = await openScene({ store })
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

/** Answers every renewal with the same token. */
const answering = (token: string) => async (): Promise<Response> => Response.json({ data: { token } })

test('an answer with a token of another license, or with no newer one, is none', async () => {
  const { server, token, id } = await openScene({ background: false })
  const other = await server.issue({ forever: true })
  await server.clock.advance(60)
  await server.licensing.licenses.regenerate(server.app, other.id)
  const newer = (await server.licensing.licenses.token(server.app, other.id))!
  for (const answer of [newer, other.token, token]) {
    const options = { ...(await server.clientOptions()), token, fetch: answering(answer) }
    const { licenseId, lastAttempt } = await (await createLicenseClient(options)).refresh()
    assert.deepEqual([licenseId, lastAttempt?.outcome], [id, 'unreachable'])
  }
})

test('a revocation is of one license: another is as good as it was', async () => {
  const store = memoryStore()
  const { server, client, id } = await openScene({ store })
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await client.refresh()).state, 'revoked')
  server.fail('outage')
  const other = await server.issue({ forever: true })
  assert.equal((await client.setToken(other.token)).state, 'active')
  const again = await createLicenseClient({ ...(await server.clientOptions()), store })
  assert.deepEqual([again.license.state, again.license.licenseId], ['active', other.id])
})

test('a revoked license whose token is entered again is asked about at once', async () => {
  const { server, client, id, token } = await openScene({ background: false })
  await server.licensing.licenses.revoke(server.app, id)
  await client.refresh()
  assert.equal((await client.setToken(token)).state, 'revoked')
  await server.licensing.licenses.reinstate(server.app, id)
  assert.equal((await client.setToken(token)).state, 'active')
})

test('setToken(): keeps newer tokens revoked after an older one was entered and refused', async () => {
  const { server, client, id, token } = await openScene({ background: false })
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

test('what a customer pastes counts as it was meant, and what the program shows cannot be changed', async () => {
  const { server, token } = await openScene({}, ['webhooks'])
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

test('a token that has ended asks for its end to be moved or for the token of an end that was', async () => {
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

test('it says when the state changes by itself', async () => {
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

test('clients that were issued together come apart, and none later than a day', async () => {
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

test('an outage is asked about less and less, and then every hour', async () => {
  const { server } = await openScene()
  server.fail('outage')
  await server.clock.advance(2 * day)
  const asked = renewals(server)
  assert.ok(asked >= 20 && asked <= 40, `${asked}`)
  await server.clock.advance(10 * 3_600)
  assert.ok(renewals(server) - asked >= 8 && renewals(server) - asked <= 11)
})

test('a server that asks for rest gets it', async () => {
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

test('a clock that is wrong makes nobody ask more often', async () => {
  for (const seconds of [-3650 * day, -200, 200, 3650 * day]) {
    const { server } = await openScene()
    server.clock.skewProgram(seconds)
    await server.clock.advance(3 * day)
    assert.ok(renewals(server) >= 2 && renewals(server) <= 5, `${seconds}: ${renewals(server)}`)
  }
})

test('two calls make one request', async () => {
  const { server, client } = await openScene()
  await Promise.all([client.refresh(), client.refresh(), client.refresh()])
  assert.equal(renewals(server), 1)
})

test('two clients of one store make one request, and the other has the token too', async () => {
  const store = memoryStore()
  const { server, client, token } = await openScene({ store })
  const other = await createLicenseClient({ ...(await server.clientOptions()), store, token })
  await Promise.all([client.refresh(), other.refresh()])
  assert.equal(renewals(server), 1)
  assert.equal(client.license.claims?.jti, other.license.claims?.jti)
})

test('an answer that was long on its way does not undo a revocation that came meanwhile', async () => {
  const { server, token, id } = await openScene()
  const shared = memoryStore()
  const { read, write } = shared
  const options = await server.clientOptions()
  let letGo = (): void => undefined
  const held = new Promise<void>((resolve) => (letGo = resolve))
  let began = (): void => undefined
  const asked = new Promise<void>((resolve) => (began = resolve))
  const slow = async (url: string, init: RequestInit): Promise<Response> => {
    const response = await options.fetch(url, init)
    began()
    await held
    return response
  }
  // Two processes without a common lock: each has a store object of its own.
  const one = await createLicenseClient({ ...options, store: { read, write }, fetch: slow, token })
  const other = await createLicenseClient({ ...options, store: { read, write } })
  const late = one.refresh()
  await asked
  await server.licensing.licenses.revoke(server.app, id)
  assert.equal((await other.refresh()).state, 'revoked')
  letGo()
  assert.equal((await late).state, 'revoked')
  assert.equal((await other.check()).state, 'revoked')
})

test('a closed client asks no more, and gives up what is under way', async () => {
  let began = (): void => undefined
  const asked = new Promise<void>((resolve) => (began = resolve))
  const fetch = (_: string, { signal }: RequestInit): Promise<Response> => {
    began()
    return never(signal!)
  }
  const { server, client } = await openScene({ fetch })
  const asking = client.refresh()
  await asked
  client.close()
  assert.equal((await asking).state, 'active')
  await server.clock.advance(30 * day)
  assert.equal(renewals(server), 0)
})

function never(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

test('clear forgets the token', async () => {
  const store = memoryStore()
  const { server, client, token } = await openScene({ store })
  assert.equal((await client.clear()).state, 'invalid')
  const again = await createLicenseClient({ ...(await server.clientOptions()), store })
  assert.equal(again.license.state, 'invalid')
  assert.equal((await again.setToken(token)).state, 'active')
})

test('a token of another license, installation, app or issuer is none, and is refused aloud', async () => {
  const { server, token, id } = await openScene()
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

test('a configured token is taken in when it is new, and not again when a newer one is there', async () => {
  const store = memoryStore()
  const { server, client, token } = await openScene({ store })
  await client.refresh()
  const options = { ...(await server.clientOptions()), store }
  const renewed = client.license.claims?.jti
  assert.equal((await createLicenseClient({ ...options, token })).license.claims?.jti, renewed)
  const other = await server.issue()
  const changed = await createLicenseClient({ ...options, token: other.token })
  assert.equal(changed.license.licenseId, other.id)
  assert.equal((await createLicenseClient({ ...options, token: other.token })).license.licenseId, other.id)
})
