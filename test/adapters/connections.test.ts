import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newShopServer, sender, type Json } from './http.ts'
import { spelled, whileListening } from './listening.ts'

const server = await newShopServer()
const key = server.keys.sk

describe('on a real connection', () => {
  const status = (text: string): string => text.slice(9, 12)

  test('what no client library sends is refused, and the next request is answered', async () => {
    await whileListening(server, async ({ exchange, origin }) => {
      const authorization = `Authorization: Bearer ${key}`
      assert.equal(status(await exchange(spelled('GET /api/v1/apps', [authorization]))), '200')
      const rows: Readonly<Record<string, readonly string[]>> = {
        [spelled('TRACE /api/v1/apps', [authorization])]: ['405', '400', '501'],
        [spelled('GET /api/v1/apps/%zz', [authorization])]: ['404', '400'],
        [spelled('GET /api/v1/apps/\u0000', [authorization])]: ['400', '404', '505', ''],
        [spelled('GET /api/v1/apps/../../../etc/passwd', [authorization])]: ['404', '400'],
        [spelled('GET /api/v1/apps', [authorization, 'X-Request-Id: a\r\nX-Other: b'])]: ['200'],
        [spelled('GET /api/v1/apps', ['Authorization: Bearer nothing', authorization])]: ['401', '400'],
        [spelled('GET /api/v1/apps', [authorization, 'Authorization: Bearer nothing'])]: ['401', '400'],
        [spelled('GET /api/v1/apps', [authorization, 'Host: other'])]: ['200', '400'],
      }
      for (const [text, allowed] of Object.entries(rows)) {
        const answer = await exchange(text)
        assert.ok(allowed.includes(status(answer)), `${text}\n${answer}`)
        assert.doesNotMatch(answer, /node_modules|src\/|at .*:\d+:\d+/)
      }
      // By the host nothing is found, and one that is none is no fault of ours.
      for (const host of ['api', 'a', 'localhost:99999', '[bad', '?', 'a/b', 'a b']) {
        const named = (line: string): string =>
          spelled(line, [authorization]).replace('Host: localhost', `Host: ${host}`)
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
