import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Elysia } from 'elysia'
import { register } from 'prom-client'
import { licensingServer, type ServerOptions } from '../../src/adapters/elysia.ts'
import { errorCodes } from '../../src/adapters/http/errors.ts'
import { version } from '../../src/adapters/version.ts'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import { LicensingError, type LicensingOptions, type Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { eventually, recorder, somewhere } from '../webhooks/receivers.ts'
import { newShop, newWorld, type Shop } from '../support/fixtures.ts'
import { callRoute, inputFor, pathOf } from './call-route.ts'
import { newFixture } from './fixture.ts'
import { parsePrometheusText, type PrometheusText } from './prometheus-text.ts'
import { document, read, sender, serve, type TestServer } from './test-server.ts'
import { expectations } from './route-expectations.ts'
import { rawRequest, whileListening } from './listening.ts'

const verify = '/apps/desktop-app/licenses/verify?jti=x'
const verifyRoute = '/api/v1/apps/:slug/licenses/verify'

async function scrape({ fetch }: Pick<TestServer, 'fetch'>, path = '/metrics'): Promise<PrometheusText> {
  const response = await read(await fetch(new Request(`http://localhost${path}`)))
  assert.equal(response.status, 200)
  return parsePrometheusText(response.text)
}

async function measured(
  options: ServerOptions = {},
  licensing: Partial<LicensingOptions> = {},
): Promise<Shop & TestServer> {
  return serve(await newShop(licensing), { metrics: true, ...options })
}

/** The counts above zero, by their only label. */
function counted(metrics: PrometheusText, name: string): Readonly<Record<string, number>> {
  const family = Object.entries(metrics.family(name))
  assert.notEqual(family.length, 0, name)
  return Object.fromEntries(
    family.filter(([, count]) => count > 0).map(([series, count]) => [/"(.*)"/.exec(series)?.[1], count]),
  )
}

describe('without the metrics option', () => {
  test('GET /metrics with standalone: 404', async () => {
    for (const options of [{}, { metrics: false }]) {
      const { fetch } = await measured({ metrics: false, ...options })
      const response = await read(await fetch(new Request('http://localhost/metrics')))
      assert.deepEqual([response.status, response.error().code], [404, 'no_such_route'])
    }
  })

  test('GET /metrics in a host: the host’s own route', async () => {
    const { licensing } = await newWorld()
    const host = new Elysia().use(licensingServer(licensing)).get('/metrics', () => 'the host’s own')
    assert.equal(await (await host.handle(new Request('http://localhost/metrics'))).text(), 'the host’s own')
  })
})

describe('GET /metrics', () => {
  test('well-formed text of Prometheus, which may not be cached', async () => {
    await whileListening(await measured(), async ({ origin }) => {
      const response = await read(await fetch(`${origin}/metrics`))
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      assert.equal(parsePrometheusText(response.text).value(`heartwood_build_info{version="${version}"}`), 1)
    })
  })

  test('a similar path: 404', async () => {
    await whileListening(await measured(), async ({ exchange }) => {
      for (const path of [
        '/metrics/',
        '/metrics/x',
        '/METRICS',
        '/%6detrics',
        '//metrics',
        '/api/v1/metrics',
      ])
        assert.match(await exchange(rawRequest(`GET ${path}`)), /^HTTP\/1\.1 404 /, path)
    })
  })

  test('HEAD: no body; other methods: 405', async () => {
    await whileListening(await measured(), async ({ origin }) => {
      const head = await fetch(`${origin}/metrics`, { method: 'HEAD' })
      assert.deepEqual([head.status, await head.text()], [200, ''])
      assert.match(head.headers.get('content-type') ?? '', /version=0\.0\.4/)
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const response = await read(await fetch(`${origin}/metrics`, { method }))
        assert.deepEqual([response.status, response.error().code], [405, 'method_not_allowed'], method)
        assert.equal(response.headers.get('allow'), 'GET, HEAD')
      }
    })
  })

  test('another origin: no CORS headers', async () => {
    const { fetch } = await measured({ corsOrigins: ['https://shop.example.com'] })
    const headers = { origin: 'https://shop.example.com' }
    const response = await fetch(new Request('http://localhost/metrics', { headers }))
    assert.equal(response.headers.get('access-control-allow-origin'), null)
  })

  test('rate limits: none', async () => {
    const limits = { verify: 1, batch: 1, renewal: 1, renewalPerLicense: 1, publicKey: 1, failedKey: 1 }
    const server = await measured({ rateLimits: limits, clientAddress: () => '192.0.2.1' })
    for (let at = 0; at < 30; at++) await scrape(server)
  })

  test('the OpenAPI document: does not list it', () => {
    assert.equal(JSON.stringify(document).includes('/metrics'), false)
  })

  test('the global registry of prom-client: stays empty', async () => {
    await scrape(await measured())
    assert.deepEqual(register.getMetricsAsArray(), [])
  })

  test('process metrics: without the version of the runtime', async () => {
    const { text, value } = await scrape(await measured())
    assert.ok(value('process_resident_memory_bytes')! > 1_000_000)
    assert.ok(value('process_start_time_seconds')! > 1_700_000_000)
    assert.notEqual(value('nodejs_eventloop_lag_seconds'), undefined)
    assert.doesNotMatch(text, /node_?js_version|version="v/)
  })
})

describe('heartwood_http metrics', () => {
  test('requests: counted by route, method and status', async () => {
    const { keys, ...server } = await measured()
    await whileListening(server, async ({ origin }) => {
      const ask = (path: string, init: RequestInit = {}): Promise<unknown> =>
        fetch(`${origin}/api/v1${path}`, init).then((response) => response.text())
      const headers = { authorization: `Bearer ${keys.sk}`, 'content-type': 'application/json' }
      await Promise.all(Array.from({ length: 7 }, () => ask(verify)))
      for (let at = 0; at < 3; at++) await ask('/apps', { headers })
      for (let at = 0; at < 2; at++) await ask('/apps')
      await ask('/apps', { method: 'HEAD', headers })
      await ask('/apps', { method: 'POST', headers, body: '{' })
      const { value } = await scrape(
        { fetch: (request) => fetch(request) },
        `:${new URL(origin).port}/metrics`,
      )
      const requests = (method: string, route: string, status: number): number | undefined =>
        value(`heartwood_http_requests_total{method="${method}",route="${route}",status="${status}"}`)
      assert.equal(requests('GET', verifyRoute, 404), 7)
      assert.equal(requests('GET', '/api/v1/apps', 200), 3)
      assert.equal(requests('GET', '/api/v1/apps', 401), 2)
      assert.equal(requests('HEAD', '/api/v1/apps', 200), 1)
      assert.equal(requests('POST', '/api/v1/apps', 400), 1)
      const duration = 'heartwood_http_request_duration_seconds'
      const labels = `method="GET",route="${verifyRoute}"`
      assert.equal(value(`${duration}_count{${labels}}`), 7)
      assert.equal(value(`${duration}_bucket{le="10",${labels}}`), 7)
      const seconds = value(`${duration}_sum{${labels}}`)!
      assert.ok(seconds > 0 && seconds < 70, `${seconds}`)
    })
  })

  test('unknown paths and methods: one label each', async () => {
    const server = await measured()
    for (const path of ['/nowhere', '/api/v1/nowhere', '/api/v1/apps/x/y/z', '/a/b/c'])
      await server.fetch(new Request(`http://localhost${path}`))
    for (const method of ['PROPFIND', 'REPORT'])
      await server.fetch(new Request('http://localhost/nowhere', { method }))
    const { family } = await scrape(server)
    assert.deepEqual(family('heartwood_http_requests_total'), {
      'heartwood_http_requests_total{method="GET",route="*",status="404"}': 4,
      'heartwood_http_requests_total{method="other",route="*",status="404"}': 2,
    })
  })

  test('errors: counted by code, and each code starts at zero', async () => {
    const { send, keys, ...server } = await measured()
    assert.deepEqual(counted(await scrape(server), 'heartwood_http_errors_total'), {})
    await send('GET', '/apps')
    await send('GET', '/apps', { key: keys.sk })
    await send('GET', '/apps?x=1', { key: keys.sk })
    await send('GET', '/apps/nothing', { key: keys.sk })
    await send('GET', '/apps/nothing', { key: keys.sk })
    await send('PATCH', '/apps', { key: keys.sk })
    const metrics = await scrape(server)
    const expected = { unauthorized: 1, validation_error: 1, not_found: 2, method_not_allowed: 1 }
    assert.deepEqual(counted(metrics, 'heartwood_http_errors_total'), expected)
    const codes = Object.keys(metrics.family('heartwood_http_errors_total'))
    assert.equal(codes.length, Object.keys(errorCodes).length)
  })

  test('rate-limited requests: counted by limit', async () => {
    const clientAddress = (): string => '192.0.2.1'
    const server = await measured({ rateLimits: { verify: 2, failedKey: 1 }, clientAddress })
    for (let at = 0; at < 5; at++) await server.send('GET', verify)
    for (let at = 0; at < 2; at++) await server.send('GET', '/apps', { key: apiKeySecret('sk', 'live') })
    const metrics = await scrape(server)
    assert.deepEqual(counted(metrics, 'heartwood_http_rate_limited_total'), { verify: 3, failed_key: 1 })
    assert.deepEqual(metrics.value('heartwood_http_errors_total{code="rate_limited"}'), 4)
    assert.equal(metrics.value('heartwood_http_rate_limited_total{limit="renewal_per_license"}'), 0)
  })
})

describe('license keys', () => {
  test('requests, errors and limits: counted by route, code and limit', async () => {
    const clientAddress = (): string => '192.0.2.1'
    const rateLimits = { failedLicenseKey: 1, activationPerKey: 2, seatsPerKey: 1 }
    const server = await measured({ rateLimits, clientAddress })
    const sold = { customerId: server.customer.id, tierId: 'pro', forever: true } as const
    const { key } = await server.licensing.licenseKeys.create('desktop-app', sold)
    const route = '/apps/desktop-app/license-keys'
    const post = (path: string, body: object) => server.send('POST', `${route}/${path}`, { body })
    const body = { license_key: key, installation_id: 'a1b2c3d4-e5f6-4a7b-8c9d-0000000000ff' }
    for (let at = 0; at < 4; at++) await post('activate', body)
    for (let at = 0; at < 2; at++) await post('seats', { license_key: key })
    for (let at = 0; at < 3; at++) await post('verify', { license_key: 'x' })
    const metrics = await scrape(server)
    assert.deepEqual(counted(metrics, 'heartwood_http_rate_limited_total'), {
      activation_per_key: 2,
      failed_license_key: 2,
      seats_per_key: 1,
    })
    assert.deepEqual(counted(metrics, 'heartwood_http_errors_total'), { rate_limited: 5 })
    const line = (path: string, status: number) =>
      `heartwood_http_requests_total{method="POST",route="/api/v1/apps/:slug/license-keys/${path}",status="${status}"}`
    assert.deepEqual(metrics.family('heartwood_http_requests_total'), {
      [line('activate', 201)]: 1,
      [line('activate', 200)]: 1,
      [line('activate', 429)]: 2,
      [line('seats', 200)]: 1,
      [line('seats', 429)]: 1,
      [line('verify', 200)]: 1,
      [line('verify', 429)]: 2,
    })
  })
})

describe('load metrics', () => {
  test('signing queue and key pool: equal to licensing.load()', async () => {
    const signing = { concurrency: 1, maxWaiting: 1 }
    const server = await measured({}, { signing, keyPool: 1 })
    for (let at = 0; at < 3; at++) await server.issue()
    await Promise.allSettled(Array.from({ length: 6 }, () => server.issue()))
    const { signing: load } = server.licensing.load()
    await eventually(() => server.licensing.load().keyPairs.ready === 1)
    const { value } = await scrape(server)
    assert.equal(load.done + load.refused, 9)
    assert.equal(value('heartwood_tokens_signed_total'), load.done)
    assert.equal(value('heartwood_signing_refused_total'), load.refused)
    assert.equal(value('heartwood_signing_places'), 2)
    for (const name of ['signing_places_taken', 'signing_running', 'signing_waiting', 'key_pairs_running'])
      assert.equal(value(`heartwood_${name}`), 0, name)
    assert.equal(value('heartwood_key_pool_size'), 1)
    assert.equal(value('heartwood_key_pool_ready'), 1)
    assert.ok(value('heartwood_key_pairs_made_total')! >= 2)
  })

  test('webhooks: attempts by outcome, and apps with due events', async () => {
    const server = await measured()
    const { licensing } = server
    await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
    await licensing.webhooks.test('desktop-app')
    const before = await scrape(server)
    assert.equal(before.value('heartwood_webhook_apps_due'), 1)
    assert.deepEqual(counted(before, 'heartwood_webhook_attempts_total'), {})
    const responses = [500, 204]
    const { sent, connect } = recorder(() => ({ status: responses[sent.length - 1]! }))
    const delivery = startDelivery(licensing, { connect, resolve: somewhere, pollMs: 10, pauses: [0] })
    await eventually(() => licensing.load().webhookAttempts.delivered === 1)
    await delivery.stop()
    const after = await scrape(server)
    assert.equal(after.value('heartwood_webhook_apps_due'), 0)
    const attempts = counted(after, 'heartwood_webhook_attempts_total')
    assert.deepEqual(attempts, { delivered: 1, retried: 1 })
    assert.equal(after.value('heartwood_webhook_attempts_total{outcome="given_up"}'), 0)
  })

  test('webhooks: events that a full queue dropped', async () => {
    const server = await measured({}, { webhooks: { queueLimit: 1 } })
    const { licensing } = server
    await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
    assert.equal((await scrape(server)).value('heartwood_webhook_events_dropped_total'), 0)
    await licensing.webhooks.test('desktop-app')
    await licensing.customers.create('desktop-app', { email: 'dropped@example.com' })
    await licensing.rotateKeys('desktop-app')
    assert.equal((await scrape(server)).value('heartwood_webhook_events_dropped_total'), 1)
  })
})

describe('heartwood_storage_up', () => {
  /** A storage whose list of due apps fails in the given way. */
  const away = (due: () => Promise<never>): Storage =>
    new Proxy(memoryStorage(), {
      get: (storage, verb: keyof Storage) =>
        verb === 'listAppsWithDueDeliveries' ? due : storage[verb].bind(storage),
    })
  const ways: Readonly<Record<string, () => Promise<never>>> = {
    fails: () => Promise.reject(new LicensingError('unavailable', 'The storage is closed')),
    'never responds': () => new Promise(() => {}),
  }
  for (const [way, due] of Object.entries(ways))
    test(`0 if the storage ${way}, and only the metrics of the storage are missing`, async () => {
      const { value, text } = await scrape(await measured({}, { storage: away(due) }))
      assert.equal(value('heartwood_storage_up'), 0)
      assert.equal(value('heartwood_webhook_apps_due'), undefined)
      assert.equal(value('heartwood_tokens_signed_total'), 0)
      assert.match(text, /process_cpu_seconds_total/)
    })

  test('1 otherwise', async () => {
    assert.equal((await scrape(await measured())).value('heartwood_storage_up'), 1)
  })
})

describe('licensingServer() with metrics in a host', () => {
  test('GET /:prefix/metrics: each server has its own metrics', async () => {
    const [one, two] = [await newShop(), await newShop()]
    const host = new Elysia()
      .onError(() => new Response('the host’s own error', { status: 418 }))
      .get('/metrics', () => 'the host’s own')
      .group('/one', (group) => group.use(licensingServer(one.licensing, { metrics: true })))
      .group('/two', (group) => group.use(licensingServer(two.licensing, { metrics: true })))
    const server = { fetch: async (request: Request) => host.handle(request) }
    await one.issue()
    await server.fetch(new Request(`http://localhost/one/api/v1${verify}`))
    const [first, second] = [await scrape(server, '/one/metrics'), await scrape(server, '/two/metrics')]
    const series = `heartwood_http_requests_total{method="GET",route="${verifyRoute}",status="404"}`
    assert.deepEqual([first.value(series), second.value(series)], [1, undefined])
    const signed = 'heartwood_tokens_signed_total'
    assert.deepEqual([first.value(signed), second.value(signed)], [1, 0])
    assert.equal(await (await server.fetch(new Request('http://localhost/metrics'))).text(), 'the host’s own')
    const post = await server.fetch(new Request('http://localhost/one/metrics', { method: 'POST' }))
    assert.equal(post.status, 405)
  })
})

describe('labels', () => {
  const canary = 'canary7xq'
  const named =
    /(?<![a-z_])(?:app|tier|feat|cus|lic|lkey|key|evt|whd|whsec|sk|pk)_[0-9a-z]{6,}|eyJ|@|[0-9a-f]{8}-[0-9a-f]{4}/i

  test('no id, slug, e-mail, token or key, for any request and outcome', async () => {
    const fixture = await newFixture()
    const app = licensingServer(fixture.licensing, { standalone: true, metrics: true })
    const server = { fetch: async (request: Request) => app.handle(request) }
    const served = { ...fixture, send: sender(server.fetch) }
    const headers = { authorization: `Bearer ${fixture.keys.sk}` }
    for (const row of Object.keys(expectations).filter((name) => name !== 'DELETE /apps/:slug')) {
      const input = await inputFor(served, row)
      await callRoute(served, row, input, { headers })
      const [method = '', path = ''] = row.split(' ')
      const where = pathOf(path, input).replace('desktop-app', canary)
      for (const at of [where, `${where}/${canary}`, `${where}?${canary}=${canary}`])
        await served.send(method, at, { key: fixture.keys.sk, headers: { 'x-request-id': canary } })
      await served.send(method, where, { key: `sk_live_${canary}` })
      await server.fetch(new Request(`http://localhost/${canary}`, { method: canary.toUpperCase() }))
    }
    const { text, family } = await scrape(server)
    assert.ok(Object.keys(family('heartwood_http_requests_total')).length > 100)
    assert.equal(text.toLowerCase().includes(canary), false)
    assert.doesNotMatch(text, named)
    for (const secret of ['desktop-app', 'other-app', 'ada', ...Object.values(fixture.keys)])
      assert.equal(text.includes(secret), false, secret)
  })
})
