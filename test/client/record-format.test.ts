import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLicenseClient,
  memoryStore,
  type LicenseClient,
  type LicenseClientOptions,
} from '../../src/client/index.ts'
import { createLicenseClient as createClientOf010 } from '../vectors/own/client-0.1.0.js'
import frozen from './records-0.1.0.json' with { type: 'json' }

const day = 86_400
const licenseId = 'lic_01m8ma8h5resma8r7yrcgq84xk'

type Fetch = NonNullable<LicenseClientOptions['fetch']>
const offline: Fetch = () => Promise.reject(new TypeError('offline'))

/** A client on a store that version 0.1.0 has written, by default before a server that is down. */
async function openOn(text: string, now = frozen.now, fetch = offline, create = createLicenseClient) {
  const store = memoryStore()
  await store.write(text)
  const client = await create({
    baseUrl: 'https://licenses.example.com',
    app: 'desktop-app',
    publicKeys: frozen.publicKeys,
    refreshKeys: { from: 'jwks.json', pin: frozen.pin },
    store,
    background: false,
    fetch,
    now: () => now,
  })
  return { client, store }
}

function shown({ license }: LicenseClient) {
  const { state, code, store, claims } = license
  return [state, code, license.licenseId, store, claims?.iat ?? null]
}

test('createLicenseClient(): reads a record that 0.1.0 wrote after a refresh', async () => {
  const { client, store } = await openOn(frozen.refreshed)
  const issued = frozen.now / 1000 - 2 * day
  assert.deepEqual(shown(client), ['refresh_due', null, licenseId, 'kept', issued])
  assert.deepEqual(client.license.features, ['webhooks'])
  assert.equal(client.license.lastAttempt?.outcome, 'refreshed')
  const { seenAt } = JSON.parse((await store.read())!) as { readonly seenAt: number }
  assert.equal(seenAt, frozen.now / 1000)
})

test('createLicenseClient(): reads the fetched key, the token under it and the failures that 0.1.0 kept', async () => {
  const { client, store } = await openOn(frozen.rotated)
  const issued = frozen.now / 1000 - day
  assert.deepEqual(shown(client), ['refresh_due', null, licenseId, 'kept', issued])
  assert.deepEqual(client.license.lastAttempt, {
    at: frozen.now / 1000,
    outcome: 'unreachable',
    code: null,
    failures: 2,
    retryAfter: 300,
  })
  await client.check()
  assert.equal(await store.read(), frozen.rotated)
})

test('createLicenseClient(): reads a revocation that 0.1.0 kept', async () => {
  const { client, store } = await openOn(frozen.revoked)
  assert.deepEqual(shown(client), ['revoked', 'license_revoked', licenseId, 'kept', null])
  await client.check()
  assert.equal(await store.read(), frozen.revoked)
})

test('createLicenseClient(): reads a record without the field for fetched keys', async () => {
  const { keys: _, ...others } = JSON.parse(frozen.refreshed) as Record<string, unknown>
  const { client } = await openOn(JSON.stringify(others))
  assert.equal(client.license.state, 'refresh_due')
})

test('refresh(): writes the record byte for byte in the format of 0.1.0', async () => {
  const { client, store } = await openOn(frozen.refreshed)
  await client.refresh()
  const at = frozen.now / 1000
  const attempt = { at, outcome: 'unreachable', code: null, failures: 1, retryAfter: null }
  const { format, token, fallback, given } = JSON.parse(frozen.refreshed) as Record<string, unknown>
  const expected = { format, token, fallback, given, keys: null, seenAt: at, revoked: null, attempt }
  assert.equal(await store.read(), JSON.stringify(expected))
})

/** Each runtime exports the numbers of a key in an order of its own. */
function withKeysParsed(text: string | null): object {
  const record = JSON.parse(text!) as { readonly keys: string }
  return { ...record, keys: JSON.parse(record.keys) as unknown }
}

test('setToken(), refresh() and clear(): keep every field of a record from 0.1.0 that still counts', async () => {
  const { client, store } = await openOn(frozen.rotated)
  const { token, fallback, given, keys, seenAt, attempt } = JSON.parse(frozen.rotated) as Record<
    string,
    string
  >
  const empty = { format: 1, token: null, fallback: null, given, keys, seenAt, revoked: null, attempt: null }
  const expectStored = async (fields: object): Promise<void> =>
    assert.deepEqual(
      withKeysParsed(await store.read()),
      withKeysParsed(JSON.stringify({ ...empty, ...fields })),
    )
  await client.refresh()
  await expectStored({ token, fallback, attempt: { ...Object(attempt), failures: 3, retryAfter: null } })
  const signedAt = client.license.claims!.iat
  await client.clear()
  await expectStored({ seenAt: signedAt })
  const earlier = (await client.setToken(fallback!)).claims!.iat
  await expectStored({ token: fallback, seenAt: earlier })
  await client.setToken(token!)
  await expectStored({ token, fallback, seenAt: signedAt })
})

test('refresh(), clear() and setToken(): carry the fields that a later version has written', async () => {
  const later = { licenseKey: 'ACME-1', trust: { statements: [1, null, 'x'] }, '': 0 }
  const text = JSON.stringify({ ...(JSON.parse(frozen.refreshed) as object), ...later })
  const { client, store } = await openOn(text)
  const { token } = JSON.parse(frozen.refreshed) as { readonly token: string }
  const operations = [() => client.refresh(), () => client.clear(), () => client.setToken(token)]
  for (const work of operations) {
    await work()
    const { licenseKey, trust, ...others } = JSON.parse((await store.read())!) as Record<string, unknown>
    assert.deepEqual({ licenseKey, trust, '': others[''] }, later)
  }
  assert.equal(client.license.store, 'kept')
})

test('refresh(): keeps a later version’s fields if a revocation removes the token', async () => {
  const text = JSON.stringify({ ...(JSON.parse(frozen.refreshed) as object), licenseKey: 'ACME-1' })
  const body = JSON.stringify({ error: { code: 'license_revoked', message: 'No' } })
  const { client, store } = await openOn(text, frozen.now, async () => new Response(body, { status: 400 }))
  assert.equal((await client.refresh()).state, 'revoked')
  const { token, licenseKey } = JSON.parse((await store.read())!) as Record<string, unknown>
  assert.deepEqual([token, licenseKey], [null, 'ACME-1'])
})

/** A record whose last attempt a later version has made, with an outcome and a field of its own. */
function withLaterAttempt(text: string) {
  const { attempt, ...others } = JSON.parse(text) as { readonly attempt: object }
  const later = { ...attempt, outcome: 'deferred', code: 'not_found', until: 5 }
  return { later, text: JSON.stringify({ ...others, attempt: later }) }
}

test('createLicenseClient(): carries an attempt whose outcome it does not know, and does not act on it', async () => {
  const { later, text } = withLaterAttempt(frozen.refreshed)
  const { client, store } = await openOn(text, frozen.now + 2 * 3_600_000)
  const { state, action, lastAttempt, store: condition } = client.license
  assert.deepEqual([state, action, lastAttempt, condition], ['refresh_due', 'refresh', null, 'kept'])
  const { seenAt, attempt } = JSON.parse((await store.read())!) as Record<string, unknown>
  assert.deepEqual([seenAt, attempt], [frozen.now / 1000 + 2 * 3_600, later])
})

test('refresh(): asks although a later version has put the next attempt off, and records its own attempt', async () => {
  const { client, store } = await openOn(withLaterAttempt(frozen.refreshed).text)
  const at = frozen.now / 1000
  const expected = { at, outcome: 'unreachable', code: null, failures: 1, retryAfter: null }
  assert.deepEqual((await client.refresh({ ifDue: true })).lastAttempt, expected)
  const { attempt } = JSON.parse((await store.read())!) as { readonly attempt: unknown }
  assert.deepEqual(attempt, expected)
})

// So no version may store a new outcome as long as 0.1.0 may share its store.
test('createLicenseClient() of 0.1.0: takes a record with an outcome that it does not know for damaged', async () => {
  const { text } = withLaterAttempt(frozen.refreshed)
  const { client } = await openOn(text, frozen.now, offline, createClientOf010)
  assert.deepEqual([client.license.state, client.license.store], ['invalid', 'corrupt'])
})

/** Makes a program write the record anew, without changing the license. */
async function rewrite(text: string, create: typeof createLicenseClient): Promise<string> {
  const { client, store } = await openOn(text, frozen.now, offline, create)
  // A revoked license is not renewed, but an entered token is stored beside the revocation.
  if (client.license.state === 'revoked') await client.setToken(tokenOf(frozen.refreshed))
  else await client.refresh()
  const written = (await store.read())!
  assert.notEqual(written, text)
  return written
}

const tokenOf = (text: string): string => (JSON.parse(text) as { readonly token: string }).token
const laterFields = { licenseKey: 'ACME-1', trust: { statements: [1] } }
const withLaterFields = (text: string): string =>
  JSON.stringify({ ...(JSON.parse(text) as object), ...laterFields })

for (const name of ['refreshed', 'rotated', 'revoked'] as const) {
  test(`a ${name} record: 0.1.0 drops the fields of later versions, and nothing else is lost`, async () => {
    const [byOld, byThis] = await Promise.all(
      [createClientOf010, createLicenseClient].map((create) =>
        rewrite(withLaterFields(frozen[name]), create),
      ),
    )
    const { licenseKey, trust, ...others } = JSON.parse(byThis!) as Record<string, unknown>
    assert.deepEqual({ licenseKey, trust }, laterFields)
    assert.deepEqual(JSON.parse(byOld!), others)
  })

  test(`a ${name} record: each version reads from the other’s what it would read from its own`, async () => {
    const written = [
      await rewrite(frozen[name], createClientOf010),
      await rewrite(withLaterFields(frozen[name]), createLicenseClient),
    ]
    const seen = []
    for (const create of [createClientOf010, createLicenseClient])
      for (const text of written) {
        const { client } = await openOn(text, frozen.now, offline, create)
        seen.push([...shown(client), client.license.claims?.jti, client.license.lastAttempt])
      }
    for (const other of seen.slice(1)) assert.deepEqual(other, seen[0])
  })
}
