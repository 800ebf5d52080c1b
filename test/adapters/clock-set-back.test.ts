import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, type LicenseClient } from '../../src/client/index.ts'
import { day, newShop, newWorld, risingIds, start, tokenOf } from '../support/fixtures.ts'
import { claimsOf } from '../support/tokens.ts'
import { newShopServer, serve, type Json, type Send, type TestServer } from './test-server.ts'

const hour = 3_600

interface Issued {
  readonly id: string
  readonly jti: string
  readonly token?: string | null | undefined
}

/** The verdicts of GET verify by `jti`, of GET verify by installation, and of POST verify. */
async function verdictsOf(send: Send, { jti, token }: Issued): Promise<readonly unknown[]> {
  const path = '/apps/desktop-app/licenses/verify'
  const { sub } = claimsOf(token ?? '')
  const responses = [
    await send('GET', `${path}?jti=${jti}`),
    await send('GET', `${path}?installation_id=${sub}`),
    await send('POST', path, { body: { token } }),
  ]
  return responses.map((response) => {
    const { valid, status, code = null } = response.data<Json>()
    return [valid, status, code].join(' ')
  })
}

/** Renews by the license's own token. Resolves to the renewed license. */
async function renew(send: Send, { id, token }: Issued): Promise<Issued> {
  const path = `/apps/desktop-app/licenses/${id}/regenerate`
  const response = await send('POST', path, { body: { current_token: token } })
  assert.equal(response.status, 200, response.text)
  return response.data<Issued>()
}

const good = ['true active ', 'true active ', 'true active ']

for (const [name, ahead] of [
  ['five minutes and a second', 301],
  ['an hour', hour],
  ['a day', day],
] as const)
  test(`a server whose clock goes back by ${name}: accepts its own tokens, and both verifies agree`, async () => {
    const { send, clock, issue } = await newShopServer()
    clock.seconds += ahead
    const issued = await issue()
    const renewed = await renew(send, issued)
    clock.seconds -= ahead
    for (const license of [issued, renewed]) assert.deepEqual(await verdictsOf(send, license), good)
    const later = await renew(send, issued)
    assert.equal(claimsOf(later.token ?? '').iat, clock.seconds)
    assert.deepEqual(await verdictsOf(send, await renew(send, renewed)), good)
  })

/** The codes of a renewal, and of POST verify. */
async function refusalsOf(send: Send, { id, token }: Issued): Promise<readonly unknown[]> {
  const path = `/apps/desktop-app/licenses`
  const renewal = await send('POST', `${path}/${id}/regenerate`, { body: { current_token: token } })
  const verified = await send('POST', `${path}/verify`, { body: { token } })
  return [renewal.error().code, verified.data<Json>().code]
}

test('a server whose clock goes back: still refuses tokens that are invalidated, revoked or past their end', async () => {
  const { send, licensing, clock, issue } = await newShopServer()
  clock.seconds += day
  const [stolen, revoked, ended] = [await issue(), await issue(), await issue({ durationDays: 1 })]
  clock.seconds -= day
  await licensing.licenses.regenerate('desktop-app', stolen.id, { invalidatePrevious: true })
  await licensing.licenses.revoke('desktop-app', revoked.id)
  assert.deepEqual(await refusalsOf(send, stolen), ['invalid_token', 'invalid_token'])
  assert.deepEqual(await refusalsOf(send, revoked), ['license_revoked', 'license_revoked'])
  clock.seconds += 2 * day
  assert.deepEqual(await refusalsOf(send, ended), ['token_expired', 'token_expired'])
})

test('two servers whose clocks differ by ten minutes: each accepts and renews the tokens of the other', async () => {
  const shop = await newShop()
  const early = await serve(shop)
  const late = await serve(await newWorld({ storage: shop.storage, newId: risingIds(1_000) }))
  late.clock.seconds = start + 600
  let license: Issued = await shop.issue()
  for (const { send } of [late, early, late, early]) {
    license = await renew(send, license)
    for (const each of [early, late]) assert.deepEqual(await verdictsOf(each.send, license), good)
  }
})

function openClient({ fetch }: TestServer, token: string, publicKeys: string): Promise<LicenseClient> {
  return createLicenseClient({
    ...{ baseUrl: 'http://localhost', app: 'desktop-app', publicKeys, token },
    ...{ background: false, now: () => start * 1000 },
    fetch: (url, init) => fetch(new Request(url, init)),
  })
}

test('a program whose server was a day ahead and is right again: gets its next token', async () => {
  const server = await newShopServer()
  server.clock.seconds += day
  const client = await openClient(server, tokenOf(await server.issue()), server.app.publicKeyPem)
  await client.refresh()
  // The client keeps its own rule: a token from the future makes a clock suspect.
  assert.deepEqual([client.license.state, client.license.action], ['clock_suspect', 'check_clock'])
  server.clock.seconds -= day
  const { state, action, lastAttempt, claims } = await client.refresh()
  assert.deepEqual([state, action, lastAttempt?.outcome], ['active', 'none', 'refreshed'])
  assert.equal(claims?.iat, start)
})
