import type { ApiKeyFilter, ApiKeyRecord, ApiKeyStorage, NumericDate } from '../../core/storage/index.ts'
import { takenError } from '../errors.ts'
import type { Runner } from './runner.ts'
import { countOf, takePage } from './table.ts'
import { requireParent, type Tables } from './tables.ts'
import { updateRecord } from './update.ts'

export function apiKeyStorage({ read, write }: Runner): ApiKeyStorage {
  return {
    findApiKey: (id) => read(({ apiKeys }) => apiKeys.get(id)),
    findApiKeyByHash: (hash) => read(({ apiKeys }) => apiKeys.getBy(0, hash)),
    insertApiKey: (key) => write((tables) => insertApiKey(tables, key)),
    insertFirstApiKey: (key) =>
      write((tables) => {
        if (tables.apiKeys.size > 0) return false
        insertApiKey(tables, key)
        return true
      }),
    updateApiKey: (id, patch, note) =>
      write((tables) => updateRecord(tables, tables.apiKeys, { id, patch, note })),
    touchApiKeys: (lastUsedAt) => write((tables) => touchApiKeys(tables, lastUsedAt)),
    listApiKeys: (filter, page) =>
      read(({ apiKeys }) => takePage(apiKeys.descending('', page.after), page, apiKeyPasses(filter))),
    countApiKeys: (filter) => read(({ apiKeys }) => countOf(apiKeys.ascending(), apiKeyPasses(filter))),
  }
}

function insertApiKey({ apps, apiKeys }: Tables, key: ApiKeyRecord): void {
  if (key.appId !== null) requireParent(apps.get(key.appId))
  if (!apiKeys.insert(key)) throw takenError()
}

function touchApiKeys({ apiKeys }: Tables, lastUsedAt: ReadonlyMap<string, NumericDate>): void {
  for (const [id, time] of lastUsedAt) {
    const key = apiKeys.get(id)
    if (key && (key.lastUsedAt ?? -Infinity) < time) apiKeys.replace({ ...key, lastUsedAt: time })
  }
}

function apiKeyPasses({ mode, withoutScopes }: ApiKeyFilter): (key: ApiKeyRecord) => boolean {
  const lacksAll = ({ scopes }: ApiKeyRecord): boolean =>
    scopes !== null && !scopes.some((scope) => withoutScopes?.includes(scope))
  return (key) => (mode === undefined || key.mode === mode) && (withoutScopes === undefined || lacksAll(key))
}
