import type { ExpiryNotice } from '../../core/storage/index.ts'
import { insertBatch, type BatchRecords } from './batch.ts'
import type { Writer } from './executor.ts'
import { markTold } from './expiry-notices.ts'
import { isLicensePresent, isPresent } from './presence.ts'
import { KyselySearch } from './search.ts'

/** Verbs for many records at once. They are no part of the contract, because only an import and the doctor need them. */
export abstract class KyselyBatches extends KyselySearch {
  /**
   * Inserts records of one kind, as many as `batchSize` at most. Resolves to `false` and writes nothing if a unique value of one
   * is taken, or if one refers to a record that does not exist.
   */
  insertBatch<Kind extends keyof BatchRecords>(
    kind: Kind,
    records: readonly BatchRecords[Kind][],
  ): Promise<boolean> {
    return this.executor.atomically(async (db) => {
      if (!(await insertBatch(db, this.executor.hot.insertBatch, kind, records))) return false
      if (kind === 'notice') await markAllTold(db, records as readonly ExpiryNotice[])
      return true
    })
  }

  /** The ids of these customers that the app has. */
  async findCustomerIds(appId: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set()
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_customer')
        .select('id')
        .where('app_id', '=', appId)
        .where('id', 'in', ids)
        .where(isPresent('id'))
        .execute(),
    )
    return new Set(rows.map(({ id }) => id))
  }

  /** The id of the license that occupies each of these installation slots. */
  async findSlotOwners(
    appId: string,
    installationIds: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    if (installationIds.length === 0) return new Map()
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_license')
        .select(['installation_id', 'id'])
        .where('app_id', '=', appId)
        .where('installation_id', 'in', installationIds)
        .where('current', '=', 1)
        .where(isLicensePresent)
        .execute(),
    )
    return new Map(rows.map((row) => [row.installation_id, row.id]))
  }
}

async function markAllTold(db: Writer, notices: readonly ExpiryNotice[]): Promise<void> {
  for (const notice of notices) await markTold(db, notice)
}
