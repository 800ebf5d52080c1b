import assert from 'node:assert/strict'
import { test } from 'node:test'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { newShop } from '../support/fixtures.ts'

test('licensingServer(): refuses an origin that no browser sends, and names the option', async () => {
  const { licensing } = await newShop()
  const wrong = [
    '*',
    'https://shop.example/',
    'https://Shop.example',
    'https://shop.example:443',
    'shop.example',
    '',
  ]
  for (const origin of wrong)
    assert.throws(
      () => licensingServer(licensing, { corsOrigins: [origin] }),
      /^TypeError: corsOrigins must /,
    )
  for (const given of ['https://shop.example', null])
    assert.throws(() => licensingServer(licensing, { corsOrigins: given as never }), TypeError)
  const right = ['https://shop.example', 'http://localhost:5173', 'tauri://localhost', 'null']
  licensingServer(licensing, { corsOrigins: right })
})
