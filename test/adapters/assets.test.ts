import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { takesGzip } from '../../src/adapters/assets/asset.ts'
import { newWorld } from '../support/fixtures.ts'
import { whileListening } from './listening.ts'
import { read, requestTo } from './test-server.ts'
import type { TestResponse } from './openapi-checker.ts'

const { licensing } = await newWorld()
const app = licensingServer(licensing, { standalone: true })
const script = '/swagger/swagger-ui-bundle.js'

async function get(path: string, headers: Readonly<Record<string, string>>): Promise<TestResponse> {
  return read(await app.fetch(requestTo('http://localhost', 'GET', path, { headers })))
}

const codings: Readonly<Record<string, boolean>> = {
  gzip: true,
  'gzip, deflate, br, zstd': true,
  'br;q=1.0, GZIP;q=0.5': true,
  '*': true,
  'gzip;q=0': false,
  'gzip; q=0.000, *': false,
  '*;q=0': false,
  br: false,
  'x-gzip-like': false,
  '': false,
}

describe('Files of a page', () => {
  for (const [coding, takes] of Object.entries(codings))
    test(`Accept-Encoding ${JSON.stringify(coding)}: ${takes ? 'gzip' : 'the plain file'}`, async () => {
      assert.equal(takesGzip(coding), takes)
      const { status, headers, bytes } = await get(script, { 'accept-encoding': coding })
      assert.equal(status, 200)
      assert.equal(headers.get('content-encoding'), takes ? 'gzip' : null)
      assert.equal(headers.get('vary'), 'accept-encoding')
      const plain = takes ? gunzipSync(bytes) : bytes
      assert.match(new TextDecoder().decode(plain), /SwaggerUIBundle/)
    })

  test('each form has an entity tag of its own, which gets 304 for that form alone', async () => {
    const gzip = { 'accept-encoding': 'gzip' }
    const tags = [
      (await get(script, gzip)).headers.get('etag')!,
      (await get(script, {})).headers.get('etag')!,
    ]
    assert.notEqual(tags[0], tags[1])
    const statuses = async (headers: Readonly<Record<string, string>>): Promise<readonly number[]> =>
      Promise.all(tags.map(async (tag) => (await get(script, { ...headers, 'if-none-match': tag })).status))
    assert.deepEqual(
      [await statuses(gzip), await statuses({})],
      [
        [304, 200],
        [200, 304],
      ],
    )
    assert.equal((await get(script, { 'if-none-match': tags[1]! })).headers.get('vary'), 'accept-encoding')
  })

  test('over a connection: fetch gets the script unpacked', () =>
    whileListening({ fetch: async (request) => app.fetch(request) }, async ({ origin }) => {
      const response = await fetch(`${origin}${script}`)
      assert.match(await response.text(), /SwaggerUIBundle/)
      const head = await fetch(`${origin}${script}`, { method: 'HEAD' })
      assert.deepEqual([head.status, await head.text()], [200, ''])
    }))

  test('Swagger UI: comes with its licenses', async () => {
    const { text } = await get('/swagger/LICENSE.txt', {})
    assert.match(text, /SmartBear[\s\S]*Apache License/)
    assert.match((await get(`${script}.LICENSE.txt`, {})).text, /license/i)
  })
})
