import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { read, requestTo, newShopServer, type Sent } from './test-server.ts'
import { whileListening } from './listening.ts'

const server = await newShopServer()
const { send, keys } = server
const key = keys.sk

/** Sends a request. Resolves to its status, and to the code of an error. */
async function outcomeOf(method: string, path: string, sent: Sent = {}): Promise<string> {
  const response = await send(method, path, sent)
  return response.status < 400 ? `${response.status}` : `${response.status} ${response.error().code}`
}

const where = '/apps/desktop-app/customers'
const json = (text: string): Uint8Array => new TextEncoder().encode(text)
const email = (name: string): string => JSON.stringify({ email: `${name}@example.com` })
const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('POST /apps/:slug/customers with a body', () => {
  const bodies: Readonly<Record<string, readonly [body: string | Uint8Array, ends: string]>> = {
    'that is not JSON': ['{"email":', '400 invalid_json'],
    'that is JSON and more': ['{} {}', '400 invalid_json'],
    'in single quotes': ["{'email': 'a@b'}", '400 invalid_json'],
    'that is NaN': ['NaN', '400 invalid_json'],
    'of invalid UTF-8': [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '400 invalid_json'],
    'of an overlong UTF-8 form': [new Uint8Array([0x22, 0xc0, 0xaf, 0x22]), '400 invalid_json'],
    'of UTF-16': [new Uint8Array([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]), '400 invalid_json'],
    'with a byte order mark': [`\ufeff${email('bom')}`, '201'],
    'with two byte order marks': [`\ufeff\ufeff${email('bom')}`, '400 invalid_json'],
    'that is a byte order mark alone': ['\ufeff', '400 invalid_json'],
    'that is null': ['null', '422 validation_error'],
    'that is an array': ['[]', '422 validation_error'],
    'that is an array of bodies': [`[${email('array')}]`, '422 validation_error'],
    'that is a number': ['1', '422 validation_error'],
    'that is a string': ['"email"', '422 validation_error'],
    'that is true': ['true', '422 validation_error'],
    'that is empty': ['', '422 validation_error'],
    'of spaces': [' \n\t', '422 validation_error'],
    'nested 120,000 deep': [deep(120_000), '422 validation_error'],
    'with a field nested 120,000 deep': [`{"metadata":{"a":${deep(120_000)}}}`, '422 validation_error'],
    'with names nested deep': [`${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`, '422 validation_error'],
    'with a lone surrogate': ['{"email":"\\ud800@example.com"}', '422 validation_error'],
    'with U+0000': ['{"email":"a\\u0000@example.com"}', '422 validation_error'],
    'with a number beyond double': [
      '{"email":"a@example.com","metadata":{"n":1e400}}',
      '422 validation_error',
    ],
    'with an integer that would be rounded': [
      '{"email":"a@example.com","metadata":{"n":9007199254740993}}',
      '422 validation_error',
    ],
    'with a name of the prototype': [
      '{"email":"a@example.com","__proto__":{"admin":true}}',
      '422 validation_error',
    ],
    'with a camelCase name': ['{"email":"a@example.com","externalId":"x"}', '422 validation_error'],
    'with a name twice, of which the last counts': ['{"email":1,"email":"twice@example.com"}', '201'],
    'in any order and spacing': ['\n{ "name" : null , "email" : "spaced@example.com" }\r\n', '201'],
  }
  for (const [name, [body, ends]] of Object.entries(bodies))
    test(`${name}: ${ends}`, async () => {
      assert.equal(await outcomeOf('POST', where, { key, body }), ends)
    })

  const encoded = (text: string, encoding: BufferEncoding, mark: readonly number[] = []): Uint8Array =>
    Uint8Array.from([...mark, ...Buffer.from(text, encoding)])
  const bigEndian = (text: string): Uint8Array => encoded(text, 'utf16le').map((_, at, all) => all[at ^ 1]!)
  const accented = '{"email":"caf\u00e9@example.com"}'
  const encodings: Readonly<Record<string, readonly [body: Uint8Array, message: RegExp]>> = {
    'in Latin-1': [encoded(accented, 'latin1'), /not UTF-8/],
    'in UTF-16': [encoded(accented, 'utf16le', [0xff, 0xfe]), /UTF-16.*UTF-8/],
    'in big-endian UTF-16': [Uint8Array.from([0xfe, 0xff, ...bigEndian(accented)]), /UTF-16.*UTF-8/],
    'in UTF-16 without a mark': [encoded(accented, 'utf16le'), /UTF-16.*UTF-8/],
    'in big-endian UTF-16 without a mark': [bigEndian(accented), /UTF-16.*UTF-8/],
    'in UTF-8 that is not JSON': [encoded('{"email":', 'utf8'), /is not valid JSON$/],
  }
  for (const [name, [body, message]] of Object.entries(encodings))
    test(`${name}: 400 names the encoding`, async () => {
      const { status, error } = await send('POST', where, { key, body })
      assert.deepEqual([status, error().code], [400, 'invalid_json'])
      assert.match(error().message, message)
    })

  test('that is malformed, without a key: 401 before the body is read', async () => {
    assert.equal(await outcomeOf('POST', where, { body: '{"email":' }), '401 unauthorized')
  })

  test('that is invalid: the error repeats no value and no odd name', async () => {
    const body = { 'sk_live_Canary<script>': 'canary', email: 'canary', name: { canary: 'canary' } }
    const { text, error } = await send('POST', where, { key, body })
    assert.doesNotMatch(text, /canary/i)
    assert.deepEqual(error().details?.['(unknown)'], ['is not a known field'])
  })

  test('with __proto__ in metadata: no prototype changes', async () => {
    const body =
      '{"email":"proto@example.com","metadata":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}'
    const response = await send('POST', where, { key, body })
    assert.equal(response.status, 201)
    assert.equal(Object.hasOwn({}, 'polluted') || 'polluted' in {}, false)
    assert.match(response.text, /"metadata":\{"__proto__":\{"polluted":1\},"constructor"/)
  })
})

describe('POST /apps/:slug/customers with a content type', () => {
  const types: Readonly<Record<string, string>> = {
    'application/json': '201',
    'application/json; charset=utf-8': '201',
    'APPLICATION/JSON;charset=UTF-8': '201',
    'application/x-www-form-urlencoded': '201',
    'text/plain': '415 unsupported_media_type',
    'text/json': '415 unsupported_media_type',
    'application/xml': '415 unsupported_media_type',
    'application/json-patch+json': '415 unsupported_media_type',
    'multipart/form-data; boundary=x': '415 unsupported_media_type',
    'application/jsonx': '415 unsupported_media_type',
    'a/b/c': '415 unsupported_media_type',
    ', application/json': '415 unsupported_media_type',
  }
  for (const [type, ends] of Object.entries(types))
    test(`${type}: ${ends}`, async () => {
      const body = json(email(`type-${Object.keys(types).indexOf(type)}`))
      assert.equal(await outcomeOf('POST', where, { key, body, headers: { 'content-type': type } }), ends)
    })

  test('absent: 201', async () => {
    const request = requestTo('http://localhost', 'POST', where, { key, body: json(email('no-type')) })
    request.headers.delete('content-type')
    assert.equal((await server.fetch(request)).status, 201)
  })

  test('of a form: the body is read as JSON', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    assert.equal(
      await outcomeOf('POST', where, { key, body: 'email=a%40example.com', headers }),
      '400 invalid_json',
    )
  })
})

describe('POST /apps/:slug/customers with a large body', () => {
  const size = 256 * 1024
  const padded = (bytes: number): string => email('large').padEnd(bytes)

  test('256 KiB: 201', async () => {
    assert.equal(await outcomeOf('POST', where, { key, body: json(padded(size)) }), '201')
  })

  test('256 KiB and one byte: 413', async () => {
    assert.equal(await outcomeOf('POST', where, { key, body: json(padded(size + 1)) }), '413 body_too_large')
  })

  test('a Content-Length that is too large, without a key: 401', async () => {
    const headers = { 'content-length': '300000' }
    assert.equal(await outcomeOf('POST', where, { body: json(padded(300_000)), headers }), '401 unauthorized')
  })

  test('an endless stream: 413, and the stream is cancelled', async () => {
    let pulled = 0
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new Uint8Array(16 * 1024).fill(0x20))
      },
      cancel: () => {
        cancelled = true
      },
    })
    assert.equal(await outcomeOf('POST', where, { key, body }), '413 body_too_large')
    assert.ok(pulled < 32, `${pulled} chunks were read`)
    assert.equal(cancelled, true)
  })

  test('an endless stream over TCP: 413 in the error envelope, and memory stays flat', async () => {
    await whileListening(server, async ({ origin }) => {
      const before = process.memoryUsage().rss
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          sent += 1
          // If the server never responds, it gets 64 MiB.
          if (sent > 1024) return controller.close()
          controller.enqueue(new Uint8Array(64 * 1024).fill(0x20))
          await new Promise((resolve) => setTimeout(resolve, 1))
        },
      })
      const request = requestTo(origin, 'POST', where, { key, body })
      const response = await fetch(request).then(read, () => null)
      // A client that keeps sending may lose the response with the connection, but it never gets another response.
      if (response !== null) assert.equal(response.error().code, 'body_too_large')
      assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024)
    })
  })
})

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
