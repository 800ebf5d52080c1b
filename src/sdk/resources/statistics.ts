import type { Stats } from '../../core/statistics/stats.ts'
import type { Status } from '../../core/statistics/status.ts'
import type { Api } from '../api.ts'
import { path } from '../path.ts'
import type { RemoteLicensing } from '../remote-licensing.ts'

export function remoteStatistics(api: Api): Pick<RemoteLicensing, 'stats' | 'status'> {
  return {
    stats: (app, query) => api.get<Stats>(path`/apps/${app}/stats`, query),
    status: () => api.get<Status>('/status'),
  }
}
