import type { SelectQueryBuilder } from 'kysely'
import type {
  AuditEntryRecord,
  FeaturePatch,
  FeatureRecord,
  FeatureStorage,
  Page,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { insertWithEntry } from './entry-writes.ts'
import type { Reader } from './executor.ts'
import { countOf, newestFirst, deleteById } from './queries.ts'
import { updateRecord } from './record-update.ts'
import { featureRows } from './rows.ts'
import { KyselyTiers } from './tiers.ts'

export abstract class KyselyFeatures extends KyselyTiers implements FeatureStorage {
  async findFeature(appId: string, idOrSlug: string): Promise<FeatureRecord | null> {
    const row = await this.executor.read((db) =>
      inApp(db, appId)
        .where(({ eb, or }) => or([eb('id', '=', idOrSlug), eb('slug', '=', idOrSlug)]))
        .selectAll()
        .executeTakeFirst(),
    )
    return featureRows.toRecordOrNull(row)
  }

  insertFeature(feature: FeatureRecord, entry?: AuditEntryRecord): Promise<boolean> {
    const query = this.executor.hot.insertFeature
    return insertWithEntry(this.executor, { query, parameters: featureRows.toValues(feature) }, entry)
  }

  updateFeature(
    id: string,
    patch: FeaturePatch,
    known?: FeatureRecord,
    entry?: AuditEntryRecord,
  ): Promise<FeatureRecord | null> {
    const update = { id, patch, changes: featureRows.toChanges(id, patch), known, entry }
    return updateRecord(this.executor, 'heartwood_feature', featureRows, update)
  }

  deleteFeature(id: string): Promise<boolean> {
    return this.executor.atomically((db) => deleteById(db, 'heartwood_feature', id))
  }

  async listFeatures(appId: string, page: Page): Promise<readonly FeatureRecord[]> {
    const rows = await this.executor.read((db) => newestFirst(inApp(db, appId).selectAll(), page).execute())
    return featureRows.toRecords(rows)
  }

  countFeatures(appId: string): Promise<number> {
    return this.executor.read((db) => countOf(inApp(db, appId)))
  }
}

function inApp(db: Reader, appId: string): SelectQueryBuilder<Database, 'heartwood_feature', unknown> {
  return db.selectFrom('heartwood_feature').where('app_id', '=', appId)
}
