import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Elysia, t, type AnyElysia } from 'elysia'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { newShop, newWorld } from '../support/fixtures.ts'
import { endOf, read, sender, serve, type Send, type Sent } from './test-server.ts'

type Settings = { readonly strictPath: boolean; readonly normalize: boolean; readonly aot: boolean }

/** A host that declares an error handler, settings, state and headers before our plugin. */
function hostBefore(settings: Settings): AnyElysia {
  return new Elysia(settings)
    .onError(() => new Response('the host’s own error', { status: 418 }))
    .headers({ 'cache-control': 'public' })
    .derive(() => ({ secret: 'of the host' }))
    .state('secret', 'of the host')
    .onRequest(({ set }) => void (set.headers['x-frame-options'] = 'DENY'))
}

/** Adds hooks that would change responses, and routes, after our plugin. */
function hostAfter(app: AnyElysia): AnyElysia {
  return app
    .onParse(({ request }) => request.text())
    .onTransform(({ set }) => void (set.headers['x-host'] = 'was here'))
    .onBeforeHandle(({ set }) => void (set.status = 299))
    .onAfterHandle(() => 'replaced by the host')
    .mapResponse(({ response }) => new Response(`wrapped ${String(response)}`))
    .get('/', () => 'shop')
    .get('/private/report', () => 'report')
    .post('/orders', ({ body }) => body, { body: t.Object({ count: t.Number() }) })
}

async function hosted(
  settings: Settings = { strictPath: false, normalize: true, aot: true },
): Promise<{ send: Send; key: string; app: AnyElysia }> {
  const { licensing, keys } = await serve(await newShop())
  const app = hostAfter(hostBefore(settings).use(licensingServer(licensing)))
  return { app, send: sender(async (request) => app.fetch(request)), key: keys.sk }
}

/** Requests whose responses a host could change, with the expected status and code. */
function requests(
  key: string,
): readonly (readonly [method: string, path: string, sent: Sent, ends: string])[] {
  const customers = '/apps/desktop-app/customers'
  return [
    ['GET', '/apps', { key }, '200'],
    ['GET', '/apps', {}, '401 unauthorized'],
    ['POST', customers, { key, body: { email: 'eve@example.com' } }, '201'],
    ['POST', customers, { key, body: { email: 'x@example.com', admin: true } }, '422 validation_error'],
    [
      'POST',
      '/apps/desktop-app/tiers',
      { key, body: { name: 'T', slug: 't', position: '3' } },
      '422 validation_error',
    ],
    ['POST', customers, { key, body: '{"email":' }, '400 invalid_json'],
    [
      'POST',
      customers,
      { key, body: 'x', headers: { 'content-type': 'text/plain' } },
      '415 unsupported_media_type',
    ],
    ['POST', customers, { key, body: ' '.repeat(300_000) }, '413 body_too_large'],
    ['GET', '/apps/nothing', { key }, '404 not_found'],
    ['GET', '/nothing', {}, '404 no_such_route'],
    ['GET', '/apps/', { key }, '404 no_such_route'],
    ['GET', '/apps/%zz', { key }, '404 not_found'],
    ['PATCH', '/apps', { key }, '405 method_not_allowed'],
    ['PROPFIND', '/apps', { key }, '405 method_not_allowed'],
    ['GET', '/apps?page=x', { key }, '422 validation_error'],
    ['GET', '/apps/desktop-app/public-key', {}, '200'],
    ['DELETE', '/apps/desktop-app/tiers/pro', { key }, '204'],
  ]
}

describe('licensingServer() in a host', () => {
  for (const settings of [
    { strictPath: false, normalize: false, aot: true },
    { strictPath: false, normalize: true, aot: true },
    { strictPath: true, normalize: false, aot: true },
    { strictPath: true, normalize: true, aot: true },
    { strictPath: false, normalize: true, aot: false },
  ])
    test(`every response is as documented, with ${JSON.stringify(settings)}`, async () => {
      const { send, key } = await hosted(settings)
      for (const [method, path, sent, ends] of requests(key)) {
        const response = await send(method, path, sent)
        assert.equal(endOf(response), ends, `${method} ${path}`)
        assert.doesNotMatch(response.text, /host|wrapped|replaced/, `${method} ${path}`)
        if (path !== '/apps/desktop-app/public-key')
          assert.equal(response.headers.get('cache-control'), 'no-store')
      }
    })

  test('the routes, errors and validation of the host: unchanged', async () => {
    const { app } = await hosted()
    const text = async (path: string, init?: RequestInit): Promise<string> =>
      (await app.fetch(new Request(`http://localhost${path}`, init))).text()
    const bare = hostAfter(hostBefore({ strictPath: false, normalize: true, aot: true }))
    const expected = async (path: string, init?: RequestInit): Promise<string> =>
      (await bare.fetch(new Request(`http://localhost${path}`, init))).text()
    const order = { method: 'POST', body: '{"count":1}', headers: { 'content-type': 'application/json' } }
    assert.equal(await text('/'), await expected('/'))
    assert.equal(await text('/private/report'), await expected('/private/report'))
    assert.equal(await text('/orders', order), await expected('/orders', order))
    assert.equal(await text('/nowhere'), 'the host’s own error')
  })

  test('GET /swagger/json: lists no route of the host', async () => {
    const { app } = await hosted()
    const response = await read(await app.fetch(new Request('http://localhost/swagger/json')))
    assert.equal(response.status, 200)
    const { paths } = response.json<{ paths: object }>()
    for (const path of Object.keys(paths)) assert.match(path, /^\/api\/(v1\/|health$)/)
    assert.doesNotMatch(response.text, /\/private|orders/)
  })

  test('two plugins under different prefixes: separate data', async () => {
    const [first, second] = [await serve(await newShop()), await serve(await newWorld())]
    const app = new Elysia()
      .group('/one', (group) => group.use(licensingServer(first.licensing)))
      .group('/two', (group) => group.use(licensingServer(second.licensing)))
    const ask = async (path: string, key: string): Promise<number> => {
      const headers = { authorization: `Bearer ${key}` }
      return (await app.fetch(new Request(`http://localhost${path}`, { headers }))).status
    }
    assert.equal(await ask('/one/api/v1/apps/desktop-app', first.keys.sk), 200)
    assert.equal(await ask('/two/api/v1/apps/desktop-app', second.keys.sk), 404)
    assert.equal(await ask('/two/api/v1/apps/desktop-app', first.keys.sk), 401)
    assert.equal(await ask('/one/api/v1/apps/desktop-app/nothing', first.keys.sk), 404)
    assert.equal(await ask('/one/swagger/json', ''), 200)
  })

  test('under a prefix: 405 with Allow, and preflights', async () => {
    const { licensing } = await serve(await newShop())
    for (const [prefix, app] of [
      ['/one', new Elysia().group('/one', (group) => group.use(licensingServer(licensing)))],
      ['/two', new Elysia({ prefix: '/two' }).use(licensingServer(licensing))],
    ] as const) {
      const headers = { origin: 'https://shop.example.com', 'access-control-request-method': 'POST' }
      const ask = async (method: string, path: string): Promise<Response> =>
        app.fetch(new Request(`http://localhost${prefix}${path}`, { method, headers }))
      const wrong = await ask('PATCH', '/api/v1/apps')
      assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD, OPTIONS, POST'])
      const preflight = await ask('OPTIONS', '/api/v1/apps/desktop-app/licenses/verify')
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, '*'])
    }
  })

  test('mount() of the plugin’s fetch: works too', async () => {
    const { licensing, keys } = await serve(await newShop())
    const mounted = new Elysia().onError(() => 'host').mount('/licensing', licensingServer(licensing).fetch)
    const request = new Request('http://localhost/licensing/api/v1/apps', {
      headers: { authorization: `Bearer ${keys.sk}` },
    })
    const response = await read(await mounted.fetch(request))
    assert.equal(response.status, 200)
    assert.equal(response.data<unknown[]>().length, 1)
  })
})
