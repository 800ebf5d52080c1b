import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LicensingError, type Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { callRoute, givenFor } from './calls.ts'
import { newCounter } from './credentials.ts'
import type { Answer } from './documented.ts'
import { judgements } from './judgements.ts'

/** What must be in no answer. */
const secret =
  'postgres://root:hunter2@db/ select "token_secret" from app at /srv/heartwood/src/core/keys/signing-keys.ts:12:3'

interface Failure {
  on: boolean
  readonly verbs: (verb: string) => boolean
  readonly error: () => Error
}

/** A storage whose named verbs reject while the failure is on. */
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

/** Calls every route with a good key while the failure is on. */
async function callAll(failure: Failure, judge: (row: string, answer: Answer) => void): Promise<void> {
  const counter = await newCounter({ storage: failing(memoryStorage(), failure) })
  const headers = { authorization: `Bearer ${counter.keys.sk}` }
  for (const row of Object.keys(judgements)) {
    const given = await givenFor(counter, row)
    failure.on = true
    judge(row, await callRoute(counter, row, given, { headers }))
    failure.on = false
  }
}

function holdsNothingInternal(answer: Answer, row: string): void {
  assert.doesNotMatch(answer.text, /hunter2|select|\.ts|Error:|cause|stack/, row)
}

describe('a bug of ours', () => {
  const places: Readonly<Record<string, Failure['verbs']>> = {
    'in every verb of the storage': () => true,
    'behind authentication': (verb) => verb !== 'findApiKeyByHash',
    'behind the app': (verb) => !['findApiKeyByHash', 'findApp'].includes(verb),
    'in every transaction': (verb) => verb === 'transaction',
  }
  for (const [place, verbs] of Object.entries(places))
    test(`${place} is answered with 500 and one fixed text`, async () => {
      let failed = 0
      await callAll({ on: false, verbs, error: bug }, (row, answer) => {
        holdsNothingInternal(answer, row)
        if (answer.status < 400) return
        failed += 1
        assert.equal(answer.status, 500, row)
        assert.equal(answer.text, '{"error":{"code":"internal_error","message":"Internal server error"}}')
      })
      assert.notEqual(failed, 0)
    })

  test('that throws what is no error is no different', async () => {
    const error = (): Error =>
      ({ message: secret, code: 'not_found', status: 200, headers: { a: 'b' } }) as never
    await callAll({ on: false, verbs: () => true, error }, (row, answer) => {
      assert.equal(answer.status, 500, row)
      holdsNothingInternal(answer, row)
    })
  })
})

describe('a storage that does not answer', () => {
  test('makes every route answer 503', async () => {
    await callAll({ on: false, verbs: () => true, error: outage }, (row, answer) => {
      assert.equal(answer.status, 503, row)
      assert.equal(answer.error().code, 'unavailable')
      holdsNothingInternal(answer, row)
    })
  })

  test('shows in the health, and so does its return', async () => {
    const failure: Failure = { on: false, verbs: () => true, error: bug }
    const { send } = await newCounter({ storage: failing(memoryStorage(), failure) })
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
