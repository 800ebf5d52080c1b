import { allItems } from '../../core/all-items.ts'
import type { Feature, Features } from '../../core/features.ts'
import type { Api } from '../api.ts'
import { path } from '../path.ts'

export function remoteFeatures(api: Api): Features {
  const list: Features['list'] = (app, query) => api.list<Feature>(path`/apps/${app}/features`, query)
  return {
    list,
    all: (app) => allItems((paging) => list(app, paging)),
    create: (app, feature) => api.post<Feature>(path`/apps/${app}/features`, feature),
    get: (app, feature) => api.get<Feature>(path`/apps/${app}/features/${feature}`),
    update: (app, feature, changes) => api.put<Feature>(path`/apps/${app}/features/${feature}`, changes),
    delete: (app, feature) => api.delete(path`/apps/${app}/features/${feature}`),
  }
}
