import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ignoresAuthorization } from '../../src/adapters/http/route.ts'
import { routes } from '../../src/adapters/routes/index.ts'
import { newShop } from '../support/fixtures.ts'
import { serve, type TestServer } from './test-server.ts'

const page = 'https://shop.example'
const { send, keys } = await serve(await newShop())
const allowing: TestServer = await serve(await newShop(), { corsOrigins: [page] })

const concrete = (path: string): string => path.replace(':slug', 'desktop-app').replace(/:\w+/g, 'x')
const asking = (method: string, origin = page): Record<string, string> => ({
  origin,
  'access-control-request-method': method,
  'access-control-request-headers': 'authorization, content-type',
})

describe('CORS', () => {
  test('without corsOrigins: any origin may read the public routes only', async () => {
    for (const { method, path, access } of routes) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
      const response = await send(method, concrete(path), { headers: { origin: page }, ...body })
      const allowed = response.headers.get('access-control-allow-origin')
      assert.equal(allowed, access === 'public' ? '*' : null, `${method} ${path}`)
      assert.equal(response.headers.get('access-control-allow-credentials'), null)
    }
  })

  test('OPTIONS without corsOrigins: a preflight allows the public routes only', async () => {
    for (const { method, path, access } of routes) {
      const response = await send('OPTIONS', concrete(path), { headers: asking(method) })
      assert.equal(response.status, 204, path)
      const isPublic = access === 'public'
      assert.equal(
        response.headers.get('access-control-allow-origin'),
        isPublic ? '*' : null,
        `${method} ${path}`,
      )
      assert.equal(
        response.headers.get('access-control-allow-methods'),
        isPublic ? method : null,
        `${method} ${path}`,
      )
      assert.doesNotMatch(response.headers.get('access-control-allow-headers') ?? '', /authorization|\*/i)
    }
  })

  test('corsOrigins: a named origin may call every route', async () => {
    for (const row of routes.filter(({ access }) => access !== 'public')) {
      const { method, path, access } = row
      const response = await allowing.send('OPTIONS', concrete(path), { headers: asking(method) })
      assert.equal(response.headers.get('access-control-allow-origin'), page, `${method} ${path} ${access}`)
      const allowed = response.headers.get('access-control-allow-headers') ?? ''
      assert.match(allowed, /Content-Type/)
      assert.equal(allowed.includes('Authorization'), !ignoresAuthorization(row), `${method} ${path}`)
      assert.match(response.headers.get('vary') ?? '', /Origin/)
    }
    const read = await allowing.send('GET', '/apps', { key: allowing.keys.sk, headers: { origin: page } })
    assert.equal(read.headers.get('access-control-allow-origin'), page)
    assert.match(read.headers.get('access-control-expose-headers') ?? '', /X-Request-Id/)
  })

  test('corsOrigins: a renewal and an activation may carry Heartwood-Client', async () => {
    const wanted = ['regenerateLicense', 'activateInstallation']
    for (const { method, path, operationId } of routes) {
      const response = await allowing.send('OPTIONS', concrete(path), { headers: asking(method) })
      const allowed = response.headers.get('access-control-allow-headers') ?? ''
      assert.equal(/\bHeartwood-Client\b/.test(allowed), wanted.includes(operationId), `${method} ${path}`)
    }
  })

  test('corsOrigins: a similar origin is not allowed', async () => {
    const alike = [
      'https://shop.example.evil',
      'http://shop.example',
      'https://shop.example:8443',
      'null',
      '*',
      'https://SHOP.example',
      `${page}/`,
    ]
    for (const origin of alike) {
      const read = await allowing.send('GET', '/apps', { key: allowing.keys.sk, headers: { origin } })
      assert.equal(read.headers.get('access-control-allow-origin'), null, origin)
      assert.match(read.headers.get('vary') ?? '', /Origin/)
      const preflight = await allowing.send('OPTIONS', '/apps', { headers: asking('POST', origin) })
      assert.equal(preflight.headers.get('access-control-allow-origin'), null, origin)
    }
  })

  test('public routes: any origin may read error responses too', async () => {
    const response = await send('GET', '/apps/desktop-app/licenses/verify', { headers: { origin: page } })
    assert.equal(response.status, 422)
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
    assert.match(response.headers.get('access-control-expose-headers') ?? '', /Retry-After/)
  })

  test('without an Origin header: no CORS headers', async () => {
    const response = await send('GET', '/apps', { key: keys.sk })
    assert.equal(response.headers.get('access-control-allow-origin'), null)
  })
})
