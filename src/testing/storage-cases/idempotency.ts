import assert from 'node:assert/strict'
import type { StoredResponseRecord } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { concurrently, farFuture, madeAt, newStoredResponse, oddText, several } from './records.ts'

export const storedResponseCases: readonly ConformanceCase[] = [
  storageCase('findStoredResponse(): returns every field unchanged', async (storage) => {
    const response = newStoredResponse({
      scope: oddText,
      key: oddText,
      fingerprint: '',
      answer: oddText,
      expiresAt: farFuture,
    })
    assert.equal(await storage.insertStoredResponse(response, madeAt), true)
    assert.deepEqual(await storage.findStoredResponse(response.scope, response.key, madeAt), response)
  }),
  storageCase(
    'findStoredResponse(): returns null for a missing response, and for one of another scope',
    async (storage) => {
      const response = newStoredResponse()
      await storage.insertStoredResponse(response, madeAt)
      assert.equal(await storage.findStoredResponse(response.scope, 'missing', madeAt), null)
      assert.equal(await storage.findStoredResponse('missing', response.key, madeAt), null)
      assert.equal(await storage.insertStoredResponse({ ...response, scope: 'other' }, madeAt), true)
    },
  ),
  storageCase('insertStoredResponse(): replaces an expired response only', async (storage) => {
    const first = newStoredResponse({ expiresAt: madeAt + 10 })
    const second = { ...first, fingerprint: 'another', answer: 'another', expiresAt: madeAt + 99 }
    const find = (now: number) => storage.findStoredResponse(first.scope, first.key, now)
    await storage.insertStoredResponse(first, madeAt)
    assert.equal(await storage.insertStoredResponse(second, madeAt + 9), false)
    assert.deepEqual(await find(madeAt + 9), first)
    assert.equal(await find(madeAt + 10), null)
    assert.equal(await storage.insertStoredResponse(second, madeAt + 10), true)
    assert.deepEqual(await find(madeAt + 10), second)
  }),
  storageCase('insertStoredResponse(): one of 8 concurrent calls with one key wins', async (storage) => {
    const response = newStoredResponse()
    const given = (index: number) => ({ ...response, answer: `sealed ${index}` })
    const results = await concurrently(8, (index) => storage.insertStoredResponse(given(index), madeAt))
    assert.equal(results.filter(Boolean).length, 1)
    const stored = await storage.findStoredResponse(response.scope, response.key, madeAt)
    assert.deepEqual(stored, given(results.indexOf(true)))
  }),
  storageCase('insertStoredResponse(): deletes some expired responses, and no others', async (storage) => {
    const add = async (expiresAt: number) => {
      const response = newStoredResponse({ expiresAt })
      await storage.insertStoredResponse(response, madeAt)
      return response
    }
    const expired = await several(4, () => add(madeAt + 1))
    const current = await several(4, () => add(madeAt + 3))
    await storage.insertStoredResponse(newStoredResponse(), madeAt + 2)
    const find = ({ scope, key }: { scope: string; key: string }) =>
      storage.findStoredResponse(scope, key, madeAt)
    const left = await Promise.all(expired.map(find))
    assert.ok(left.some((response) => response === null))
    assert.deepEqual(await Promise.all(current.map(find)), current)
  }),
  storageCase(
    'listStoredResponses(): its pages have each response once, by scope and key, expired or not',
    async (storage) => {
      const names = ['b/a', 'a/c', 'a/a', 'c/a', 'a/b'].map((name) => name.split('/') as [string, string])
      for (const [at, [scope, key]] of names.entries())
        await storage.insertStoredResponse(
          newStoredResponse({ scope, key, expiresAt: madeAt + 1 + at }),
          madeAt,
        )
      const seen: string[] = []
      let after: StoredResponseRecord | undefined
      do {
        const page = await storage.listStoredResponses({ limit: 2, after })
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
    },
  ),
]
