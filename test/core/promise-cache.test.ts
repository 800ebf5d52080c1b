import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promiseCache, type PromiseCache } from '../../src/core/runtime/cache.ts'

/** A cache of two entries, and the keys whose values were made, in order. */
function counted(): { cache: PromiseCache<string>; made: string[]; get(key: string): Promise<string> } {
  const cache = promiseCache<string>(2)
  const made: string[] = []
  const get = (key: string): Promise<string> =>
    cache.get(key, async () => {
      made.push(key)
      return `value of ${key}`
    })
  return { cache, made, get }
}

test('promiseCache(): makes a value once, also for concurrent callers', async () => {
  const { made, get } = counted()
  assert.deepEqual(await Promise.all([get('a'), get('a')]), ['value of a', 'value of a'])
  assert.equal(await get('a'), 'value of a')
  assert.deepEqual(made, ['a'])
})

test('promiseCache(): holds as many entries as its limit, and drops the oldest', async () => {
  const { made, get } = counted()
  for (const key of ['a', 'b', 'a', 'b', 'c', 'b', 'c', 'a']) await get(key)
  assert.deepEqual(made, ['a', 'b', 'c', 'a'])
})

test('promiseCache(): makes a forgotten value again', async () => {
  const { cache, made, get } = counted()
  for (const key of ['a', 'b']) await get(key)
  cache.forget('a')
  for (const key of ['b', 'a']) await get(key)
  assert.deepEqual(made, ['a', 'b', 'a'])
})

test('promiseCache(): a failure reaches its callers and is not kept', async () => {
  const { cache, get } = counted()
  const fail = (): Promise<string> => Promise.reject(new Error('no'))
  const failures = await Promise.allSettled([cache.get('a', fail), cache.get('a', fail)])
  assert.deepEqual(
    failures.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await get('a'), 'value of a')
})
