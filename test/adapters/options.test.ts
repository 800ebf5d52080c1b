import assert from 'node:assert/strict'
import { test } from 'node:test'
import { licensingServer, type ServerOptions } from '../../src/adapters/elysia.ts'
import { newShop } from '../support/fixtures.ts'

test('licensingServer(): refuses an origin that no browser sends, and names the option', async () => {
  const { licensing } = await newShop()
  const wrong = [
    '*',
    'https://shop.example/',
    'https://Shop.example',
    'https://shop.example:443',
    'shop.example',
    'tauri://localhost/',
    'tauri:localhost',
    '',
  ]
  for (const origin of wrong)
    assert.throws(
      () => licensingServer(licensing, { corsOrigins: [origin] }),
      /^TypeError: corsOrigins must /,
    )
  for (const given of ['https://shop.example', null])
    assert.throws(() => licensingServer(licensing, { corsOrigins: given as never }), TypeError)
  for (const origin of ['*', 'https://*.shop.example', 'https://*', 'tauri://*'])
    assert.throws(
      () => licensingServer(licensing, { corsOrigins: ['https://shop.example', origin] }),
      /^TypeError: corsOrigins must name every origin whole, [a-z ]+ asterisk$/,
    )
  const right = [
    'https://shop.example',
    'http://localhost:5173',
    'tauri://localhost',
    'capacitor://localhost',
    'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
    'null',
  ]
  licensingServer(licensing, { corsOrigins: right })
})

test('licensingServer(): refuses a publicUrl that no link can begin with, and names the option', async () => {
  const { licensing } = await newShop()
  const wrong = [
    '',
    'licenses.example',
    'licenses.example:4000',
    '/licensing',
    'ftp://licenses.example',
    'https://',
    'https://user@licenses.example',
    'https://:secret@licenses.example',
    'https://licenses.example/?a=1',
    'https://licenses.example?',
    'https://licenses.example#top',
    null,
    4000,
    new URL('https://licenses.example'),
  ]
  for (const given of wrong)
    assert.throws(
      () => licensingServer(licensing, { publicUrl: given as never }),
      /^TypeError: publicUrl must be /,
      String(given),
    )
})

async function serversOf(options: ServerOptions): Promise<readonly string[]> {
  const { licensing } = await newShop()
  const app = licensingServer(licensing, options)
  const response = await app.fetch(new Request('http://evil.example/swagger/json'))
  const { servers } = (await response.json()) as { servers: readonly { readonly url: string }[] }
  return servers.map(({ url }) => url)
}

test('publicUrl: the OpenAPI document names it first, without /api/v1', async () => {
  const given = {
    'https://licenses.example': 'https://licenses.example',
    'https://Licenses.example:443/': 'https://licenses.example',
    'http://10.0.0.1:4000': 'http://10.0.0.1:4000',
    'https://shop.example/licensing/': 'https://shop.example/licensing',
    'https://shop.example/licensing/api/v1/': 'https://shop.example/licensing',
    'https://shop.example/api/v1': 'https://shop.example',
    'https://shop.example/api/v1//': 'https://shop.example',
    'https://shop.example/one//api/v1': 'https://shop.example/one',
  }
  for (const [publicUrl, url] of Object.entries(given))
    assert.deepEqual(await serversOf({ publicUrl }), [url, '..'], publicUrl)
})

test('no publicUrl: the OpenAPI document names its server by a relative URL, never by Host', async () => {
  assert.deepEqual(await serversOf({}), ['..'])
})
