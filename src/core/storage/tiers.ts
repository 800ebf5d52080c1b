import { Type } from '@sinclair/typebox'
import { description, integer, limits, name, slug, slugs } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { Limits } from '../limits.ts'
import type { UpdateNote } from './audit-entries.ts'
import type { FeatureRecord } from './features.ts'
import type { Page } from './page.ts'
import { described, id, noted, timestamps, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

export interface TierRecord {
  readonly id: string
  readonly appId: string
  readonly name: string
  /** Unique in the app; never changes. */
  readonly slug: string
  readonly description: string | null
  /** Order in lists, lower first. */
  readonly position: number
  /** Slugs, in the order of adding. */
  readonly features: readonly string[]
  /** By slug, in the order of their names. */
  readonly limits: Limits
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

export const tierRecord: RecordSchema<TierRecord> = input<TierRecord>()(
  Type.Object({
    id: id('tier', 'Id of the tier'),
    appId: id('app', 'App of the tier'),
    name: name(),
    slug: noted('unique in the app', described('Name in tokens', slug())),
    description: description(),
    position: integer('Order in lists, lower first', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    ...timestamps(),
    limits: limits('Limits that its licenses get, by slug', 10_000),
    features: slugs('Slugs of its features, in the order in which they were added', 10_000),
  }),
)

/** The fields of a tier that `updateTier` may change. */
export type TierPatch = Partial<
  Pick<TierRecord, 'name' | 'description' | 'position' | 'limits' | 'updatedAt'>
>

export interface TierStorage {
  /** By id or by slug: no slug looks like an id. */
  findTier(appId: string, idOrSlug: string): Promise<TierRecord | null>
  /** Writes the tier without features (see {@link addTierFeature}). Resolves to `false` if the slug is taken. */
  insertTier(tier: TierRecord): Promise<boolean>
  /** For `note` see `updateCustomer`. */
  updateTier(id: string, patch: TierPatch, note?: UpdateNote<TierRecord>): Promise<TierRecord | null>
  /** Deletes the tier. In the same step its licenses get `tierId: null` and a new `version`, and keep their `tier`. */
  deleteTier(id: string): Promise<boolean>
  /** By `position`, then by id, both ascending. */
  listTiers(appId: string, page: Page): Promise<readonly TierRecord[]>
  countTiers(appId: string): Promise<number>
  /**
   * Adds a feature behind the features that a tier has. Resolves to `present` if the tier has it already, to `full` if the
   * tier has `limit` features. Neither changes anything.
   */
  addTierFeature(tierId: string, featureId: string, limit: number): Promise<'added' | 'present' | 'full'>
  /** Resolves to `false` if the tier has no such feature. */
  removeTierFeature(tierId: string, featureId: string): Promise<boolean>
  /** All features of one tier, in the order of adding. */
  listTierFeatures(tierId: string): Promise<readonly FeatureRecord[]>
}
