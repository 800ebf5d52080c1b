import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { endOf, read, newShopServer, type Sent } from './test-server.ts'

const server = await newShopServer()
const { send, keys } = server
const key = keys.sk

const outcomeOf = async (method: string, path: string, sent: Sent = {}): Promise<string> =>
  endOf(await send(method, path, sent))

describe('GET with a malformed path', () => {
  const paths: Readonly<Record<string, string>> = {
    '/apps/%2f': '404 not_found',
    '/apps/..%2f..%2fetc': '404 not_found',
    '/apps/%zz': '404 not_found',
    '/apps/%': '404 not_found',
    '/apps/%00': '404 not_found',
    '/apps/desktop-app%00': '404 not_found',
    '/apps/desktop-app%0a': '404 not_found',
    '/apps/Desktop-App': '404 not_found',
    '/apps/d%C3%A9sktop-app': '404 not_found',
    '/apps/%ff%fe': '404 not_found',
    [`/apps/${'a'.repeat(64)}`]: '404 not_found',
    [`/apps/${'a'.repeat(10_000)}`]: '404 not_found',
    '/apps/null': '404 not_found',
    '/apps/desktop-app/licenses/%zz': '404 not_found',
    '/apps/desktop-app/licenses/null': '404 not_found',
    '/apps/desktop-app/licenses/lic_%2F': '404 not_found',
    '/apps/desktop-app/tiers/%zz': '404 not_found',
    '/apps/desktop-app/customers/__proto__': '404 not_found',
    '/apps/desktop-app/tiers/constructor': '404 not_found',
    '/apps/desktop-app/features/%F0%9F%92%A9': '404 not_found',
    '/apps/desktop-app/': '404 no_such_route',
    '/apps/': '404 no_such_route',
    '//apps': '404 no_such_route',
    '/nothing': '404 no_such_route',
    '/nothing/at/all': '404 no_such_route',
    '': '404 no_such_route',
    '/': '404 no_such_route',
    '/apps/desktop-app/licenses/verify/batch/more': '404 no_such_route',
  }
  for (const [path, ends] of Object.entries(paths))
    test(`${JSON.stringify(path.slice(0, 50))}: ${ends}`, async () => {
      assert.equal(await outcomeOf('GET', path, { key }), ends)
    })

  test('below a public route: 404', async () => {
    for (const slug of ['%zz', '%2f', '%00', 'null', 'A'])
      for (const rest of ['public-key', 'jwks.json', `licenses/verify?jti=x`])
        assert.equal(await outcomeOf('GET', `/apps/${slug}/${rest}`), '404 not_found', `${slug} ${rest}`)
  })

  test('outside the API, with standalone: 404 in the error envelope', async () => {
    for (const path of [
      '/',
      '/favicon.ico',
      '/api',
      '/api/v2/apps',
      '/api/v1x',
      '/.env',
      '/swagger/../x',
      '/api/v1/apps/%61',
    ]) {
      const response = await read(await server.fetch(new Request(`http://localhost${path}`)))
      assert.equal(response.status, 404, path)
      assert.equal(response.error().code, 'no_such_route')
    }
  })
})

describe('methods', () => {
  const paths = [...new Set(routes.map(({ path }) => path))]
  const own = (path: string): string[] =>
    routes.filter((row) => row.path === path).map(({ method }) => method)

  test('not supported by the path: 405 with Allow', async () => {
    for (const path of paths)
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'QUERY']) {
        const concrete = path.replace(':slug', 'desktop-app').replace(/:\w+/g, 'x')
        const others = routes.filter((row) => row.path.includes(':') && matchesPath(row.path, concrete))
        const known = [...own(path), ...others.map((row) => row.method as string)]
        if (known.includes(method)) continue
        const response = await send(method, concrete, { key })
        assert.equal(response.status, 405, `${method} ${concrete}`)
        assert.equal(response.error().code, 'method_not_allowed')
        for (const one of own(path))
          assert.match(response.headers.get('allow') ?? '', new RegExp(`\\b${one}\\b`))
      }
  })

  test('HEAD: the status and headers of GET, without a body', async () => {
    for (const path of [
      '/apps',
      '/apps/desktop-app',
      '/apps/desktop-app/public-key',
      '/apps/nothing',
      '/api/health',
    ]) {
      const [head, get] = [await send('HEAD', path, { key }), await send('GET', path, { key })]
      assert.equal(head.status, get.status, path)
      assert.equal(head.headers.get('content-type'), get.headers.get('content-type'))
      assert.equal(head.headers.get('etag'), get.headers.get('etag'))
    }
    assert.equal((await send('HEAD', '/apps')).status, 401)
  })

  test('HEAD of a path without GET: 405', async () => {
    const response = await send('HEAD', '/apps/desktop-app/rotate-keys', { key })
    assert.equal(response.status, 405)
  })

  test('/api/health: GET, HEAD and OPTIONS, for pages of any origin', async () => {
    const asked = { origin: 'https://shop.example.com', 'access-control-request-method': 'GET' }
    const good = await send('GET', '/api/health', { headers: asked })
    const preflight = await send('OPTIONS', '/api/health', { headers: asked })
    for (const response of [good, preflight])
      assert.equal(response.headers.get('access-control-allow-origin'), '*')
    assert.deepEqual([good.status, preflight.status], [200, 204])
    assert.equal((await send('GET', '/api/health/')).status, 404)
    const wrong = await send('POST', '/api/health')
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD, OPTIONS'])
  })

  test('OPTIONS: lists the methods without a key', async () => {
    const response = await send('OPTIONS', '/apps')
    assert.equal(response.status, 204)
    assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS, POST')
    assert.equal(response.headers.get('access-control-allow-origin'), null)
    assert.equal((await send('OPTIONS', '/nothing')).status, 404)
  })
})

function matchesPath(pattern: string, path: string): boolean {
  return new RegExp(`^${pattern.replace(/:\w+/g, '[^/]+')}$`).test(path)
}

describe('Authorization', () => {
  const good = keys.sk
  const headers: Readonly<Record<string, readonly [value: string, ends: string]>> = {
    'with the scheme in lower case': [`bearer ${good}`, '200'],
    'with the scheme in capitals': [`BEARER ${good}`, '200'],
    'with spaces around it': [`  Bearer ${good}  `, '200'],
    'with two spaces in it': [`Bearer  ${good}`, '401 unauthorized'],
    'with a tab in it': [`Bearer\t${good}`, '401 unauthorized'],
    'without a scheme': [good, '401 unauthorized'],
    'without a key': ['Bearer', '401 unauthorized'],
    'that is empty': ['', '401 unauthorized'],
    'of another scheme': [`Basic ${btoa(`${good}:`)}`, '401 unauthorized'],
    'of an unknown scheme': [`Token ${good}`, '401 unauthorized'],
    'with the key in quotes': [`Bearer "${good}"`, '401 unauthorized'],
    'with two keys': [`Bearer ${good} ${good}`, '401 unauthorized'],
    'with two keys in a list': [`Bearer ${good}, Bearer ${good}`, '401 unauthorized'],
    'with the key in other case': [`Bearer ${good.toUpperCase()}`, '401 unauthorized'],
    'with a letter too many': [`Bearer ${good}a`, '401 unauthorized'],
    'with a letter too few': [`Bearer ${good.slice(0, -1)}`, '401 unauthorized'],
    'with a mistyped letter': [
      `Bearer ${good.slice(0, 20)}${good[20] === 'a' ? 'b' : 'a'}${good.slice(21)}`,
      '401 unauthorized',
    ],
    'of 8 KiB': [`Bearer ${'a'.repeat(8192)}`, '401 unauthorized'],
    'in Latin-1': [`Bearer ${good}\u00e9`, '401 unauthorized'],
  }
  for (const [name, [authorization, ends]] of Object.entries(headers))
    test(`${name}: ${ends}`, async () => {
      const response = await send('GET', '/apps', { headers: { authorization } })
      assert.equal(response.status < 400 ? '200' : `${response.status} ${response.error().code}`, ends)
      if (response.status !== 401) return
      assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="heartwood"')
      assert.equal(response.error().message, 'Invalid or missing API key')
    })

  test('sent twice: 401, even with two valid keys', async () => {
    const twice: Sent = {
      headers: [
        ['authorization', `Bearer ${good}`],
        ['authorization', `Bearer ${good}`],
      ],
    }
    assert.equal(await outcomeOf('GET', '/apps', twice), '401 unauthorized')
  })

  test('absent, with the key in the query, a cookie or another header: 401', async () => {
    assert.equal(await outcomeOf('GET', `/apps?api_key=${good}`), '401 unauthorized')
    assert.equal(
      await outcomeOf('GET', '/apps', { headers: { cookie: `key=${good}`, 'x-api-key': good } }),
      '401 unauthorized',
    )
  })

  test('on a public route: ignored', async () => {
    for (const authorization of ['Bearer nothing', 'Basic x', `Bearer ${keys.testSk}`])
      assert.equal(
        await outcomeOf('GET', '/apps/desktop-app/public-key', { headers: { authorization } }),
        '200',
      )
  })
})

describe('X-Request-Id', () => {
  test('well formed: returned unchanged', async () => {
    for (const id of ['a', 'trace-1.2_3', 'x'.repeat(128)]) {
      const response = await send('GET', '/nothing', { headers: { 'x-request-id': id } })
      assert.equal(response.headers.get('x-request-id'), id)
    }
  })

  test('malformed: replaced', async () => {
    for (const id of ['', 'a b', 'x'.repeat(129), 'a\u00e9', '<script>', 'a,b', '${jndi:ldap://x}']) {
      const response = await send('GET', '/apps', { key, headers: { 'x-request-id': id } })
      assert.notEqual(response.headers.get('x-request-id'), id)
    }
  })

  test('absent: a new one for each request', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await send('GET', '/apps')).headers.get('x-request-id')),
    )
    assert.equal(new Set(ids).size, 20)
  })
})
