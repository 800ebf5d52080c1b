import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { signatureHeaders } from '../../src/webhooks/signature.ts'
import { readVectors } from '../support/vectors.ts'

interface Vectors {
  readonly sign: readonly (Readonly<Record<string, string>> & { readonly secret: string })[]
}

const { sign } = readVectors('standard-webhooks/vectors.json') as Vectors
const id = 'evt_01kfnb7s3nf5dvt1m6r9k2c4xz'

test('signatureHeaders(): gives the test vector of Standard Webhooks', () => {
  assert.equal(sign.length, 1)
  for (const { secret, body = '', ...headers } of sign) {
    const signed = {
      id: headers['webhook-id']!,
      timestamp: Number(headers['webhook-timestamp']),
      payload: body,
    }
    assert.deepEqual(signatureHeaders([secret], signed), headers)
  }
})

test('signatureHeaders(): during a roll either secret verifies, and no other', () => {
  const secrets = ['bmV3IHNlY3JldCBuZXcgc2VjcmV0IG5ldyE=', 'b2xkIHNlY3JldCBvbGQgc2VjcmV0IG9sZCE=']
  const payload = '{"type":"license.revoked"}'
  const headers = signatureHeaders(
    secrets.map((secret) => `whsec_${secret}`),
    { id, timestamp: Math.floor(Date.now() / 1000), payload },
  )
  for (const secret of secrets)
    assert.deepEqual(new Webhook(secret).verify(payload, { ...headers }), { type: 'license.revoked' })
  const stranger = new Webhook('c29tZWJvZHkgZWxzZSBzb21lYm9keSBlbHNlIQ==')
  assert.throws(() => stranger.verify(payload, { ...headers }))
  assert.throws(() => new Webhook(secrets[0]!).verify(`${payload} `, { ...headers }))
})

test('signatureHeaders(): a signature is valid only for its own id and time', () => {
  const secret = 'bmV3IHNlY3JldCBuZXcgc2VjcmV0IG5ldyE='
  const now = Math.floor(Date.now() / 1000)
  const headers = signatureHeaders([secret], { id, timestamp: now, payload: '{}' })
  for (const other of [{ 'webhook-id': 'evt_other' }, { 'webhook-timestamp': `${now + 1}` }])
    assert.throws(() => new Webhook(secret).verify('{}', { ...headers, ...other }))
})
