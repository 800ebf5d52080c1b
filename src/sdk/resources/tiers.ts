import { allItems } from '../../core/all-items.ts'
import type { Feature } from '../../core/features.ts'
import type { Tier, Tiers } from '../../core/tiers.ts'
import type { Api } from '../api.ts'
import { path } from '../path.ts'
import { readMade } from '../response.ts'

export function remoteTiers(api: Api): Tiers {
  const list: Tiers['list'] = (app, query) => api.list<Tier>(path`/apps/${app}/tiers`, query)
  return {
    list,
    all: (app) => allItems((paging) => list(app, paging)),
    create: (app, tier) => api.post<Tier>(path`/apps/${app}/tiers`, tier),
    get: (app, tier) => api.get<Tier>(path`/apps/${app}/tiers/${tier}`),
    update: (app, tier, changes) => api.put<Tier>(path`/apps/${app}/tiers/${tier}`, changes),
    delete: (app, tier) => api.delete(path`/apps/${app}/tiers/${tier}`),
    features: async (app, tier) => (await api.list<Feature>(path`/apps/${app}/tiers/${tier}/features`)).data,
    addFeature: (app, tier, given) =>
      api.post(path`/apps/${app}/tiers/${tier}/features`, given, { read: readMade('feature', 'added') }),
    removeFeature: (app, tier, feature) => api.delete(path`/apps/${app}/tiers/${tier}/features/${feature}`),
  }
}
