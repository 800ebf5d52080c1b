import { Type } from '@sinclair/typebox'
import { description, name, slug } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { AuditEntryRecord, UpdateNote } from './audit-entries.ts'
import type { Page } from './page.ts'
import { described, id, noted, timestamps, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

export interface FeatureRecord {
  readonly id: string
  readonly appId: string
  readonly name: string
  /** Unique in the app; never changes. */
  readonly slug: string
  readonly description: string | null
  readonly createdAt: NumericDate
  readonly updatedAt: NumericDate
}

export const featureRecord: RecordSchema<FeatureRecord> = input<FeatureRecord>()(
  Type.Object({
    id: id('feat', 'Id of the feature'),
    appId: id('app', 'App of the feature'),
    name: name(),
    slug: noted('unique in the app', described('Name in tokens', slug())),
    description: description(),
    ...timestamps(),
  }),
)

/** The fields of a feature that may change. */
export type FeaturePatch = Partial<Pick<FeatureRecord, 'name' | 'description' | 'updatedAt'>>

export interface FeatureStorage {
  /** By id or by slug. */
  findFeature(appId: string, idOrSlug: string): Promise<FeatureRecord | null>
  /** Resolves to `false` and writes nothing if the slug is taken. Otherwise it writes `entry` in the same step. */
  insertFeature(feature: FeatureRecord, entry?: AuditEntryRecord): Promise<boolean>
  /**
   * An empty patch changes nothing. In a transaction, a deletion of the feature then waits for its end. For `note` see
   * `updateCustomer`.
   */
  updateFeature(
    id: string,
    patch: FeaturePatch,
    note?: UpdateNote<FeatureRecord>,
  ): Promise<FeatureRecord | null>
  /** Deletes the feature and removes it from every tier. */
  deleteFeature(id: string): Promise<boolean>
  /** Newest first. */
  listFeatures(appId: string, page: Page): Promise<readonly FeatureRecord[]>
  countFeatures(appId: string): Promise<number>
}
