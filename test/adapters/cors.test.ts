import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { newShop } from '../support/fixtures.ts'
import { serve, type Server } from './http.ts'

const page = 'https://shop.example'
const { send, keys } = await serve(await newShop())
const allowing: Server = await serve(await newShop(), { corsOrigins: [page] })

const concrete = (path: string): string => path.replace(':slug', 'desktop-app').replace(/:\w+/g, 'x')
const asking = (method: string, origin = page): Record<string, string> => ({
  origin,
  'access-control-request-method': method,
  'access-control-request-headers': 'authorization, content-type',
})

describe('a page of another origin', () => {
  test('may read every public route, and no other', async () => {
    for (const { method, path, access } of routes) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
      const answer = await send(method, concrete(path), { headers: { origin: page }, ...body })
      const allowed = answer.headers.get('access-control-allow-origin')
      assert.equal(allowed, access === 'public' ? '*' : null, `${method} ${path}`)
      assert.equal(answer.headers.get('access-control-allow-credentials'), null)
    }
  })

  test('is told so before it asks', async () => {
    for (const { method, path, access } of routes) {
      const answer = await send('OPTIONS', concrete(path), { headers: asking(method) })
      assert.equal(answer.status, 204, path)
      const isPublic = access === 'public'
      assert.equal(
        answer.headers.get('access-control-allow-origin'),
        isPublic ? '*' : null,
        `${method} ${path}`,
      )
      assert.equal(
        answer.headers.get('access-control-allow-methods'),
        isPublic ? method : null,
        `${method} ${path}`,
      )
      assert.doesNotMatch(answer.headers.get('access-control-allow-headers') ?? '', /authorization|\*/i)
    }
  })

  test('may use every route once its origin is named, and only that one', async () => {
    for (const { method, path, access } of routes.filter((row) => row.access !== 'public')) {
      const answer = await allowing.send('OPTIONS', concrete(path), { headers: asking(method) })
      assert.equal(answer.headers.get('access-control-allow-origin'), page, `${method} ${path} ${access}`)
      assert.match(answer.headers.get('access-control-allow-headers') ?? '', /Authorization/)
      assert.match(answer.headers.get('vary') ?? '', /Origin/)
    }
    const read = await allowing.send('GET', '/apps', { key: allowing.keys.sk, headers: { origin: page } })
    assert.equal(read.headers.get('access-control-allow-origin'), page)
    assert.match(read.headers.get('access-control-expose-headers') ?? '', /X-Request-Id/)
  })

  test('of another name is not it, however alike', async () => {
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

  test('reads refusals of public routes as well, a limit among them', async () => {
    const answer = await send('GET', '/apps/desktop-app/licenses/verify', { headers: { origin: page } })
    assert.equal(answer.status, 422)
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.match(answer.headers.get('access-control-expose-headers') ?? '', /Retry-After/)
  })

  test('changes nothing for who is no page', async () => {
    const answer = await send('GET', '/apps', { key: keys.sk })
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
  })
})
