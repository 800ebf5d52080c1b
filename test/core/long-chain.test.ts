import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newShop, start } from '../support/fixtures.ts'

test('trust(): lists the newest thousand statements, because programs refuse a longer list', async () => {
  const { licensing, storage, app } = await newShop()
  const record = { appId: app.id, signatures: '[]', createdAt: start }
  for (let seq = 1; seq <= 1_001; seq++)
    await storage.insertKeyStatement({ ...record, seq, payload: JSON.stringify({ seq }) })
  const numbers = (await licensing.apps.trust('desktop-app')).statements.map(({ payload }) =>
    Buffer.from(payload, 'base64url').toString(),
  )
  assert.deepEqual([numbers.length, numbers[0], numbers.at(-1)], [1_000, '{"seq":2}', '{"seq":1001}'])
})
