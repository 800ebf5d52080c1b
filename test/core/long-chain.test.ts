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

test('trust(): lists the newest 4,000,000 bytes, because programs refuse a longer file', async () => {
  const { licensing, storage, app } = await newShop()
  const signatures = JSON.stringify([{ protected: 'x'.repeat(99_900), signature: '' }])
  const record = { appId: app.id, signatures, createdAt: start }
  for (let seq = 1; seq <= 50; seq++)
    await storage.insertKeyStatement({ ...record, seq, payload: JSON.stringify({ seq }) })
  const trust = await licensing.apps.trust('desktop-app')
  const length = JSON.stringify(trust).length
  const one = JSON.stringify(trust.statements[0]).length
  assert.ok(length <= 4_000_000 && length + one > 4_000_000, `${length}`)
  const last = Buffer.from(trust.statements.at(-1)!.payload, 'base64url').toString()
  assert.deepEqual([trust.statements.length, last], [40, '{"seq":50}'])
})
