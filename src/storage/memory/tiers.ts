import type { FeatureRecord, TierRecord, TierStorage } from '../../core/storage/index.ts'
import { frozen } from './frozen.ts'
import type { Runner } from './runner.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { inApp, type LookUps, requireParent, type Tables } from './tables.ts'
import { updateRecord } from './update.ts'

export function tierStorage({ read, write }: Runner): TierStorage {
  return {
    findTier: (appId, idOrSlug) => read((tables) => findTier(tables, appId, idOrSlug)),
    insertTier: (tier) =>
      write(({ apps, tiers }) => {
        requireParent(apps.get(tier.appId))
        return tiers.insert({ ...tier, features: [] })
      }),
    updateTier: (id, patch, note) =>
      write((tables) => {
        const whole = (tier: TierRecord): TierRecord => withFeatures(tables, tier)
        return updateRecord(tables, tables.tiers, { id, patch, note, whole })
      }),
    deleteTier: (id) => write((tables) => deleteTier(tables, id)),
    listTiers: (appId, page) =>
      read((tables) =>
        takePage(tables.tiers.ascending(appId, page.after), page).map((tier) => withFeatures(tables, tier)),
      ),
    countTiers: (appId) => read(({ tiers }) => countOf(tiers.ascending(appId))),
    addTierFeature: (tierId, featureId, limit) =>
      write((tables) => addTierFeature(tables, tierId, featureId, limit)),
    removeTierFeature: (tierId, featureId) => write((tables) => removeTierFeature(tables, tierId, featureId)),
    listTierFeatures: (tierId) => read((tables) => featuresOf(tables, tierId)),
  }
}

/** The features of a tier, in the order of adding. */
export function featuresOf(tables: LookUps, tierId: string): FeatureRecord[] {
  return featureIdsOf(tables, tierId).map((id) => tables.features.get(id)!)
}

function featureIdsOf({ tierFeatures }: LookUps, tierId: string): readonly string[] {
  return tierFeatures.get(tierId)?.featureIds ?? []
}

function withFeatures(tables: LookUps, tier: TierRecord): TierRecord {
  return frozen({ ...tier, features: featuresOf(tables, tier.id).map((feature) => feature.slug) })
}

function findTier(tables: LookUps, appId: string, idOrSlug: string): TierRecord | null {
  const { tiers } = tables
  const tier = inApp(appId, tiers.get(idOrSlug)) ?? tiers.getBy(0, keyOf(appId, idOrSlug))
  return tier && withFeatures(tables, tier)
}

function deleteTier({ tiers, tierFeatures, licenses, licenseKeys }: Tables, id: string): boolean {
  const tier = tiers.get(id)
  if (tier === null) return false
  for (const license of [...licenses.ascending(tier.appId)]) {
    if (license.tierId === id) licenses.replace({ ...license, tierId: null, version: license.version + 1 })
  }
  for (const key of [...licenseKeys.ascending(tier.appId)]) {
    if (key.tierId === id) licenseKeys.replace({ ...key, tierId: null, version: key.version + 1 })
  }
  tierFeatures.delete(id)
  return tiers.delete(id)
}

function addTierFeature(
  tables: Tables,
  tierId: string,
  featureId: string,
  limit: number,
): 'added' | 'present' | 'full' {
  requireParent(tables.tiers.get(tierId) && tables.features.get(featureId))
  const ids = featureIdsOf(tables, tierId)
  if (ids.includes(featureId)) return 'present'
  if (ids.length >= limit) return 'full'
  tables.tierFeatures.replace({ id: tierId, featureIds: [...ids, featureId] })
  return 'added'
}

function removeTierFeature(tables: Tables, tierId: string, featureId: string): boolean {
  const ids = featureIdsOf(tables, tierId)
  if (!ids.includes(featureId)) return false
  tables.tierFeatures.replace({ id: tierId, featureIds: ids.filter((id) => id !== featureId) })
  return true
}
