import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Elysia, type AnyElysia } from 'elysia'
import { createHandler } from '../../../src/adapters/http.ts'
import { licensingServer } from '../../../src/adapters/elysia.ts'
import { assets } from '../../../src/adapters/generated/dashboard.ts'
import { newWorld } from '../../support/fixtures.ts'

const { licensing } = await newWorld()
const options = { dashboard: true, clientAddress: () => null } as const

/** Ways to serve the dashboard, each with its prefix. */
const places: Readonly<Record<string, readonly [Pick<AnyElysia, 'fetch'>, string]>> = {
  'on its own': [licensingServer(licensing, { standalone: true, ...options }), ''],
  'under a host’s prefix': [
    new Elysia().group('/one', (host) => host.use(licensingServer(licensing, options))),
    '/one',
  ],
  'without a framework': [
    { fetch: createHandler(licensing, { ...options, basePath: '/a/b' }) as never },
    '/a/b',
  ],
}

const guards = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
}

function checkGuards({ headers }: Response, path: string): void {
  for (const [name, text] of Object.entries(guards)) assert.equal(headers.get(name), text, `${path}: ${name}`)
}

for (const [name, [app, prefix]] of Object.entries(places))
  describe(`GET /dashboard ${name}`, () => {
    const get = async (path: string, init: RequestInit = {}): Promise<Response> =>
      app.fetch(new Request(`http://localhost${prefix}${path}`, init))

    test('the page has its guards, is never stored, and names its files by relative addresses', async () => {
      const response = await get('/dashboard')
      checkGuards(response, '/dashboard')
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
      const page = await response.text()
      const named = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address)
      assert.equal(named.length, 3)
      for (const address of named.filter((each) => each !== 'data:,')) {
        assert.match(address, /^dashboard\/main-[\w]+\.(css|js)$/)
        assert.equal((await get(`/${address}`)).status, 200)
      }
      assert.equal(/<style|<script>|\son\w+=|style=/.test(page), false)
    })

    test('every file has the guards, and may be kept for ever', async () => {
      for (const file of Object.keys(assets)) {
        const response = await get(`/dashboard/${file}`)
        assert.equal(response.status, 200, file)
        checkGuards(response, file)
        assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable')
        await response.arrayBuffer()
      }
    })

    test('a slash at the end leads to the page, by a relative address', async () => {
      const response = await get('/dashboard/')
      assert.deepEqual([response.status, response.headers.get('location')], [308, '../dashboard'])
    })

    for (const path of [
      'main.js',
      'main-00000000.js',
      'toString',
      '__proto__',
      'x/session',
      '..%2f..',
      '%6dain.js',
    ])
      test(`/dashboard/${path}: no file of this name`, async () => {
        const response = await get(`/dashboard/${path}`)
        assert.equal(response.status, 404)
        assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'no_such_route')
      })

    test('another method: 405 with Allow', async () => {
      const [file = ''] = Object.keys(assets)
      const allowed = {
        '/dashboard': 'GET, HEAD',
        [`/dashboard/${file}`]: 'GET, HEAD',
        '/dashboard/session': 'DELETE, GET, HEAD, POST',
      }
      for (const [path, allow] of Object.entries(allowed)) {
        const response = await get(path, { method: 'PUT' })
        assert.deepEqual([response.status, response.headers.get('allow')], [405, allow], path)
      }
    })

    test('HEAD: the headers of GET without the body', async () => {
      for (const path of ['/dashboard', '/dashboard/session']) {
        const [got, head] = [await get(path), await get(path, { method: 'HEAD' })]
        assert.equal(head.status, 200)
        assert.equal(head.headers.get('content-length'), String((await got.arrayBuffer()).byteLength), path)
        assert.equal(await head.text(), '')
      }
    })

    test('the session has the guards, and is never stored', async () => {
      const response = await get('/dashboard/session')
      checkGuards(response, '/dashboard/session')
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.deepEqual(await response.json(), { data: { person: null, sign_in: 'key' } })
    })
  })
