import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { claimsOf, verifyOffline } from '../support/tokens.ts'
import { newWorld } from '../support/fixtures.ts'
import { sender, serve, storages, type Json, type Send } from './test-server.ts'

interface License {
  readonly id: string
  readonly jti: string
  readonly token: string
  readonly features: readonly string[]
}

const installation = '7F2C1E0A-5B7D-4C0E-9A53-0D6F3F1B2C4D'

async function pem(send: Send): Promise<string> {
  const response = await send('GET', '/apps/desktop-app/public-key')
  assert.equal(response.headers.get('content-type'), 'application/x-pem-file')
  return response.text
}

async function issue(send: Send, key: string): Promise<License> {
  const app = await send('POST', '/apps', { key, body: { name: 'My Desktop App', slug: 'desktop-app' } })
  assert.equal(app.status, 201)
  assert.equal(app.data().public_key_pem, await pem(send))
  const tier = { name: 'Pro', slug: 'pro', features: ['api_access'] }
  assert.equal((await send('POST', '/apps/desktop-app/tiers', { key, body: tier })).status, 201)
  const customer = await send('POST', '/apps/desktop-app/customers', {
    key,
    body: { email: 'ada@example.com' },
  })
  assert.equal(customer.status, 201)
  const license = {
    installation_id: installation,
    customer_id: customer.data().id,
    tier_id: 'pro',
    forever: true,
  }
  const issued = await send('POST', '/apps/desktop-app/licenses', { key, body: license })
  assert.equal(issued.status, 201)
  assert.equal(issued.data().installation_id, installation.toLowerCase())
  return issued.data<License>()
}

async function isValid(send: Send, token: string): Promise<unknown> {
  const response = await send('POST', '/apps/desktop-app/licenses/verify', { body: { token } })
  return response.data().valid
}

/** The main flow of the documents: create, issue, verify, add a feature, regenerate twice, rotate, revoke. */
async function walk(send: Send, key: string): Promise<void> {
  const first = await issue(send, key)
  const where = `/apps/desktop-app/licenses/${first.id}`
  assert.equal((await verifyOffline(first.token, await pem(send))).jti, first.jti)
  assert.equal(await isValid(send, first.token), true)

  const feature = { name: 'Webhooks', slug: 'webhooks' }
  assert.equal(
    (await send('POST', '/apps/desktop-app/tiers/pro/features', { key, body: feature })).status,
    201,
  )
  const second = (await send('POST', `${where}/regenerate`, { key })).data<License>()
  assert.deepEqual(second.features, ['api_access', 'webhooks'])
  const third = (
    await send('POST', `${where}/regenerate`, { body: { current_token: second.token } })
  ).data<License>()
  assert.notEqual(third.jti, second.jti)
  assert.equal(claimsOf(third.token).lic_id, claimsOf(first.token).lic_id)

  const rotation = (await send('POST', '/apps/desktop-app/rotate-keys', { key })).data<Json>()
  assert.equal(rotation.licenses_resigned, 1)
  assert.equal(rotation.public_key_pem, await pem(send))
  assert.equal(await isValid(send, third.token), false)
  const refused = await send('POST', `${where}/regenerate`, { body: { current_token: third.token } })
  assert.equal(refused.error().code, 'invalid_token')
  const now = (await send('GET', where, { key })).data<License>()
  assert.equal((await verifyOffline(now.token, await pem(send))).jti, third.jti)

  const revoked = await send('POST', `${where}/revoke`, { key, body: { reason: 'Refunded' } })
  assert.equal(revoked.data().status, 'revoked')
  assert.equal(revoked.data().token, null)
  const verified = await send('GET', `/apps/desktop-app/licenses/verify?installation_id=${installation}`)
  assert.equal(verified.data().valid, false)
  assert.equal((await send('DELETE', where, { key })).status, 204)
  assert.equal((await send('GET', where, { key })).status, 404)
}

describe('the main flow over HTTP', () => {
  for (const [name, use] of storages)
    test(`from a new app to a revoked license, on ${name}`, () =>
      use(async (storage) => {
        const { send, keys } = await serve(await newWorld({ storage }))
        await walk(send, keys.sk)
      }))

  test(
    'from a new app to a revoked license, through a port of Bun',
    { skip: !('Bun' in globalThis) },
    async () => {
      const { licensing, keys } = await serve(await newWorld())
      const app = licensingServer(licensing, { standalone: true }).listen({ port: 0, hostname: '127.0.0.1' })
      try {
        await walk(
          sender((request) => fetch(request), `http://127.0.0.1:${app.server?.port}`),
          keys.sk,
        )
      } finally {
        await app.stop(true)
      }
    },
  )
})
