import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiKeyRecord, ApiKeys, Licensing, NewApiKey } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import {
  codeOf,
  inProcessAlone,
  newShop,
  newWorld,
  refusalOf,
  risingIds,
  start,
} from '../support/fixtures.ts'

async function keysOf(licensing: Licensing, rights: NewApiKey): Promise<ApiKeys> {
  const { secret } = await licensing.apiKeys.create(rights)
  return licensing.restrictedTo((await licensing.apiKeys.authenticate(secret))!).apiKeys
}

test('apiKeys.create(): a name has at most 255 characters and may be empty, and no app is no app', async () => {
  const { apiKeys } = (await newShop()).licensing
  for (const name of ['', 'x'.repeat(255), null]) assert.equal((await apiKeys.create({ name })).name, name)
  assert.equal(await codeOf(apiKeys.create({ name: 'x'.repeat(256) })), 'validation_error')
  const free = await apiKeys.create({ app: null, expiresAt: null })
  assert.deepEqual([free.app, free.mode, free.name], [null, 'live', null])
  const bound = await apiKeys.create({ app: 'desktop-app', mode: 'live' })
  assert.deepEqual([bound.app, bound.mode], ['desktop-app', 'live'])
})

test('apiKeys.create(): names the field that is refused, and the rule', async () => {
  const { apiKeys } = (await newShop()).licensing
  const cases = [
    [{ app: 'desktop-app', mode: 'test' }, { mode: ['must be the mode of the app'] }],
    [{ expiresAt: start }, { expiresAt: ['must be in the future'] }],
  ] as const
  for (const [key, details] of cases)
    assert.deepEqual((await refusalOf(apiKeys.create(key))).details, details)
})

test('apiKeys: a key that manages none learns no rule of the input', async () => {
  const { licensing } = await newShop()
  const own = await keysOf(licensing, { app: 'desktop-app' })
  const odd = { overlapSeconds: -1, perPage: 0 } as object
  const calls = [own.create(odd), own.roll('key_none', odd), own.list(odd), own.revoke('')]
  for (const call of calls) assert.equal(await codeOf(call), 'forbidden')
})

test('apiKeys.list(): pages by number and cursor, and filters by mode', async () => {
  const { apiKeys } = (await newWorld()).licensing
  const ids: string[] = []
  for (let count = 0; count < 3; count++) ids.unshift((await apiKeys.create()).id)
  const trial = await apiKeys.create({ mode: 'test' })
  const seen: string[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await apiKeys.list({ mode: 'live', perPage: 2, ...(cursor !== undefined && { cursor }) })
    seen.push(...page.data.map(({ id }) => id))
    cursor = page.nextCursor
  }
  assert.deepEqual(seen, ids)
  assert.deepEqual((await apiKeys.list({ mode: 'live', perPage: 2, page: 2 })).data.length, 1)
  const { data, total } = await apiKeys.list({ mode: 'test' })
  assert.deepEqual([data.map(({ id }) => id), total], [[trial.id], 1])
  assert.equal((await apiKeys.list()).total, 4)
})

test('apiKeys.createFirst(): names the key', async () => {
  const { apiKeys } = (await newWorld()).licensing
  assert.equal((await apiKeys.createFirst())?.name, 'First key')
})

test('apiKeys.roll() and revoke(): a key that goes meanwhile is not found', async () => {
  const storage = memoryStorage()
  const { licensing } = await newWorld({ storage })
  const { id } = await licensing.apiKeys.create()
  const gone = async (): Promise<ApiKeyRecord | null> => null
  const emptied = {
    ...storage,
    updateApiKey: gone,
    transaction: <T>(work: Parameters<typeof storage.transaction<T>>[0]) =>
      storage.transaction((tx) => work({ ...tx, updateApiKey: gone })),
  }
  const { apiKeys } = (await newWorld({ storage: emptied })).licensing
  assert.equal(await codeOf(apiKeys.roll(id)), 'not_found')
  assert.equal(await codeOf(apiKeys.revoke(id)), 'not_found')
  assert.equal(await storage.countApiKeys({}), 1)
})

test('apiKeys.roll(): the key that replaces one gets its end, as another roll has set it meanwhile', async () => {
  const storage = memoryStorage()
  const { licensing } = await newWorld({ storage })
  const { id } = await licensing.apiKeys.create()
  let isMet = false
  const met = {
    ...storage,
    findApiKey: async (asked: string) => {
      const found = await storage.findApiKey(asked)
      if (!isMet) await licensing.apiKeys.roll(id, { overlapSeconds: 60 })
      isMet = true
      return found
    },
  }
  const { apiKeys } = (await newWorld({ storage: met, newId: risingIds(1_000) })).licensing
  assert.equal((await apiKeys.roll(id, { overlapSeconds: 0 })).expiresAt, start + 60)
  assert.equal((await storage.findApiKey(id))?.expiresAt, start)
  const made = await storage.listApiKeys({}, { limit: 9 })
  assert.deepEqual(
    made.map(({ expiresAt }) => expiresAt),
    [start + 60, null, start],
  )
})

test('apiKeys.revoke(): asks the storage only for a text', inProcessAlone('a path is text'), async () => {
  const storage = memoryStorage()
  const asked: unknown[] = []
  const findApiKey = (id: string): Promise<ApiKeyRecord | null> => {
    asked.push(id)
    return storage.findApiKey(id)
  }
  const { apiKeys } = (await newWorld({ storage: { ...storage, findApiKey } })).licensing
  const ids: readonly unknown[] = [undefined, null, 5, {}, ['key_x'], '\u0000']
  for (const id of ids) assert.equal(await codeOf(apiKeys.revoke(id as string)), 'not_found')
  assert.deepEqual(asked, [])
})
