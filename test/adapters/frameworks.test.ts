import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HandlerOptions } from '../../src/adapters/http.ts'
import { installation, newWorld } from '../support/fixtures.ts'
import { hosts, type Host } from './framework-hosts.ts'
import type { TestResponse } from './openapi-checker.ts'
import { checker, endOf, read, requestTo, secretOf, type Json, type Sent } from './test-server.ts'

const options: HandlerOptions = { corsOrigins: ['https://shop.example'] }
const app = '/apps/desktop-app'

type Ask = (method: string, path: string, sent?: Sent) => Promise<TestResponse>

/** Sends requests to the API of a host, and checks every response against the OpenAPI document. */
function asker({ baseUrl, fetch }: Host): Ask {
  return async (method, path, sent) => {
    const request = requestTo(baseUrl, method, path, sent)
    const response = await read(await fetch(request))
    checker.check(method, new URL(request.url.replace(baseUrl, 'http://localhost')).pathname, response)
    return response
  }
}

async function whileHosted(
  name: string,
  given: HandlerOptions,
  work: (ask: Ask, key: string, host: Host) => Promise<void>,
): Promise<void> {
  const world = await newWorld()
  const host = await hosts[name]!(world.licensing, given)
  try {
    await work(asker(host), await secretOf(world, { type: 'sk', mode: 'live' }), host)
  } finally {
    await host.close()
  }
}

async function sell(ask: Ask, key: string): Promise<void> {
  assert.equal((await ask('POST', '/apps', { key, body: { name: 'App', slug: 'desktop-app' } })).status, 201)
  await ask('POST', `${app}/tiers`, { key, body: { name: 'Pro', slug: 'pro' } })
  const email = 'ada@example.com'
  const customer = (await ask('POST', `${app}/customers`, { key, body: { email } })).data<Json>()
  const license = {
    installation_id: installation(1),
    customer_id: customer.id,
    tier_id: 'pro',
    forever: true,
  }
  const issued = await ask('POST', `${app}/licenses`, { key, body: license })
  assert.equal(endOf(issued), '201')
}

const verify = `${app}/licenses/verify?installation_id=${installation(1)}`
const bigBody = `{"name":"${'x'.repeat(300_000)}"}`

function inChunks(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  const size = 16_384
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, (at += size)))
    },
  })
}

const proxies = { trustedProxies: ['127.0.0.1', '::1'] }

for (const name of Object.keys(hosts))
  describe(`the HTTP API in ${name}`, () => {
    test('sells a license, verifies it, and refuses what is wrong', () =>
      whileHosted(name, options, async (ask, key) => {
        await sell(ask, key)
        assert.equal((await ask('GET', verify)).data<Json>().valid, true)
        const head = await ask('HEAD', verify)
        assert.deepEqual([head.status, head.text], [200, ''])
        for (const [method, path, ends, sent] of [
          ['GET', '/apps/nothing', '404 not_found', { key }],
          ['GET', '/nothing', '404 no_such_route', {}],
          ['GET', '/apps', '401 unauthorized', {}],
          ['PUT', '/apps', '405 method_not_allowed', { key }],
          ['POST', '/apps', '422 validation_error', { key, body: { name: 'App', other: 1 } }],
          ['GET', `${app}/licenses?page=x`, '422 validation_error', { key }],
          ['DELETE', `${app}/tiers/nothing`, '404 not_found', { key }],
          ['GET', '/api/health', '200', {}],
          ['GET', '/swagger', '200', {}],
          ['GET', '/swagger/json', '200', {}],
        ] as const)
          assert.equal(endOf(await ask(method, path, sent)), ends, `${method} ${path}`)
      }))

    test('a key of idempotency: the second response is the stored one', () =>
      whileHosted(name, options, async (ask, key) => {
        const headers = { 'idempotency-key': 'order-42' }
        const body = { name: 'App', slug: 'desktop-app' }
        const first = await ask('POST', '/apps', { key, body, headers })
        const second = await ask('POST', '/apps', { key, body, headers })
        assert.deepEqual([first.status, second.status], [201, 201])
        assert.equal(second.text, first.text)
        assert.equal(second.headers.get('idempotent-replayed'), 'true')
        const other = await ask('POST', '/apps', { key, body: { ...body, slug: 'other' }, headers })
        assert.equal(endOf(other), '422 idempotency_mismatch')
      }))

    test('pages of other origins: a preflight gives permission, and the response too', () =>
      whileHosted(name, options, async (ask, key) => {
        const origin = 'https://shop.example'
        const headers = { origin, 'access-control-request-method': 'POST' }
        const preflight = await ask('OPTIONS', '/apps', { headers })
        assert.equal(preflight.status, 204)
        assert.equal(preflight.headers.get('access-control-allow-origin'), origin)
        const response = await ask('GET', '/apps', { key, headers: { origin } })
        assert.equal(response.headers.get('access-control-allow-origin'), origin)
        const stranger = await ask('GET', '/apps', { key, headers: { origin: 'https://other.example' } })
        assert.equal(stranger.headers.get('access-control-allow-origin'), null)
      }))

    test('a body of 300 kB: 413, announced or not, and the next request has its response', () =>
      whileHosted(name, options, async (ask, key) => {
        // @hono/node-server may close the connection after a body that nobody read. A client then opens another.
        const again = (send: () => Promise<TestResponse>): Promise<TestResponse> => send().catch(send)
        for (const makeBody of [() => bigBody, () => inChunks(bigBody)]) {
          const refused = await again(() => ask('POST', '/apps', { key, body: makeBody() }))
          assert.equal(endOf(refused), '413 body_too_large')
          assert.equal(endOf(await again(() => ask('GET', '/apps', { key }))), '200')
        }
      }))

    test('limits: count the socket’s address, and believe headers of trusted proxies only', async () => {
      const rateLimits = { verify: 2 }
      const asked = async (ask: Ask, ...addresses: readonly string[]): Promise<readonly number[]> => {
        const statuses: number[] = []
        for (const address of addresses) {
          const headers = {
            'x-forwarded-for': address,
            'x-real-ip': '127.0.0.1',
            forwarded: `for=${address}`,
          }
          statuses.push((await ask('GET', verify, { headers })).status)
        }
        return statuses
      }
      await whileHosted(name, { ...options, rateLimits }, async (ask, key) => {
        await sell(ask, key)
        assert.deepEqual(await asked(ask, '203.0.113.1', '203.0.113.2', '203.0.113.3'), [200, 200, 429])
      })
      await whileHosted(name, { ...options, ...proxies, rateLimits }, async (ask, key) => {
        await sell(ask, key)
        const spoofed = '198.51.100.7, 203.0.113.1'
        assert.deepEqual(
          await asked(ask, '203.0.113.1', '203.0.113.1', spoofed, '203.0.113.2'),
          [200, 200, 429, 200],
        )
      })
    })

    test('the routes of the host: untouched', { skip: name === 'a route of Next.js' }, () =>
      whileHosted(name, options, async (_ask, _key, { baseUrl }) => {
        const response = await fetch(new URL('/shop', baseUrl))
        assert.equal(await response.text(), 'shop')
      }),
    )
  })
