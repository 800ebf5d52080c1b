import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint, exportJWK, importSPKI } from 'jose'
import {
  createLicenseClient,
  LicensingError,
  memoryStore,
  type KeySource,
  type LicenseClientOptions,
  type LicenseStore,
} from '../../src/client/index.ts'
import { createTestServer, type TestClientOptions, type TestServer } from '../../src/testing/server.ts'
import { testKeyPairs } from '../support/keys.ts'

const day = 86_400
const origin: KeySource = { from: 'jwks.json', pin: 'origin' }

async function thumbprint(pem: string): Promise<string> {
  return calculateJwkThumbprint(await exportJWK(await importSPKI(pem, 'RS256', { extractable: true })))
}

/** A program that carries the key before a rotation, and a license under the key after it. */
interface Rotated {
  readonly server: TestServer
  readonly options: TestClientOptions
  readonly id: string
  readonly token: string
  readonly pinned: KeySource
}

async function rotate(): Promise<Rotated> {
  const server = await createTestServer()
  const options = await server.clientOptions()
  const pin = [await thumbprint(await server.rotateKeys())]
  return { server, options, ...(await server.issue({ forever: true })), pinned: { from: 'jwks.json', pin } }
}

const keyRequests = ({ requests }: TestServer): number =>
  requests.filter(({ method }) => method === 'GET').length

/** The message with which `setToken` rejects; `ok` if it does not. */
async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error: unknown) => {
      assert.ok(error instanceof LicensingError && error.code === 'invalid_token')
      return error.message
    },
  )
}

test('refresh(): fetches the key of the stored token, also with ifDue and without background', async () => {
  const { server, options, token } = await rotate()
  const given = { ...options, store: memoryStore(), refreshKeys: origin, background: false }
  await (await createLicenseClient(given)).setToken(token)
  for (const refresh of [{ ifDue: true }, {}]) {
    const client = await createLicenseClient(given)
    assert.deepEqual([client.license.state, client.license.action], ['invalid', 'refresh'])
    assert.match(client.license.reason, /newer key, yet to be fetched/)
    assert.equal((await client.refresh(refresh)).state, 'active')
  }
  assert.equal(keyRequests(server), 3)
})

test('refreshKeys: ignores members and keys of a later version in jwks.json', async () => {
  const { server, options, token } = await rotate()
  const { keys } = await server.licensing.apps.jwks(server.app)
  const later = [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      alg: 'EdDSA',
      use: 'sig',
    },
    { kty: 'AKP', alg: 'ML-DSA-65', pub: 'AAAA' },
    { kty: 'RSA', n: 'AQAB', e: 'AQAB', use: 'enc' },
    null,
  ]
  const body = JSON.stringify({
    later: true,
    keys: [...later, ...keys.map((key) => ({ ...key, exp: 1, key_ops: ['verify'], later: {} }))],
  })
  const fetch = async (): Promise<Response> => new Response(body)
  const client = await createLicenseClient({ ...options, fetch, refreshKeys: origin, background: false })
  assert.equal((await client.setToken(token)).state, 'active')
})

test('refreshKeys: keeps keys pinned by thumbprint in the store, so that a start needs no network', async () => {
  const { server, options, token, pinned } = await rotate()
  const store = memoryStore()
  await (await createLicenseClient({ ...options, store, refreshKeys: pinned })).setToken(token)
  server.fail('outage')
  const open = async (refreshKeys?: KeySource): Promise<string> => {
    const given = { ...options, store, background: false, ...(refreshKeys !== undefined && { refreshKeys }) }
    return (await createLicenseClient(given)).license.state
  }
  assert.equal(await open(pinned), 'active')
  const otherPin = [await thumbprint(testKeyPairs[5]!.publicKeyPem)]
  for (const other of [undefined, origin, { ...pinned, pin: otherPin }])
    assert.equal(await open(other), 'invalid', JSON.stringify(other))
})

test('refreshKeys: ignores a stored key that was changed', async () => {
  const { server, options, token, pinned } = await rotate()
  const store = memoryStore()
  await (await createLicenseClient({ ...options, store, refreshKeys: pinned })).setToken(token)
  const record = JSON.parse((await store.read())!) as { readonly keys: string }
  const other = await exportJWK(
    await importSPKI(testKeyPairs[5]!.publicKeyPem, 'RS256', { extractable: true }),
  )
  const named = { ...other, kid: pinned.pin[0] }
  server.fail('outage')
  for (const keys of [JSON.stringify({ keys: [named] }), 'nonsense', '{"keys":7}', null]) {
    await store.write(JSON.stringify({ ...record, keys }))
    const client = await createLicenseClient({ ...options, store, refreshKeys: pinned })
    assert.equal(client.license.state, 'invalid', `${keys}`)
  }
})

test('refreshKeys: takes a configured token under a newer key as soon as the key is fetched', async () => {
  for (const held of [false, true]) {
    const { server, options, id, token } = await rotate()
    const store = memoryStore()
    server.fail('outage')
    if (held) await holdEarlier(server, store, options)
    const client = await createLicenseClient({ ...options, token, store, refreshKeys: origin })
    assert.equal(client.license.state, held ? 'active' : 'invalid')
    server.recover()
    await server.clock.advance(3_600)
    assert.deepEqual([client.license.state, client.license.licenseId], ['active', id])
  }
})

/** Puts a license from before the rotation into the store. */
async function holdEarlier(
  server: TestServer,
  store: LicenseStore,
  options: LicenseClientOptions,
): Promise<void> {
  const other = await createTestServer({ start: server.clock.now() })
  const { token } = await other.issue({ forever: true })
  const client = await createLicenseClient({ ...options, store, background: false })
  await client.setToken(token)
}

test('refreshKeys: keeps the stored token if one fetch brings its key and that of the configured token', async () => {
  const { server, options, token } = await rotate()
  const entered = await server.issue({ forever: true })
  const given = { ...options, token, store: memoryStore(), refreshKeys: origin, background: false }
  const before = await createLicenseClient(given)
  await before.refresh()
  await before.setToken(entered.token)
  const client = await createLicenseClient(given)
  assert.equal(client.license.state, 'invalid')
  assert.equal((await client.refresh()).licenseId, entered.id)
})

test('setToken(): a rejected token changes nothing, even if its key was fetched', async () => {
  const { server, options, id, token } = await rotate()
  const other = await server.issue({ forever: true })
  const store = memoryStore()
  const given = { ...options, store, licenseId: id, refreshKeys: origin, background: false }
  const client = await createLicenseClient(given)
  await (await createLicenseClient(given)).setToken(token)
  const before = JSON.stringify(client.license)
  assert.match(await refusal(client.setToken(other.token)), /not valid for this program/)
  assert.equal(keyRequests(server), 2)
  assert.equal(JSON.stringify(client.license), before)
  assert.equal((await client.check()).state, 'active')
})

test('refreshKeys: asks less and less often for a key that is not served', async () => {
  const { server, options, token } = await rotate()
  server.fail('outage')
  const client = await createLicenseClient({ ...options, token, refreshKeys: origin })
  await server.clock.advance(day)
  const asked = keyRequests(server)
  for (let times = 0; times < 5; times += 1) await client.refresh({ ifDue: true })
  assert.ok(keyRequests(server) <= asked + 1)
  assert.ok(keyRequests(server) >= 25 && keyRequests(server) <= 40, `${keyRequests(server)}`)
})

test('refreshKeys: a response that is no key set takes no key away, and neither does a mistyped token', async () => {
  const answers: readonly (readonly [KeySource['from'], string])[] = [
    ['public-key', '<h1>Welcome to our hotel</h1>'],
    ['jwks.json', '{"login":"required"}'],
    ['jwks.json', '{"keys":[]}'],
    ['jwks.json', 'null'],
  ]
  for (const [from, body] of answers) {
    const { server, options, token } = await rotate()
    let portal = false
    const fetch: typeof options.fetch = async (url, init) =>
      portal ? new Response(body) : options.fetch(url, init)
    const client = await createLicenseClient({ ...options, fetch, refreshKeys: { from, pin: 'origin' } })
    await client.setToken(token)
    portal = true
    await server.rotateKeys()
    const next = (await server.issue()).token
    assert.match(await refusal(client.setToken(next)), /could not be fetched/)
    assert.match(await refusal(client.setToken(`${token}x`)), /not valid/)
    assert.equal((await client.check()).state, 'active', body)
  }
})

test('refreshKeys: keeps a fetched key that the server no longer serves', async () => {
  const { server, options, token } = await rotate()
  const client = await createLicenseClient({ ...options, refreshKeys: origin })
  await client.setToken(token)
  await server.rotateKeys()
  assert.equal(await refusal(client.setToken((await server.issue({ forever: true })).token)), 'ok')
  await client.setToken(token)
  assert.equal((await client.check()).state, 'active')
})

test('refreshKeys: fetches only for a token under an unknown key', async () => {
  const { server, options, token, pinned } = await rotate()
  const client = await createLicenseClient({ ...options, refreshKeys: pinned })
  await client.setToken(token)
  const before = keyRequests(server)
  const header = btoa(JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: 'x' })).replaceAll('=', '')
  for (const text of ['', 'typo', `${token}x`, 'a.b.c', `${header}.e30.AAAA`])
    await client.setToken(text).catch(() => undefined)
  assert.equal(keyRequests(server), before)
})

test('refreshKeys: a failed fetch is an outage and no refusal', async () => {
  for (const answer of [503, 404, 200]) {
    const server = await createTestServer()
    const { token } = await server.issue({ forever: true })
    const options = await server.clientOptions()
    let down = true
    const fetch: typeof options.fetch = async (url, init) =>
      down && url.endsWith('jwks.json')
        ? new Response('{"keys":[]}', { status: answer })
        : options.fetch(url, init)
    const client = await createLicenseClient({ ...options, fetch, token, refreshKeys: origin })
    const refused: string[] = []
    client.on('refused', ({ code }) => refused.push(code))
    await server.rotateKeys({ gracePeriodDays: 30 })
    const { state, lastAttempt } = await client.refresh()
    assert.deepEqual([state, lastAttempt?.outcome, lastAttempt?.code], ['active', 'unreachable', null])
    down = false
    assert.equal((await client.refresh()).lastAttempt?.outcome, 'refreshed')
    assert.deepEqual(refused, [])
  }
})

test('refresh(): a token under an unpinned key asks for an update of the program', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ forever: true })
  const pin = [await thumbprint(testKeyPairs[5]!.publicKeyPem)]
  const options = { ...(await server.clientOptions()), token, refreshKeys: { ...origin, pin } }
  const client = await createLicenseClient(options)
  await server.rotateKeys({ gracePeriodDays: 30 })
  const { action, lastAttempt } = await client.refresh()
  assert.deepEqual([action, lastAttempt?.code], ['update', 'unknown_key'])
})

test('refresh(): reports foreign_token for a license that was moved to another installation', async () => {
  const server = await createTestServer()
  const installationId = crypto.randomUUID()
  const { id, token } = await server.issue({ forever: true, installationId })
  const client = await createLicenseClient({ ...(await server.clientOptions()), token, installationId })
  await server.licensing.licenses.update(server.app, id, { installationId: crypto.randomUUID() })
  const { state, action, reason, lastAttempt } = await client.refresh()
  assert.deepEqual([state, action, lastAttempt?.code], ['active', 'contact', 'foreign_token'])
  assert.match(reason, /another installation/)
})

test('refreshKeys: follows no redirect and sends no cookies', async () => {
  const { options, token } = await rotate()
  const sent: RequestInit[] = []
  const fetch: typeof options.fetch = async (url, init) => {
    sent.push(init)
    return options.fetch(url, init)
  }
  await (await createLicenseClient({ ...options, fetch, refreshKeys: origin })).setToken(token)
  const [{ redirect, credentials, cache } = {}] = sent
  assert.deepEqual([sent.length, redirect, credentials, cache], [1, 'error', 'omit', 'no-cache'])
})

test('createLicenseClient(): rejects refreshKeys without a pin', async () => {
  const options = await (await createTestServer()).clientOptions()
  const wrong: readonly unknown[] = [
    null,
    'origin',
    { from: 'jwks.json' },
    { from: 'jwks.json', pin: [] },
    { from: 'jwks.json', pin: 'orgin' },
    { from: 'jwks.json', pin: ['x'] },
    { from: 'nonsense', pin: 'origin' },
    { pin: 'origin' },
  ]
  for (const refreshKeys of wrong) {
    const given = { ...options, refreshKeys } as LicenseClientOptions
    await assert.rejects(createLicenseClient(given), TypeError, JSON.stringify(refreshKeys))
  }
})
