import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endOf, read, requestTo, newShopServer, type Sent } from './test-server.ts'
import { whileListening } from './listening.ts'

const server = await newShopServer()
const { send, keys } = server
const key = keys.sk

const outcomeOf = async (method: string, path: string, sent: Sent = {}): Promise<string> =>
  endOf(await send(method, path, sent))

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
