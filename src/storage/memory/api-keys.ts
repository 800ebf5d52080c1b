import type { ApiKeyFilter, ApiKeyRecord } from '../../core/storage/index.ts'
import { patched } from './frozen.ts'
import { countOf, takePage } from './table.ts'
import { requireParent, type SyncSession, type Tables } from './tables.ts'

type ApiKeyVerbs = Pick<
  SyncSession,
  | 'findApiKey'
  | 'findApiKeyByHash'
  | 'insertApiKey'
  | 'insertFirstApiKey'
  | 'updateApiKey'
  | 'touchApiKeys'
  | 'listApiKeys'
  | 'countApiKeys'
>

export function apiKeyVerbs({ apps, apiKeys }: Tables): ApiKeyVerbs {
  const insertApiKey = (key: ApiKeyRecord): void => {
    if (key.appId !== null) requireParent(apps.get(key.appId))
    if (!apiKeys.insert(key)) throw new Error('An API key with this id or hash is there already')
  }
  return {
    findApiKey: (id) => apiKeys.get(id),
    findApiKeyByHash: (hash) => apiKeys.getBy(0, hash),
    insertApiKey,
    insertFirstApiKey: (key) => {
      if (apiKeys.size > 0) return false
      insertApiKey(key)
      return true
    },
    updateApiKey: (id, patch) => {
      const key = apiKeys.get(id)
      return key && apiKeys.replace(patched(key, patch))
    },
    touchApiKeys: (lastUsedAt) => {
      for (const [id, time] of lastUsedAt) {
        const key = apiKeys.get(id)
        if (key && (key.lastUsedAt ?? -Infinity) < time) apiKeys.replace({ ...key, lastUsedAt: time })
      }
    },
    listApiKeys: (filter, page) => takePage(apiKeys.descending('', page.after), page, apiKeyPasses(filter)),
    countApiKeys: (filter) => countOf(apiKeys.ascending(), apiKeyPasses(filter)),
  }
}

function apiKeyPasses({ mode }: ApiKeyFilter): (key: ApiKeyRecord) => boolean {
  return (key) => mode === undefined || key.mode === mode
}
