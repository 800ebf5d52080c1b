import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LicensingError, type Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { callRoute, inputFor } from './call-route.ts'
import { newFixture } from './fixture.ts'
import type { TestResponse } from './openapi-checker.ts'
import { expectations } from './route-expectations.ts'

/** A text that no response may contain. */
const secret =
  'postgres://root:hunter2@db/ select "token_secret" from app at /srv/heartwood/src/core/keys/signing-keys.ts:12:3'

interface Failure {
  on: boolean
  readonly verbs: (verb: string) => boolean
  readonly error: () => Error
}

/** A storage whose chosen verbs reject while the failure is on. */
function failing(storage: Storage, failure: Failure): Storage {
  return new Proxy(storage, {
    get(target, verb: keyof Storage) {
      if (!failure.on || !failure.verbs(verb)) return target[verb]
      return async () => {
        throw failure.error()
      }
    },
  })
}

const bug = (): Error => new Error(secret, { cause: new TypeError(secret) })
const outage = (): Error => new LicensingError('unavailable', 'The storage is closed', { cause: bug() })

/** Calls every route with a valid key while the failure is on. */
async function callAll(
  failure: Failure,
  check: (row: string, response: TestResponse) => void,
): Promise<void> {
  const fixture = await newFixture({ storage: failing(memoryStorage(), failure) })
  const headers = { authorization: `Bearer ${fixture.keys.sk}` }
  for (const row of Object.keys(expectations)) {
    const input = await inputFor(fixture, row)
    failure.on = true
    check(row, await callRoute(fixture, row, input, { headers }))
    failure.on = false
  }
}

function checkNothingInternal(response: TestResponse, row: string): void {
  assert.doesNotMatch(response.text, /hunter2|select|\.ts|Error:|\[cause\]|stack/, row)
}

describe('an unexpected error', () => {
  const places: Readonly<Record<string, Failure['verbs']>> = {
    'in every verb of the storage': () => true,
    'behind authentication': (verb) => verb !== 'findApiKeyByHash',
    'behind the app': (verb) => !['findApiKeyByHash', 'findApp'].includes(verb),
    'in every transaction': (verb) => verb === 'transaction',
  }
  for (const [place, verbs] of Object.entries(places))
    test(`${place}: 500 with one fixed text`, async () => {
      let failed = 0
      await callAll({ on: false, verbs, error: bug }, (row, response) => {
        checkNothingInternal(response, row)
        if (response.status < 400) return
        failed += 1
        assert.equal(response.status, 500, row)
        assert.equal(response.text, '{"error":{"code":"internal_error","message":"Internal server error"}}')
      })
      assert.notEqual(failed, 0)
    })

  test('that is not an Error: also 500', async () => {
    const error = (): Error =>
      ({ message: secret, code: 'not_found', status: 200, headers: { a: 'b' } }) as never
    await callAll({ on: false, verbs: () => true, error }, (row, response) => {
      assert.equal(response.status, 500, row)
      checkNothingInternal(response, row)
    })
  })
})

describe('an unavailable storage', () => {
  test('every route: 503', async () => {
    await callAll({ on: false, verbs: () => true, error: outage }, (row, response) => {
      assert.equal(response.status, 503, row)
      assert.equal(response.error().code, 'unavailable')
      checkNothingInternal(response, row)
    })
  })

  test('GET /api/health: 503, and 200 when the storage is back', async () => {
    const failure: Failure = { on: false, verbs: () => true, error: bug }
    const { send } = await newFixture({ storage: failing(memoryStorage(), failure) })
    const health = async (): Promise<unknown> => {
      const { status, json } = await send('GET', '/api/health')
      const { version: _version, ...state } = json<Record<string, unknown>>()
      return { http: status, ...state }
    }
    assert.deepEqual(await health(), { http: 200, status: 'ok', storage: 'ok' })
    failure.on = true
    assert.deepEqual(await health(), { http: 503, status: 'error', storage: 'error' })
    failure.on = false
    assert.deepEqual(await health(), { http: 200, status: 'ok', storage: 'ok' })
  })
})
