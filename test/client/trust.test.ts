import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint, exportJWK, importSPKI } from 'jose'
import { createLicenseClient, memoryStore, type LicenseClientOptions } from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { testKeyPairs } from '../support/keys.ts'
import { openLicensedClient } from './fixtures.ts'

async function thumbprint(pem: string): Promise<string> {
  return calculateJwkThumbprint(await exportJWK(await importSPKI(pem, 'RS256', { extractable: true })))
}

test('refreshKeys: trusts a served key only if the pin names it', async () => {
  for (const named of [true, false]) {
    const server = await createTestServer()
    const { token, id } = await server.issue({ forever: true })
    const options = await server.clientOptions()
    const kid = await thumbprint(await server.rotateKeys())
    const pin = named ? [kid] : [await thumbprint(testKeyPairs[5]!.publicKeyPem)]
    const refreshKeys = { from: 'jwks.json', pin } as const
    const client = await createLicenseClient({ ...options, token, refreshKeys })
    const renewed = (await server.licensing.licenses.token(server.app, id))!
    assert.equal(
      await client.setToken(renewed).then(
        () => 'ok',
        () => 'refused',
      ),
      named ? 'ok' : 'refused',
    )
  }
})

test('createLicenseClient(): does not trust a key from the store', async () => {
  const server = await createTestServer()
  const { token } = await server.issue()
  const store = memoryStore()
  const options = { ...(await server.clientOptions()), publicKeys: testKeyPairs[4]!.publicKeyPem, store }
  const record = { format: 1, token, fallback: null, given: null, seenAt: 0, revoked: null, attempt: null }
  const { publicKeys } = await server.clientOptions()
  await store.write(JSON.stringify({ ...record, publicKeys, keys: [publicKeys] }))
  assert.equal((await createLicenseClient(options)).license.state, 'invalid')
})

test('createLicenseClient(): takes a stored refusal for an unknown one if its code names a member of every object', async () => {
  const { server, token } = await openLicensedClient({ background: false })
  const stored = { format: 1, token, fallback: null, given: null, keys: null, seenAt: 0, revoked: null }
  for (const code of ['constructor', 'toString', '__proto__']) {
    const store = memoryStore()
    const attempt = { at: 0, outcome: 'refused', code, failures: 0, retryAfter: null }
    await store.write(JSON.stringify({ ...stored, attempt }))
    const options = { ...(await server.clientOptions()), store, background: false }
    const { state, action, reason } = (await createLicenseClient(options)).license
    assert.deepEqual([state, action], ['active', 'contact'], code)
    assert.match(reason, /refuses to renew/)
  }
})

test('createLicenseClient(): takes keys as PEM, as several PEMs, and as a JWK Set', async () => {
  const { server, token } = await openLicensedClient()
  const options = { ...(await server.clientOptions()), token }
  const { publicKeys } = options
  const other = testKeyPairs[5]!.publicKeyPem
  const jwks = await server.licensing.apps.jwks(server.app)
  for (const given of [publicKeys, `${other}\n${publicKeys}`, [other, publicKeys], jwks])
    assert.equal((await createLicenseClient({ ...options, publicKeys: given })).license.state, 'active')
})

test('createLicenseClient(): rejects a bundled key of less than 2048 bits', async () => {
  const options = await (await createTestServer()).clientOptions()
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) }
  for (const modulusLength of [1024, 2048]) {
    const pair = await crypto.subtle.generateKey({ ...algorithm, modulusLength }, true, ['sign', 'verify'])
    const jwk = await crypto.subtle.exportKey('jwk', pair.publicKey)
    const opening = createLicenseClient({ ...options, publicKeys: { keys: [jwk] } })
    if (modulusLength < 2048) await assert.rejects(opening, TypeError)
    else assert.equal((await opening).license.state, 'invalid')
  }
})

test('createLicenseClient(): rejects unusable options with a TypeError that repeats no value', async () => {
  const server = await createTestServer()
  const options = await server.clientOptions()
  const secret = testKeyPairs[0]!.privateKeyPem
  const wrong: readonly Partial<Record<keyof LicenseClientOptions, unknown>>[] = [
    ...['', 'nonsense', [], {}, { keys: [] }, { keys: [{ kty: 'oct', k: 'AAAA' }] }, null, 7].map(
      (publicKeys) => ({
        publicKeys,
      }),
    ),
    ...[secret, [secret], { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', d: 'AQAB' }] }].map((publicKeys) => ({
      publicKeys,
    })),
    ...[
      'http://licenses.example.com',
      'ftp://x.example',
      'nowhere',
      'https://u:p@x.example',
      'https://x.example?a=b',
    ].map((baseUrl) => ({ baseUrl })),
    ...['', 'My App', '../x'].map((app) => ({ app })),
    ...[0, -1, Number.NaN].map((refreshHours) => ({ refreshHours })),
    { graceDays: -1 },
    { maxOfflineDays: 0 },
    { policy: { active: 'perhaps' } },
    { policy: { asleep: 'allow' } },
  ]
  for (const given of wrong) {
    const refused = await createLicenseClient({ ...options, ...(given as object) }).catch(
      (error: unknown) => error,
    )
    assert.ok(refused instanceof TypeError, JSON.stringify(given).slice(0, 80))
    assert.ok(!refused.message.includes('MII'))
  }
  const plain = { ...options, baseUrl: 'http://licenses.example.com/' }
  assert.equal((await createLicenseClient({ ...plain, allowHttp: true })).license.state, 'invalid')
})

const envelope = (code: string, message: unknown = 'No'): string =>
  JSON.stringify({ error: { code, message } })

test('refresh(): takes only Heartwood’s error envelope with the matching status for a refusal', async () => {
  const { server, token } = await openLicensedClient()
  const answers: readonly (readonly [status: number, body: string, code: string | null, state: string])[] = [
    [400, envelope('license_revoked'), 'license_revoked', 'revoked'],
    [401, envelope('invalid_token'), 'invalid_token', 'active'],
    [404, envelope('not_found'), 'not_found', 'active'],
    [400, envelope('missing_tier'), 'missing_tier', 'active'],
    [400, envelope('license_released'), 'license_released', 'invalid'],
    [401, envelope('license_released'), null, 'active'],
    [403, envelope('license_revoked'), null, 'active'],
    [200, envelope('license_revoked'), null, 'active'],
    [400, envelope('license_revoked', 7), null, 'active'],
    [400, envelope('something_new'), null, 'active'],
    [400, '{"error":{"code":["license_revoked"],"message":""}}', null, 'active'],
    [400, '{"code":"license_revoked","message":""}', null, 'active'],
    [400, `${envelope('license_revoked')} `.repeat(2), null, 'active'],
    [400, `${' '.repeat(300_000)}${envelope('license_revoked')}`, null, 'active'],
    [404, '<h1>Not found</h1>', null, 'active'],
    [401, '', null, 'active'],
    [200, '{"data":{"token":7}}', null, 'active'],
    [200, '{"data":null}', null, 'active'],
    [200, 'null', null, 'active'],
    [201, '{"data":{"token":"x"}}', null, 'active'],
    [200, '{"data":{"token":"x"}}', null, 'active'],
    [200, JSON.stringify({ data: { token: `${token}x` } }), null, 'active'],
    [200, JSON.stringify({ data: { token } }), null, 'active'],
  ]
  for (const [status, body, code, state] of answers) {
    const fetch = async (): Promise<Response> => new Response(body, { status })
    const client = await createLicenseClient({ ...(await server.clientOptions()), token, fetch })
    const license = await client.refresh()
    assert.deepEqual(
      [license.state, license.lastAttempt?.code],
      [state, code],
      `${status} ${body.slice(0, 80)}`,
    )
  }
})

test('refresh(): sends the token to baseUrl only, follows no redirect and sends no cookies', async () => {
  const { server, token, id } = await openLicensedClient()
  const sent: RequestInit[] = []
  const urls: string[] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    sent.push(init)
    urls.push(url)
    throw new TypeError('redirected')
  }
  const baseUrl = 'https://licenses.example.com/sub/'
  const client = await createLicenseClient({ ...(await server.clientOptions()), baseUrl, token, fetch })
  assert.equal((await client.refresh()).lastAttempt?.outcome, 'unreachable')
  assert.deepEqual(urls, [
    `https://licenses.example.com/sub/api/v1/apps/desktop-app/licenses/${id}/regenerate`,
  ])
  assert.deepEqual([sent[0]?.redirect, sent[0]?.credentials, sent[0]?.cache], ['error', 'omit', 'no-store'])
})
