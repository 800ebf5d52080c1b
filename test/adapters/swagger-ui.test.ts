import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Elysia, type AnyElysia } from 'elysia'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { newWorld } from '../support/fixtures.ts'
import { read, requestTo, type Sent } from './test-server.ts'
import type { TestResponse } from './openapi-checker.ts'

const { licensing } = await newWorld()

/** Ways to serve the plugin, each with the prefix of its paths. */
const places: Readonly<Record<string, readonly [app: AnyElysia, prefix: string]>> = {
  'on its own': [licensingServer(licensing, { standalone: true }), ''],
  'under a host’s prefix': [
    new Elysia().group('/one', (host) => host.use(licensingServer(licensing))),
    '/one',
  ],
  'in a host with strict paths': [new Elysia({ strictPath: true }).use(licensingServer(licensing)), ''],
  'mounted as a fetch function': [new Elysia().mount('/two', licensingServer(licensing).fetch), '/two'],
}

const types: Readonly<Record<string, string>> = {
  '/swagger': 'text/html; charset=utf-8',
  '/swagger/json': 'application/json',
  '/swagger/start.js': 'text/javascript; charset=utf-8',
  '/swagger/swagger-ui.css': 'text/css; charset=utf-8',
  '/swagger/swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  '/swagger/favicon.png': 'image/png',
}

async function get(
  [app, prefix]: readonly [AnyElysia, string],
  path: string,
  sent: Sent = {},
): Promise<TestResponse> {
  return read(await app.fetch(requestTo(`http://localhost${prefix}`, 'GET', path, sent)))
}

for (const [name, place] of Object.entries(places))
  describe(`GET /swagger ${name}`, () => {
    test('serves the page and its files', async () => {
      for (const [path, type] of Object.entries(types)) {
        const response = await get(place, path)
        assert.equal(response.status, 200, path)
        assert.equal(response.headers.get('content-type'), type, path)
        assert.equal(response.headers.get('x-content-type-options'), 'nosniff', path)
        assert.ok(response.bytes.length > 100, path)
      }
    })

    test('another method than GET and HEAD: 405 with Allow', async () => {
      const [app, prefix] = place
      for (const path of [...Object.keys(types), '/swagger/'])
        for (const method of ['POST', 'DELETE', 'OPTIONS']) {
          const response = await read(
            await app.fetch(requestTo(`http://localhost${prefix}`, method, path, {})),
          )
          const outcome = [response.status, response.headers.get('allow')]
          assert.deepEqual(outcome, [405, 'GET, HEAD'], `${method} ${path}`)
          assert.equal(response.error().code, 'method_not_allowed')
        }
    })

    test('the page loads only those files, by relative URLs', async () => {
      const { text } = await get(place, '/swagger')
      const asked = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
      assert.equal(asked.length, 4)
      for (const address of asked) assert.ok(`/${address}` in types, address)
    })

    test('Content-Security-Policy: forbids other origins and inline code', async () => {
      const { headers, text } = await get(place, '/swagger')
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none';/)
      assert.doesNotMatch(policy, /unsafe|\*|https?:/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(text, /https?:|<script>|style=/)
    })

    test('/swagger/: redirects to the page', async () => {
      const response = await get(place, '/swagger/')
      assert.equal(response.status, 308)
      assert.equal(response.headers.get('location'), '../swagger')
    })
  })

describe('GET /swagger/:file', () => {
  const place = places['on its own']!

  test('If-None-Match: 304', async () => {
    for (const path of ['/swagger/swagger-ui.css', '/swagger/swagger-ui-bundle.js', '/swagger/start.js']) {
      const etag = (await get(place, path)).headers.get('etag') ?? ''
      const again = await get(place, path, { headers: { 'if-none-match': etag } })
      assert.deepEqual([again.status, again.bytes.length], [304, 0], path)
    }
  })

  test('any other file: 404', async () => {
    for (const path of [
      'package.json',
      'swagger-ui.js',
      'index.html',
      '..%2f..%2fpackage.json',
      '%2e%2e/json',
      'favicon-32x32.png',
    ])
      assert.equal((await get(place, `/swagger/${path}`)).status, 404, path)
  })

  test('start.js: uses no validator on the internet', async () => {
    assert.match((await get(place, '/swagger/start.js')).text, /validatorUrl: null/)
  })
})
