import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retry } from '../../src/storage/retry.ts'
import { serializer } from '../../src/core/runtime/serializer.ts'

describe('retry()', () => {
  const isTransient = (error: unknown): boolean => error instanceof RangeError
  const policy = { isTransient, attempts: 4, pauseMs: () => 0 }

  /** Work that fails a number of times. */
  function failing(times: number, error: Error = new RangeError('again')) {
    const work = { runs: 0, run: async () => (++work.runs > times ? 'done' : Promise.reject(error)) }
    return work
  }

  it('runs the work until it succeeds', async () => {
    const work = failing(3)
    assert.equal(await retry(work.run, policy), 'done')
    assert.equal(work.runs, 4)
  })

  it('gives up after the last attempt, and after an error that is not transient', async () => {
    const tooOften = failing(4)
    await assert.rejects(retry(tooOften.run, policy), RangeError)
    assert.equal(tooOften.runs, 4)
    const broken = failing(9, new TypeError('broken'))
    await assert.rejects(retry(broken.run, policy), TypeError)
    assert.equal(broken.runs, 1)
  })

  it('gives up at the first failure after its time', async () => {
    const work = failing(99)
    await assert.rejects(retry(work.run, { isTransient, withinMs: 20, pauseMs: () => 15 }), RangeError)
    assert.ok(work.runs >= 2 && work.runs <= 4)
  })
})

describe('serializer()', () => {
  it('runs work one at a time in the order of the calls, and goes on after a failure', async () => {
    const serialize = serializer()
    const events: string[] = []
    const work = (name: string, milliseconds: number) => async (): Promise<void> => {
      events.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, milliseconds))
      events.push(`${name} ends`)
      if (name === 'first') throw new Error(name)
    }
    const first = assert.rejects(serialize(work('first', 5)), /first/)
    await Promise.all([first, serialize(work('second', 0))])
    assert.deepEqual(events, ['first begins', 'first ends', 'second begins', 'second ends'])
  })
})
