import assert from 'node:assert/strict'
import type { StoredResponseRecord } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { atOnce, farFuture, madeAt, newKeptAnswer, oddText, several } from './records.ts'

export const storedResponseCases: readonly ConformanceCase[] = [
  storageCase('kept answers: every field comes back as it went in', async (storage) => {
    const answer = newKeptAnswer({
      scope: oddText,
      key: oddText,
      fingerprint: '',
      answer: oddText,
      expiresAt: farFuture,
    })
    assert.equal(await storage.insertStoredResponse(answer, madeAt), true)
    assert.deepEqual(await storage.findStoredResponse(answer.scope, answer.key, madeAt), answer)
  }),
  storageCase('kept answers: a missing one, and one of another scope, is null', async (storage) => {
    const answer = newKeptAnswer()
    await storage.insertStoredResponse(answer, madeAt)
    assert.equal(await storage.findStoredResponse(answer.scope, 'missing', madeAt), null)
    assert.equal(await storage.findStoredResponse('missing', answer.key, madeAt), null)
    assert.equal(await storage.insertStoredResponse({ ...answer, scope: 'other' }, madeAt), true)
  }),
  storageCase('kept answers: one that stands is not replaced, one that has expired is', async (storage) => {
    const first = newKeptAnswer({ expiresAt: madeAt + 10 })
    const second = { ...first, fingerprint: 'another', answer: 'another', expiresAt: madeAt + 99 }
    const find = (now: number) => storage.findStoredResponse(first.scope, first.key, now)
    await storage.insertStoredResponse(first, madeAt)
    assert.equal(await storage.insertStoredResponse(second, madeAt + 9), false)
    assert.deepEqual(await find(madeAt + 9), first)
    assert.equal(await find(madeAt + 10), null)
    assert.equal(await storage.insertStoredResponse(second, madeAt + 10), true)
    assert.deepEqual(await find(madeAt + 10), second)
  }),
  storageCase('kept answers: of 8 under one key, one wins', async (storage) => {
    const answer = newKeptAnswer()
    const given = (index: number) => ({ ...answer, answer: `sealed ${index}` })
    const answers = await atOnce(8, (index) => storage.insertStoredResponse(given(index), madeAt))
    assert.equal(answers.filter(Boolean).length, 1)
    const kept = await storage.findStoredResponse(answer.scope, answer.key, madeAt)
    assert.deepEqual(kept, given(answers.indexOf(true)))
  }),
  storageCase('kept answers: some that have expired are forgotten, none that stands', async (storage) => {
    const add = async (expiresAt: number) => {
      const answer = newKeptAnswer({ expiresAt })
      await storage.insertStoredResponse(answer, madeAt)
      return answer
    }
    const expired = await several(4, () => add(madeAt + 1))
    const standing = await several(4, () => add(madeAt + 3))
    await storage.insertStoredResponse(newKeptAnswer(), madeAt + 2)
    const find = ({ scope, key }: { scope: string; key: string }) =>
      storage.findStoredResponse(scope, key, madeAt)
    const left = await Promise.all(expired.map(find))
    assert.ok(left.some((answer) => answer === null))
    assert.deepEqual(await Promise.all(standing.map(find)), standing)
  }),
  storageCase('kept answers: pages hold each once, expired or not, by scope and key', async (storage) => {
    const names = ['b/a', 'a/c', 'a/a', 'c/a', 'a/b'].map((name) => name.split('/') as [string, string])
    for (const [at, [scope, key]] of names.entries())
      await storage.insertStoredResponse(newKeptAnswer({ scope, key, expiresAt: madeAt + 1 + at }), madeAt)
    const seen: string[] = []
    let after: StoredResponseRecord | undefined
    do {
      const page = await storage.listStoredResponses({ limit: 2, ...(after !== undefined && { after }) })
      seen.push(...page.map(({ scope, key }) => `${scope}/${key}`))
      after = page.length === 2 ? page[1] : undefined
    } while (after !== undefined)
    assert.deepEqual(seen, ['a/a', 'a/b', 'a/c', 'b/a', 'c/a'])
    assert.equal(await storage.countStoredResponses(), 5)
    const gone = await storage.listStoredResponses({ limit: 9, after: { scope: 'a', key: 'bb' } })
    assert.deepEqual(
      gone.map(({ scope, key }) => `${scope}/${key}`),
      ['a/c', 'b/a', 'c/a'],
    )
  }),
]
