import type { FeatureRecord, TierRecord } from '../../core/storage/index.ts'
import { frozen, patched } from './frozen.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { requireParent, type SyncSession, type Tables } from './tables.ts'

type TierVerbs = Pick<
  SyncSession,
  'findTier' | 'insertTier' | 'updateTier' | 'deleteTier' | 'listTiers' | 'countTiers'
>

export function tierVerbs(tables: Tables): TierVerbs {
  const { apps, tiers } = tables
  const whole = (tier: TierRecord): TierRecord => withFeatures(tables, tier)
  return {
    findTier: (appId, idOrSlug) => {
      const tier = ofApp(appId, tiers.get(idOrSlug)) ?? tiers.getBy(0, keyOf(appId, idOrSlug))
      return tier && whole(tier)
    },
    insertTier: (tier) => {
      requireParent(apps.get(tier.appId))
      return tiers.insert({ ...tier, features: [] })
    },
    updateTier: (id, patch) => {
      const tier = tiers.get(id)
      const changed = tier && tiers.replace(patched(tier, patch))
      return changed && whole(changed)
    },
    deleteTier: (id) => deleteTier(tables, id),
    listTiers: (appId, page) => takePage(tiers.ascending(appId, page.after), page).map(whole),
    countTiers: (appId) => countOf(tiers.ascending(appId)),
  }
}

/** The record, if it is of the app. */
export function ofApp<R extends { readonly appId: string }>(appId: string, record: R | null): R | null {
  return record?.appId === appId ? record : null
}

/** The features of a tier, in the order in which they were added. */
export function featuresOf(tables: Tables, tierId: string): FeatureRecord[] {
  const ids = tables.tierFeatures.get(tierId)?.featureIds ?? []
  return ids.map((id) => tables.features.get(id)!)
}

function withFeatures(tables: Tables, tier: TierRecord): TierRecord {
  return frozen({ ...tier, features: featuresOf(tables, tier.id).map((feature) => feature.slug) })
}

function deleteTier({ tiers, tierFeatures, licenses }: Tables, id: string): boolean {
  const tier = tiers.get(id)
  if (tier === null) return false
  for (const license of [...licenses.ascending(tier.appId)]) {
    if (license.tierId === id) licenses.replace({ ...license, tierId: null, version: license.version + 1 })
  }
  tierFeatures.delete(id)
  return tiers.delete(id)
}

type TierFeatureVerbs = Pick<SyncSession, 'addTierFeature' | 'removeTierFeature' | 'listTierFeatures'>

export function tierFeatureVerbs(tables: Tables): TierFeatureVerbs {
  const { tiers, features, tierFeatures } = tables
  const idsOf = (tierId: string): readonly string[] => tierFeatures.get(tierId)?.featureIds ?? []
  return {
    addTierFeature: (tierId, featureId, limit) => {
      requireParent(tiers.get(tierId) && features.get(featureId))
      const ids = idsOf(tierId)
      if (ids.includes(featureId)) return 'present'
      if (ids.length >= limit) return 'full'
      tierFeatures.replace({ id: tierId, featureIds: [...ids, featureId] })
      return 'added'
    },
    removeTierFeature: (tierId, featureId) => {
      const ids = idsOf(tierId)
      if (!ids.includes(featureId)) return false
      tierFeatures.replace({ id: tierId, featureIds: ids.filter((id) => id !== featureId) })
      return true
    },
    listTierFeatures: (tierId) => featuresOf(tables, tierId),
  }
}

type FeatureVerbs = Pick<
  SyncSession,
  'findFeature' | 'insertFeature' | 'updateFeature' | 'deleteFeature' | 'listFeatures' | 'countFeatures'
>

export function featureVerbs(tables: Tables): FeatureVerbs {
  const { apps, features } = tables
  return {
    findFeature: (appId, idOrSlug) =>
      ofApp(appId, features.get(idOrSlug)) ?? features.getBy(0, keyOf(appId, idOrSlug)),
    insertFeature: (feature) => {
      requireParent(apps.get(feature.appId))
      return features.insert(feature)
    },
    updateFeature: (id, patch) => {
      const feature = features.get(id)
      return feature && features.replace(patched(feature, patch))
    },
    deleteFeature: (id) => deleteFeature(tables, id),
    listFeatures: (appId, page) => takePage(features.descending(appId, page.after), page),
    countFeatures: (appId) => countOf(features.ascending(appId)),
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
