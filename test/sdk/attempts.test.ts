import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RemoteError, type LicensingClient } from '../../src/sdk/index.ts'
import { json, recorder, refusal } from './recorder.ts'

const app = 'desktop-app'
const one = (): Response => json({ data: { id: 'app_1' } })
const gone = (): never => {
  throw new TypeError('fetch failed')
}

/** The error of a call that must fail. */
async function errorOf(call: Promise<unknown>): Promise<RemoteError> {
  const error: unknown = await call.then(
    () => assert.fail('the call succeeded'),
    (failure: unknown) => failure,
  )
  assert.ok(error instanceof RemoteError, String(error))
  return error
}

test('retries: no response, 429, 502, 503 and 504 are repeated, and the rest is not', async () => {
  const repeated: readonly (readonly [() => Response, boolean])[] = [
    [gone, true],
    [() => refusal(429, 'rate_limited'), true],
    [() => refusal(503, 'unavailable'), true],
    [() => new Response('<html>', { status: 502 }), true],
    [() => new Response('<html>', { status: 503 }), true],
    [() => new Response('<html>', { status: 504 }), true],
    [() => refusal(400, 'license_revoked'), false],
    [() => refusal(401, 'unauthorized'), false],
    [() => refusal(403, 'forbidden'), false],
    [() => refusal(404, 'not_found'), false],
    [() => refusal(408, 'request_timeout'), false],
    [() => refusal(409, 'conflict'), false],
    [() => refusal(409, 'idempotency_in_progress'), false],
    [() => refusal(422, 'validation_error'), false],
    [() => refusal(500, 'internal_error'), false],
    [() => new Response('<html>'), false],
  ]
  for (const [fault, isRepeated] of repeated) {
    const { client, sent } = recorder((_, count) => (count < 3 ? fault() : one()))
    const outcome = await client.apps.create({ name: 'n', slug: app }).then(
      () => 'ok',
      (error: unknown) => (error as RemoteError).code,
    )
    assert.deepEqual([sent.length, outcome === 'ok'], isRepeated ? [3, true] : [1, false], outcome)
  }
})

test('retries: every attempt of a call sends the same key and body, and every call another key', async () => {
  const { client, sent } = recorder((_, count) => (count < 3 ? gone() : one()))
  await client.apps.create({ name: 'n', slug: app })
  await client.apps.create({ name: 'n', slug: app })
  const keys = sent.map(({ headers }) => headers.get('idempotency-key'))
  assert.equal(new Set(keys.slice(0, 3)).size, 1)
  assert.notEqual(keys[3], keys[0])
  assert.match(keys[0]!, /^\d{1,20}-\d{1,20}$/)
  assert.equal(new Set(sent.map(({ body }) => body)).size, 1)
})

test('retries: the number is the one that was asked for, and the last error comes out', async () => {
  for (const retries of [0, 1, 5]) {
    const { client, sent, pauses } = recorder(() => refusal(503, 'unavailable'), { retries })
    const { code, status, requestId, message } = await errorOf(client.apps.get(app))
    assert.deepEqual(
      [sent.length, pauses.length, code, status, requestId, message],
      [retries + 1, retries, 'unavailable', 503, 'request-1', 'It is unavailable'],
    )
    await errorOf(client.withOptions({ retries: 2 }).apps.get(app))
    assert.equal(sent.length, retries + 4)
  }
  const { client, sent } = recorder(gone)
  const { code, status, requestId } = await errorOf(client.apps.get(app))
  assert.deepEqual([sent.length, code, status, requestId], [3, 'no_connection', null, null])
})

test('retries: the pauses double up to eight seconds, and half of each is left to chance', async () => {
  const options = { retries: 6, timeoutMs: 100_000 }
  const least = recorder(gone, options, 0)
  await errorOf(least.client.apps.get(app))
  assert.deepEqual(least.pauses, [250, 500, 1_000, 2_000, 4_000, 4_000])
  const most = recorder(gone, options, 1)
  await errorOf(most.client.apps.get(app))
  assert.deepEqual(most.pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000])
})

/** Pauses after one refusal with these headers, at the least and at the most chance. */
async function pausesAfter(headers: Readonly<Record<string, string>>): Promise<readonly number[]> {
  const asked: number[] = []
  for (const chance of [0, 1]) {
    const respond = (_: unknown, count: number): Response =>
      count === 1 ? refusal(429, 'rate_limited', headers) : one()
    const { client, pauses } = recorder(respond, {}, chance)
    await client.apps.get(app)
    asked.push(...pauses)
  }
  return asked
}

test('Retry-After: in seconds and as a date by the clock of the server, and a little more at random', async () => {
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
  const cases: readonly (readonly [Readonly<Record<string, string>>, readonly number[]])[] = [
    [{ 'retry-after': '3' }, [3_000, 3_500]],
    [{ 'retry-after': '0' }, [0, 500]],
    [{ 'retry-after': ' 7 ' }, [7_000, 7_500]],
    [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:42 GMT', date }, [5_000, 5_500]],
    [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:00 GMT', date }, [0, 500]],
    [{ 'retry-after': date }, [0, 500]],
    [{ 'retry-after': 'soon' }, [250, 500]],
    [{ 'retry-after': '-5' }, [250, 500]],
    [{}, [250, 500]],
  ]
  for (const [headers, pauses] of cases)
    assert.deepEqual(await pausesAfter(headers), pauses, JSON.stringify(headers))
  const [pause = 0] = await pausesAfter({ 'retry-after': new Date(Date.now() + 20_000).toUTCString() })
  assert.ok(pause > 10_000 && pause <= 20_000, 'without Date, the clock of this machine counts')
})

test('Retry-After: beyond the time limit, the refusal comes out at once', async () => {
  for (const asked of ['30', '86400', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT']) {
    const respond = (): Response => refusal(429, 'rate_limited', { 'retry-after': asked })
    const { client, sent, pauses } = recorder(respond, { timeoutMs: 30_000 })
    assert.equal((await errorOf(client.apps.get(app))).code, 'rate_limited')
    assert.deepEqual([sent.length, pauses], [1, []])
  }
})

test('idempotency_in_progress: after a lost response it is our own first attempt, so it is waited for', async () => {
  const { client, sent } = recorder((_, count) =>
    count === 1 ? gone() : count === 2 ? refusal(409, 'idempotency_in_progress') : one(),
  )
  await client.apps.create({ name: 'n', slug: app })
  assert.equal(sent.length, 3)
})

test('delete(): a repetition that finds nothing was done by the attempt whose response was lost', async () => {
  const deletions: readonly ((client: LicensingClient) => Promise<unknown>)[] = [
    ({ apps }) => apps.delete(app),
    ({ licenses }) => licenses.delete(app, 'lic_1'),
    ({ apiKeys }) => apiKeys.revoke('key_1'),
  ]
  for (const call of deletions) {
    const lost = recorder((_, count) => (count === 1 ? gone() : refusal(404, 'not_found')))
    await call(lost.client)
    assert.equal(lost.sent.length, 2)
    const missing = recorder(() => refusal(404, 'not_found'))
    assert.equal((await errorOf(call(missing.client))).code, 'not_found')
    // A refusal says that the first attempt did nothing.
    const busy = recorder((_, count) =>
      count === 1 ? refusal(503, 'unavailable') : refusal(404, 'not_found'),
    )
    assert.equal((await errorOf(call(busy.client))).code, 'not_found')
    const misled = recorder((_, count) => (count === 1 ? gone() : refusal(404, 'no_such_route')))
    assert.equal((await errorOf(call(misled.client))).code, 'no_such_route')
  }
  const read = recorder((_, count) => (count === 1 ? gone() : refusal(404, 'not_found')))
  assert.equal((await errorOf(read.client.apps.get(app))).code, 'not_found')
})

test('withOptions(): gives its calls a key of the caller, and leaves the client as it was', async () => {
  const { client, sent } = recorder(one)
  const keyed = client.withOptions({ idempotencyKey: 'order 2026-0001' })
  await keyed.apps.create({ name: 'n', slug: app })
  await keyed.withOptions({ retries: 0 }).apps.create({ name: 'n', slug: app })
  await keyed.apps.get(app)
  await client.apps.create({ name: 'n', slug: app })
  const keys = sent.map(({ headers }) => headers.get('idempotency-key'))
  assert.deepEqual(keys.slice(0, 3), ['order 2026-0001', 'order 2026-0001', null])
  assert.match(keys[3]!, /^\d{1,20}-\d{1,20}$/)
})

test('signal: ends a call before it, in an attempt and in a pause, with its own reason', async () => {
  const reason = new Error('The user left')
  const ended = recorder(one)
  const aborted = ended.client.withOptions({ signal: AbortSignal.abort(reason) })
  await assert.rejects(aborted.apps.get(app), (error) => error === reason)
  assert.equal(ended.sent.length, 0)

  const ending = new AbortController()
  // This fetch knows nothing of signals.
  const deaf = recorder(() => {
    ending.abort(reason)
    return new Promise<Response>(() => undefined)
  })
  await assert.rejects(
    deaf.client.withOptions({ signal: ending.signal }).apps.get(app),
    (error) => error === reason,
  )
  assert.equal(deaf.sent[0]!.init.signal!.aborted, true)

  const waiting = new AbortController()
  const paused = recorder(() => {
    queueMicrotask(() => waiting.abort(reason))
    return gone()
  })
  const call = paused.client.withOptions({ signal: waiting.signal }).apps.get(app)
  await assert.rejects(call, (error) => error === reason)
})

test('signal: a call that has ended leaves nothing on the signal, which may live as long as the program', async () => {
  const { signal } = new AbortController()
  const left = new Set<unknown>()
  const watched = Object.assign(signal, {
    addEventListener: (_: string, listener: unknown) => void left.add(listener),
    removeEventListener: (_: string, listener: unknown) => void left.delete(listener),
  })
  const { client } = recorder((_, count) => (count === 1 ? gone() : one()))
  await client.withOptions({ signal: watched }).apps.get(app)
  const failing = recorder(() => refusal(404, 'not_found'))
  await errorOf(failing.client.withOptions({ signal: watched }).apps.get(app))
  assert.equal(left.size, 0)
})

test('timeoutMs: ends a call whose fetch never ends', async () => {
  const { client, sent } = recorder(() => new Promise<Response>(() => undefined), { timeoutMs: 20 })
  const { code, status } = await errorOf(client.apps.get(app))
  assert.deepEqual([code, status, sent.length], ['timed_out', null, 1])
  const patient = recorder(() => new Promise<Response>(() => undefined))
  const hasty = patient.client.withOptions({ timeoutMs: 20 })
  assert.equal((await errorOf(hasty.apps.get(app))).code, 'timed_out')
})
