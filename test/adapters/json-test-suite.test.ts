import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readVectors } from '../support/vectors.ts'
import { newShopServer, type Send, type Sent } from './http.ts'
import type { Answer } from './documented.ts'

const { files } = readVectors('json-test-suite/test_parsing.json') as { files: Record<string, string> }
const documents = Object.entries(files).map(([name, base64]) => ({
  name,
  bytes: Buffer.from(base64, 'base64'),
}))

/** Nothing but white space, which the contract takes for an empty body, `{}`. */
const empty = new Set([
  'n_single_space.json',
  'n_structure_no_data.json',
  'n_structure_whitespace_formfeed.json',
])

/** Sends, and fails for an answer that is a fault of ours. */
async function soundly(send: Send, method: string, path: string, sent: Sent): Promise<Answer> {
  const answer = await send(method, path, sent)
  assert.ok(answer.status < 500, answer.text)
  return answer
}

function verdict(name: string, answer: Answer): void {
  const isRefused = answer.status === 400 && answer.error().code === 'invalid_json'
  if (name.startsWith('y')) assert.equal(isRefused, false, name)
  if (name.startsWith('n') && !empty.has(name)) assert.equal(isRefused, true, `${name}: ${answer.text}`)
}

describe('the JSON test suite', () => {
  test('has its 318 documents', () => {
    assert.equal(documents.length, 318)
  })

  test('as bodies: what is JSON is judged by its fields, what is none is invalid_json', async () => {
    const { send, keys, license } = { ...(await newShopServer()), license: 'lic_00000000000000000000000000' }
    for (const { name, bytes } of documents) {
      verdict(name, await soundly(send, 'POST', '/apps/desktop-app/customers', { key: keys.sk, body: bytes }))
      verdict(name, await soundly(send, 'POST', '/apps/desktop-app/licenses/verify', { body: bytes }))
      const renewal = `/apps/desktop-app/licenses/${license}/regenerate`
      verdict(name, await soundly(send, 'POST', renewal, { body: bytes }))
    }
    assert.equal(
      (await send('GET', '/apps', { key: keys.sk })).status,
      200,
      'the next good request is answered',
    )
  })

  test('as metadata: what is taken is given back as it is', async () => {
    const { send, keys } = await newShopServer()
    let taken = 0
    for (const [at, { name, bytes }] of documents.entries()) {
      const head = Buffer.from(`{"email":"${at}@example.com","metadata":{"document":`)
      const body = Buffer.concat([head, bytes, Buffer.from('}}')])
      const answer = await soundly(send, 'POST', '/apps/desktop-app/customers', { key: keys.sk, body })
      if (answer.status !== 201) continue
      taken += 1
      // JSON.stringify writes -0 as 0, which is the same number.
      const sent = JSON.parse(JSON.stringify(JSON.parse(body.toString())))
      assert.deepEqual(answer.data().metadata, sent.metadata, name)
      const { id } = answer.data() as { id: string }
      const again = await send('GET', `/apps/desktop-app/customers/${id}`, { key: keys.pk })
      assert.deepEqual(again.data(), answer.data(), name)
    }
    assert.ok(taken > 80, `${taken} were taken`)
  })
})
