import { allItems } from '../../core/all-items.ts'
import type { AuditEntry } from '../../core/audit/log.ts'
import type { Api } from '../api.ts'
import { path } from '../path.ts'
import type { RemoteAudit } from '../remote-licensing.ts'

export function remoteAudit(api: Api): RemoteAudit {
  const list: RemoteAudit['list'] = (app, query) =>
    api.list<AuditEntry>(app === null ? '/audit' : path`/apps/${app}/audit`, query)
  return { list, all: (app, filter) => allItems((paging) => list(app, { ...filter, ...paging })) }
}
