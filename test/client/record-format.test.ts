import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLicenseClient,
  memoryStore,
  type LicenseClient,
  type LicenseClientOptions,
} from '../../src/client/index.ts'
import frozen from './records-0.1.0.json' with { type: 'json' }

const day = 86_400
const licenseId = 'lic_01m8ma8h5resma8r7yrcgq84xk'

type Fetch = NonNullable<LicenseClientOptions['fetch']>
const offline: Fetch = () => Promise.reject(new TypeError('offline'))

/** A client on a store that version 0.1.0 has written, by default before a server that is down. */
async function openOn(text: string, now = frozen.now, fetch = offline) {
  const store = memoryStore()
  await store.write(text)
  const client = await createLicenseClient({
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
