import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newShop } from '../support/fixtures.ts'
import { newShopServer, sender, serve, type Json } from './test-server.ts'
import { rawRequest, whileListening } from './listening.ts'

const server = await newShopServer()
const key = server.keys.sk

describe('a TCP connection', () => {
  const status = (text: string): string => text.slice(9, 12)

  // In Bun's own server a framework never sees the path that was sent. test/cli/sent-paths.test.ts has all cases.
  test('a path in another spelling: 404', { skip: 'Bun' in globalThis }, async () => {
    const measured = await serve(await newShop(), { metrics: true })
    await whileListening(measured, async ({ exchange }) => {
      assert.equal(status(await exchange(rawRequest('GET /metrics'))), '200')
      for (const path of [
        '/api/../metrics',
        '/api/..\\metrics',
        '/metrics/',
        '/x\\..\\swagger',
        '/%73wagger',
      ])
        assert.equal(status(await exchange(rawRequest(`GET ${path}`))), '404', path)
    })
  })

  test('malformed HTTP is refused, and the next request gets a response', async () => {
    await whileListening(server, async ({ exchange, origin }) => {
      const authorization = `Authorization: Bearer ${key}`
      assert.equal(status(await exchange(rawRequest('GET /api/v1/apps', [authorization]))), '200')
      const rows: Readonly<Record<string, readonly string[]>> = {
        [rawRequest('TRACE /api/v1/apps', [authorization])]: ['405', '400', '501'],
        [rawRequest('GET /api/v1/apps/%zz', [authorization])]: ['404', '400'],
        [rawRequest('GET /api/v1/apps/\u0000', [authorization])]: ['400', '404', '505', ''],
        [rawRequest('GET /api/v1/apps/../../../etc/passwd', [authorization])]: ['404', '400'],
        [rawRequest('GET /api/v1/apps', [authorization, 'X-Request-Id: a\r\nX-Other: b'])]: ['200'],
        [rawRequest('GET /api/v1/apps', ['Authorization: Bearer nothing', authorization])]: ['401', '400'],
        [rawRequest('GET /api/v1/apps', [authorization, 'Authorization: Bearer nothing'])]: ['401', '400'],
        [rawRequest('GET /api/v1/apps', [authorization, 'Host: other'])]: ['200', '400'],
      }
      for (const [text, allowed] of Object.entries(rows)) {
        const response = await exchange(text)
        assert.ok(allowed.includes(status(response)), `${text}\n${response}`)
        assert.doesNotMatch(response, /node_modules|src\/|at .*:\d+:\d+/)
      }
      // The Host does not affect routing, and a malformed one is not a fault of the server.
      for (const host of ['api', 'a', 'localhost:99999', '[bad', '?', 'a/b', 'a b']) {
        const named = (line: string): string =>
          rawRequest(line, [authorization]).replace('Host: localhost', `Host: ${host}`)
        for (const line of ['GET /api/v1/nothing', 'GET /api/v1/apps', 'GET /swagger'])
          assert.doesNotMatch(status(await exchange(named(line))), /^5/, `${line} of ${host}`)
        if (!host.startsWith('a')) continue
        const wanted = /^\w+$/.test(host) ? ['200'] : ['200', '400', '404']
        assert.ok(wanted.includes(status(await exchange(named('GET /api/v1/apps')))), host)
      }
      const next = sender((request) => fetch(request), origin)
      assert.equal((await next('GET', '/apps', { key })).data<Json[]>().length, 1)
    })
  })
})
