import type { FeatureStorage } from '../../core/storage/index.ts'
import { addEntry } from './audit-entries.ts'
import type { Runner } from './runner.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { inApp, requireParent, type Tables } from './tables.ts'
import { updateRecord } from './update.ts'

export function featureStorage({ read, write }: Runner): FeatureStorage {
  return {
    findFeature: (appId, idOrSlug) =>
      read(
        ({ features }) => inApp(appId, features.get(idOrSlug)) ?? features.getBy(0, keyOf(appId, idOrSlug)),
      ),
    insertFeature: (feature, entry) =>
      write((tables) => {
        requireParent(tables.apps.get(feature.appId))
        return addEntry(tables, entry, tables.features.insert(feature))
      }),
    updateFeature: (id, patch, note) =>
      write((tables) => updateRecord(tables, tables.features, { id, patch, note })),
    deleteFeature: (id) => write((tables) => deleteFeature(tables, id)),
    listFeatures: (appId, page) =>
      read(({ features }) => takePage(features.descending(appId, page.after), page)),
    countFeatures: (appId) => read(({ features }) => countOf(features.ascending(appId))),
  }
}

function deleteFeature({ tiers, tierFeatures, features }: Tables, id: string): boolean {
  const feature = features.get(id)
  if (feature === null) return false
  for (const tier of tiers.ascending(feature.appId)) {
    const ids = tierFeatures.get(tier.id)?.featureIds ?? []
    if (ids.includes(id))
      tierFeatures.replace({ id: tier.id, featureIds: ids.filter((other) => other !== id) })
  }
  return features.delete(id)
}
