import { allItems } from '../../core/all-items.ts'
import type { ApiKey, ApiKeyWithSecret } from '../../core/api-keys/api-keys.ts'
import type { Invitation } from '../../core/sessions/invitation.ts'
import type { Api } from '../api.ts'
import { idSegment, path } from '../path.ts'
import type { RemoteApiKeys } from '../remote-licensing.ts'

export function remoteApiKeys(api: Api): RemoteApiKeys {
  const list: RemoteApiKeys['list'] = (query) => api.list<ApiKey>('/api-keys', query)
  return {
    list,
    all: (filter) => allItems((paging) => list({ ...filter, ...paging })),
    me: () => api.get<ApiKey>('/me'),
    create: (key) => api.post<ApiKeyWithSecret>('/api-keys', key),
    revoke: (id) => api.delete(path`/api-keys/${idSegment(id)}`),
    invite: (id) => api.post<Invitation>(path`/api-keys/${idSegment(id)}/invite`),
    roll: (id, options) => api.post<ApiKeyWithSecret>(path`/api-keys/${idSegment(id)}/roll`, options),
  }
}
