import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { inputFor, pathOf, storedState } from './call-route.ts'
import { newFixture } from './fixture.ts'
import { expectations } from './route-expectations.ts'
import type { Sent } from './test-server.ts'

const bodyless = routes.filter(({ method, body }) => method !== 'GET' && body === undefined)

const json = { 'content-type': 'application/json' }
const refused: Readonly<Record<string, readonly [outcome: string, sent: Sent]>> = {
  'an unknown field': ['422 validation_error', { body: { nonsense: 1 } }],
  'a list': ['422 validation_error', { body: [] }],
  'broken JSON': ['400 invalid_json', { body: '{', headers: json }],
  multipart: [
    '415 unsupported_media_type',
    { body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
  ],
  text: ['415 unsupported_media_type', { body: '{}', headers: { 'content-type': 'text/plain' } }],
  '300 KB': ['413 body_too_large', { body: ' '.repeat(300_000), headers: json }],
}
const accepted: readonly Sent[] = [
  {},
  { body: {} },
  { body: ' \n', headers: json },
  { headers: json },
  { body: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
]

describe('routes without a body of their own', () => {
  test('deletions, the two that send webhooks, an invitation, and the reinstatement of a license key', () => {
    const others = bodyless
      .filter(({ method }) => method !== 'DELETE')
      .map(({ path }) => path.split('/').at(-1))
    assert.deepEqual(others.toSorted(), ['invite', 'reinstate', 'retry', 'webhook-test'])
  })

  for (const { method, path } of bodyless) {
    const row = `${method} ${path}`
    test(`${row}: refuses any body but an empty one`, async () => {
      const fixture = await newFixture()
      const { send, keys } = fixture
      const where = pathOf(path, await inputFor(fixture, row))
      const before = await storedState(fixture.licensing)
      for (const [name, [outcome, sent]] of Object.entries(refused)) {
        const response = await send(method, where, { ...sent, key: keys.sk })
        assert.equal(`${response.status} ${response.error().code}`, outcome, name)
      }
      assert.equal(await storedState(fixture.licensing), before, 'a refused request wrote something')
      const stranger = await send(method, where, { body: '{' })
      assert.equal(stranger.status, 401, 'the credential comes before the body')
    })

    test(`${row}: takes an empty body in every form`, async () => {
      for (const sent of accepted) {
        const fixture = await newFixture()
        const where = pathOf(path, await inputFor(fixture, row))
        const { status } = await fixture.send(method, where, { ...sent, key: fixture.keys.sk })
        assert.equal(status, expectations[row]![1], JSON.stringify(sent))
      }
    })
  }

  test('POST webhook-test under one Idempotency-Key: another body is refused, and not replayed', async () => {
    const fixture = await newFixture()
    const path = pathOf('/apps/:slug/webhook-test', await inputFor(fixture, 'POST /apps/:slug/webhook-test'))
    const post = (body: unknown) =>
      fixture.send('POST', path, { key: fixture.keys.sk, body, headers: { 'idempotency-key': 'k' } })
    assert.equal((await post({})).status, 201)
    assert.equal((await post(undefined)).headers.get('idempotent-replayed'), 'true')
    assert.equal((await post({ b: 2 })).status, 422)
  })
})
