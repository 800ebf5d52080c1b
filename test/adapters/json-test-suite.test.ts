import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readVectors } from '../support/vectors.ts'
import { newShopServer, type Send, type Sent } from './test-server.ts'
import type { TestResponse } from './openapi-checker.ts'

const { files } = readVectors('json-test-suite/test_parsing.json') as { files: Record<string, string> }
const documents = Object.entries(files).map(([name, base64]) => ({
  name,
  bytes: Buffer.from(base64, 'base64'),
}))

/** Documents of white space only. The contract reads them as an empty body, `{}`. */
const empty = new Set([
  'n_single_space.json',
  'n_structure_no_data.json',
  'n_structure_whitespace_formfeed.json',
])

/** Sends a request and fails if the status is 5xx. */
async function sendSafely(send: Send, method: string, path: string, sent: Sent): Promise<TestResponse> {
  const response = await send(method, path, sent)
  assert.ok(response.status < 500, response.text)
  return response
}

function checkJson(name: string, response: TestResponse): void {
  const isRefused = response.status === 400 && response.error().code === 'invalid_json'
  if (name.startsWith('y')) assert.equal(isRefused, false, name)
  if (name.startsWith('n') && !empty.has(name)) assert.equal(isRefused, true, `${name}: ${response.text}`)
}

describe('JSON test suite', () => {
  test('318 documents', () => {
    assert.equal(documents.length, 318)
  })

  test('as bodies: 400 invalid_json unless the document is JSON', async () => {
    const { send, keys, license } = { ...(await newShopServer()), license: 'lic_00000000000000000000000000' }
    for (const { name, bytes } of documents) {
      checkJson(
        name,
        await sendSafely(send, 'POST', '/apps/desktop-app/customers', { key: keys.sk, body: bytes }),
      )
      checkJson(name, await sendSafely(send, 'POST', '/apps/desktop-app/licenses/verify', { body: bytes }))
      const renewal = `/apps/desktop-app/licenses/${license}/regenerate`
      checkJson(name, await sendSafely(send, 'POST', renewal, { body: bytes }))
    }
    assert.equal(
      (await send('GET', '/apps', { key: keys.sk })).status,
      200,
      'the next valid request succeeds',
    )
  })

  test('as metadata: an accepted document comes back unchanged', async () => {
    const { send, keys } = await newShopServer()
    let accepted = 0
    for (const [at, { name, bytes }] of documents.entries()) {
      const head = Buffer.from(`{"email":"${at}@example.com","metadata":{"document":`)
      const body = Buffer.concat([head, bytes, Buffer.from('}}')])
      const response = await sendSafely(send, 'POST', '/apps/desktop-app/customers', { key: keys.sk, body })
      if (response.status !== 201) continue
      accepted += 1
      // JSON.stringify writes -0 as 0, which is the same number.
      const sent = JSON.parse(JSON.stringify(JSON.parse(body.toString())))
      assert.deepEqual(response.data().metadata, sent.metadata, name)
      const { id } = response.data() as { id: string }
      const again = await send('GET', `/apps/desktop-app/customers/${id}`, { key: keys.pk })
      assert.deepEqual(again.data(), response.data(), name)
    }
    assert.ok(accepted > 80, `${accepted} were accepted`)
  })
})
