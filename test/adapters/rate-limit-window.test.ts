import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpError } from '../../src/adapters/http/errors.ts'
import { rateLimiter, type RateLimiter } from '../../src/adapters/http/rate-limit.ts'

/** Counts one. Returns the header without its name, or the seconds of `retry-after`. */
function take(limiter: RateLimiter, key: string): string {
  try {
    return limiter.consume('verify', key)['ratelimit']!.replace('"verify";', '')
  } catch (error) {
    if (error instanceof HttpError) return `after ${error.headers['retry-after']}`
    throw error
  }
}

test('rateLimiter(): each key has a minute of its own, which its first request begins', () => {
  let now = 5_000
  const limiter = rateLimiter({ verify: 2 }, () => now)
  const at = (milliseconds: number, key: string): string => {
    now = 5_000 + milliseconds
    return take(limiter, key)
  }
  assert.deepEqual(
    [
      at(0, '192.0.2.1'),
      at(30_000, '192.0.2.2'),
      at(59_500, '192.0.2.1'),
      at(59_999, '192.0.2.1'),
      at(60_000, '192.0.2.1'),
      at(60_001, '192.0.2.2'),
      at(60_002, '192.0.2.2'),
      at(90_000, '192.0.2.2'),
      at(119_999, '192.0.2.1'),
      at(120_000, '192.0.2.1'),
    ],
    [
      'r=1;t=60',
      'r=1;t=60',
      'r=0;t=1',
      'after 1',
      'r=1;t=60',
      'r=0;t=30',
      'after 30',
      'r=1;t=60',
      'r=0;t=1',
      'r=1;t=60',
    ],
  )
})
