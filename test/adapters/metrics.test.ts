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
import { newShop, newWorld, type Shop } from '../support/world.ts'
import { callRoute, givenFor, pathOf } from './calls.ts'
import { newCounter } from './credentials.ts'
import { readExposition, type Exposition } from './exposition.ts'
import { document, read, sender, serve, type Server } from './http.ts'
import { judgements } from './judgements.ts'
import { spelled, whileListening } from './listening.ts'

const verify = '/apps/desktop-app/licenses/verify?jti=x'
const verifyRoute = '/api/v1/apps/:slug/licenses/verify'

async function scrape({ fetch }: Pick<Server, 'fetch'>, path = '/metrics'): Promise<Exposition> {
  const answer = await read(await fetch(new Request(`http://localhost${path}`)))
  assert.equal(answer.status, 200)
  return readExposition(answer.text)
}

async function measured(
  options: ServerOptions = {},
  licensing: Partial<LicensingOptions> = {},
): Promise<Shop & Server> {
  return serve(await newShop(licensing), { metrics: true, ...options })
}

/** The counts by their one label; those that are nought are left out. */
function counted(exposition: Exposition, name: string): Readonly<Record<string, number>> {
  const family = Object.entries(exposition.family(name))
  assert.notEqual(family.length, 0, name)
  return Object.fromEntries(
    family.filter(([, count]) => count > 0).map(([series, count]) => [/"(.*)"/.exec(series)?.[1], count]),
  )
}

describe('unless asked for', () => {
  test('there are no metrics: a server of its own answers 404', async () => {
    for (const options of [{}, { metrics: false }]) {
      const { fetch } = await measured({ metrics: false, ...options })
      const answer = await read(await fetch(new Request('http://localhost/metrics')))
      assert.deepEqual([answer.status, answer.error().code], [404, 'not_found'])
    }
  })

  test('the path is left to the host', async () => {
    const { licensing } = await newWorld()
    const host = new Elysia().use(licensingServer(licensing)).get('/metrics', () => 'the host’s own')
    assert.equal(await (await host.handle(new Request('http://localhost/metrics'))).text(), 'the host’s own')
  })
})

describe('the answer', () => {
  test('is text as Prometheus reads it, not to be kept, and every line of it is well formed', async () => {
    await whileListening(await measured(), async ({ origin }) => {
      const answer = await read(await fetch(`${origin}/metrics`))
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
      assert.equal(readExposition(answer.text).value(`heartwood_build_info{version="${version}"}`), 1)
    })
  })

  test('has one path, and a path that is nearly the same is another', async () => {
    await whileListening(await measured(), async ({ exchange }) => {
      for (const path of [
        '/metrics/',
        '/metrics/x',
        '/METRICS',
        '/%6detrics',
        '//metrics',
        '/api/v1/metrics',
      ])
        assert.match(await exchange(spelled(`GET ${path}`)), /^HTTP\/1\.1 404 /, path)
    })
  })

  test('to HEAD is the same without a body, and other methods are not allowed', async () => {
    await whileListening(await measured(), async ({ origin }) => {
      const head = await fetch(`${origin}/metrics`, { method: 'HEAD' })
      assert.deepEqual([head.status, await head.text()], [200, ''])
      assert.match(head.headers.get('content-type') ?? '', /version=0\.0\.4/)
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const answer = await read(await fetch(`${origin}/metrics`, { method }))
        assert.deepEqual([answer.status, answer.error().code], [405, 'method_not_allowed'], method)
        assert.equal(answer.headers.get('allow'), 'GET, HEAD')
      }
    })
  })

  test('is for no other origin’s pages', async () => {
    const { fetch } = await measured({ corsOrigins: ['https://shop.example.com'] })
    const headers = { origin: 'https://shop.example.com' }
    const answer = await fetch(new Request('http://localhost/metrics', { headers }))
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
  })

  test('is limited by nothing', async () => {
    const limits = { verify: 1, batch: 1, renewal: 1, renewalPerLicense: 1, publicKey: 1, failedKey: 1 }
    const server = await measured({ rateLimits: limits, clientAddress: () => '192.0.2.1' })
    for (let at = 0; at < 30; at++) await scrape(server)
  })

  test('is no operation of the API’s document', () => {
    assert.equal(JSON.stringify(document).includes('/metrics'), false)
  })

  test('comes from a registry of the server’s own', async () => {
    await scrape(await measured())
    assert.deepEqual(register.getMetricsAsArray(), [])
  })

  test('tells of the process, but not which version of the runtime it is', async () => {
    const { text, value } = await scrape(await measured())
    assert.ok(value('process_resident_memory_bytes')! > 1_000_000)
    assert.ok(value('process_start_time_seconds')! > 1_700_000_000)
    assert.notEqual(value('nodejs_eventloop_lag_seconds'), undefined)
    assert.doesNotMatch(text, /node_?js_version|version="v/)
  })
})

describe('requests', () => {
  test('are counted to the last by route, method and status, on a listening port', async () => {
    const { keys, ...server } = await measured()
    await whileListening(server, async ({ origin }) => {
      const ask = (path: string, init: RequestInit = {}): Promise<unknown> =>
        fetch(`${origin}/api/v1${path}`, init).then((answer) => answer.text())
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

  test('for paths and methods that nobody knows share one label each', async () => {
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

  test('that fail are counted by code, each code from nought on', async () => {
    const { send, keys, ...server } = await measured()
    assert.deepEqual(counted(await scrape(server), 'heartwood_http_errors_total'), {})
    await send('GET', '/apps')
    await send('GET', '/apps', { key: keys.sk })
    await send('GET', '/apps?x=1', { key: keys.sk })
    await send('GET', '/apps/nothing', { key: keys.sk })
    await send('GET', '/apps/nothing', { key: keys.sk })
    await send('PATCH', '/apps', { key: keys.sk })
    const exposition = await scrape(server)
    const expected = { unauthorized: 1, validation_error: 1, not_found: 2, method_not_allowed: 1 }
    assert.deepEqual(counted(exposition, 'heartwood_http_errors_total'), expected)
    const codes = Object.keys(exposition.family('heartwood_http_errors_total'))
    assert.equal(codes.length, Object.keys(errorCodes).length)
  })

  test('that a limit refused are counted by the limit', async () => {
    const clientAddress = (): string => '192.0.2.1'
    const server = await measured({ rateLimits: { verify: 2, failedKey: 1 }, clientAddress })
    for (let at = 0; at < 5; at++) await server.send('GET', verify)
    for (let at = 0; at < 2; at++) await server.send('GET', '/apps', { key: apiKeySecret('sk', 'live') })
    const exposition = await scrape(server)
    assert.deepEqual(counted(exposition, 'heartwood_http_rate_limited_total'), { verify: 3, failed_key: 1 })
    assert.deepEqual(exposition.value('heartwood_http_errors_total{code="rate_limited"}'), 4)
    assert.equal(exposition.value('heartwood_http_rate_limited_total{limit="renewal_per_license"}'), 0)
  })
})

describe('the work behind the requests', () => {
  test('is told of: tokens signed, places, refusals, key pairs', async () => {
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

  test('counts attempts at webhooks by outcome, and the apps that wait', async () => {
    const server = await measured()
    const { licensing } = server
    await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
    await licensing.webhooks.test('desktop-app')
    const before = await scrape(server)
    assert.equal(before.value('heartwood_webhook_apps_due'), 1)
    assert.deepEqual(counted(before, 'heartwood_webhook_attempts_total'), {})
    const answers = [500, 204]
    const { sent, connect } = recorder(() => ({ status: answers[sent.length - 1]! }))
    const delivery = startDelivery(licensing, { connect, resolve: somewhere, pollMs: 10, pauses: [0] })
    await eventually(() => licensing.load().webhookAttempts.delivered === 1)
    await delivery.stop()
    const after = await scrape(server)
    assert.equal(after.value('heartwood_webhook_apps_due'), 0)
    const attempts = counted(after, 'heartwood_webhook_attempts_total')
    assert.deepEqual(attempts, { delivered: 1, retried: 1 })
    assert.equal(after.value('heartwood_webhook_attempts_total{outcome="given_up"}'), 0)
  })
})

describe('a storage that is away', () => {
  /** A storage that has nothing due to say, in this way. */
  const away = (due: () => Promise<never>): Storage =>
    new Proxy(memoryStorage(), {
      get: (storage, verb: keyof Storage) =>
        verb === 'listAppsWithDueDeliveries' ? due : storage[verb].bind(storage),
    })
  const ways: Readonly<Record<string, () => Promise<never>>> = {
    'and says so': () => Promise.reject(new LicensingError('unavailable', 'The storage is closed')),
    'and says nothing': () => new Promise(() => {}),
  }
  for (const [way, due] of Object.entries(ways))
    test(`${way} takes nothing away but what it alone knows`, async () => {
      const { value, text } = await scrape(await measured({}, { storage: away(due) }))
      assert.equal(value('heartwood_storage_up'), 0)
      assert.equal(value('heartwood_webhook_apps_due'), undefined)
      assert.equal(value('heartwood_tokens_signed_total'), 0)
      assert.match(text, /process_cpu_seconds_total/)
    })

  test('is up otherwise', async () => {
    assert.equal((await scrape(await measured())).value('heartwood_storage_up'), 1)
  })
})

describe('mounted', () => {
  test('in a host the metrics stand under its prefix, each server’s apart', async () => {
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

describe('what a metric may name', () => {
  const canary = 'canary7xq'
  const named =
    /(?:app|tier|feat|cus|lic|key|evt|whd|whsec|sk|pk)_[0-9a-z]{6,}|eyJ|@|[0-9a-f]{8}-[0-9a-f]{4}/i

  test('is nobody: no id, slug, e-mail, token or key, whatever was asked and however it ended', async () => {
    const counter = await newCounter()
    const app = licensingServer(counter.licensing, { standalone: true, metrics: true })
    const server = { fetch: async (request: Request) => app.handle(request) }
    const asked = { ...counter, send: sender(server.fetch) }
    const headers = { authorization: `Bearer ${counter.keys.sk}` }
    for (const row of Object.keys(judgements).filter((name) => name !== 'DELETE /apps/:slug')) {
      const given = await givenFor(asked, row)
      await callRoute(asked, row, given, { headers })
      const [method = '', path = ''] = row.split(' ')
      const where = pathOf(path, given).replace('desktop-app', canary)
      for (const at of [where, `${where}/${canary}`, `${where}?${canary}=${canary}`])
        await asked.send(method, at, { key: counter.keys.sk, headers: { 'x-request-id': canary } })
      await asked.send(method, where, { key: `sk_live_${canary}` })
      await server.fetch(new Request(`http://localhost/${canary}`, { method: canary.toUpperCase() }))
    }
    const { text, family } = await scrape(server)
    assert.ok(Object.keys(family('heartwood_http_requests_total')).length > 100)
    assert.equal(text.toLowerCase().includes(canary), false)
    assert.doesNotMatch(text, named)
    for (const secret of ['desktop-app', 'other-app', 'ada', ...Object.values(counter.keys)])
      assert.equal(text.includes(secret), false, secret)
  })
})
