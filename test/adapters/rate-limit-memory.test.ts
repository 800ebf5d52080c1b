import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, HttpError } from '../../src/adapters/http/errors.ts'
import { rateLimiter } from '../../src/adapters/http/rate-limit.ts'

/** Addresses that are counted one by one. */
const counted = 100_000

test('rateLimiter(): beyond 100,000 callers in a minute all others share one count', async () => {
  const limiter = rateLimiter({ verify: 2 })
  const ask = (caller: string): Promise<number> =>
    limiter.consume('verify', caller).then(
      () => 200,
      (error: unknown) =>
        error instanceof HttpError ? errorCodes[error.code].status : assert.fail(String(error)),
    )
  for (let caller = 0; caller < counted; caller++) assert.equal(await ask(`caller ${caller}`), 200)
  assert.deepEqual([await ask('late 1'), await ask('late 2'), await ask('late 3')], [200, 200, 429])
  assert.deepEqual(
    [await ask('caller 7'), await ask('caller 7')],
    [200, 429],
    'a known caller has its own count',
  )
  assert.equal(
    await limiter.consume('batch', 'late 4').then(() => 200),
    200,
    'each limit has its own callers',
  )
})
