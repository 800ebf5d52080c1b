import type { SelectQueryBuilder } from 'kysely'
import type {
  AuditEntryRecord,
  FeaturePatch,
  FeatureRecord,
  FeatureStorage,
  Page,
  UpdateNote,
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
    const row = await this.executor.readFirst(this.executor.hot.feature, [appId, idOrSlug, idOrSlug])
    return featureRows.toRecordOrNull(row)
  }

  insertFeature(feature: FeatureRecord, entry?: AuditEntryRecord): Promise<boolean> {
    const query = this.executor.hot.insertFeature
    return insertWithEntry(this.executor, { query, parameters: featureRows.toValues(feature) }, entry)
  }

  updateFeature(
    id: string,
    patch: FeaturePatch,
    note?: UpdateNote<FeatureRecord>,
  ): Promise<FeatureRecord | null> {
    const changes = featureRows.toChanges(id, patch)
    const update = { table: 'heartwood_feature', rows: featureRows, id, patch, changes, note } as const
    return updateRecord(this.executor, update)
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
