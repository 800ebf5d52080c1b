import { sql, type SelectQueryBuilder } from 'kysely'
import type {
  FeatureRecord,
  Page,
  Position,
  TierPatch,
  TierRecord,
  TierStorage,
  UpdateNote,
} from '../../core/storage/index.ts'
import type { Database, Row } from '../schema.ts'
import { featureSlugs, lockLicenseKeys, lockRow, typed } from './dialect.ts'
import type { Reader, Writer } from './executor.ts'
import { KyselyAuditChain } from './audit-chain.ts'
import { countOf, limited, deleteById, insertUnlessTaken, wroteRow } from './queries.ts'
import { isPresent } from './presence.ts'
import { updateRecord } from './record-update.ts'
import { featureRows, storedTierRows, tierRows } from './rows.ts'

export abstract class KyselyTiers extends KyselyAuditChain implements TierStorage {
  async findTier(appId: string, idOrSlug: string): Promise<TierRecord | null> {
    const row = await this.executor.readFirst(this.executor.hot.tier, [appId, idOrSlug, idOrSlug])
    return tierRows.toRecordOrNull(row)
  }

  insertTier(tier: TierRecord): Promise<boolean> {
    return this.executor.write((db) => insertUnlessTaken(db, 'heartwood_tier', storedTierRows.toRow(tier)))
  }

  updateTier(id: string, patch: TierPatch, note?: UpdateNote<TierRecord>): Promise<TierRecord | null> {
    const changes = storedTierRows.toChanges(id, patch)
    const update = { table: 'heartwood_tier', rows: tierRows, id, patch, changes, note } as const
    return updateRecord(this.executor, update)
  }

  deleteTier(id: string): Promise<boolean> {
    return this.executor.atomically((db) => deleteTier(db, id))
  }

  async listTiers(appId: string, page: Page): Promise<readonly TierRecord[]> {
    const rows = await this.executor.read((db) => {
      const tiers = behind(selectTiers(db, appId), page.after)
      return limited(tiers.orderBy('position').orderBy('id'), page).execute()
    })
    return tierRows.toRecords(rows)
  }

  countTiers(appId: string): Promise<number> {
    return this.executor.read((db) => countOf(present(db, appId)))
  }

  addTierFeature(tierId: string, featureId: string, limit: number): Promise<'added' | 'present' | 'full'> {
    return this.executor.atomically((db) => addTierFeature(db, tierId, featureId, limit))
  }

  removeTierFeature(tierId: string, featureId: string): Promise<boolean> {
    return this.executor.write((db) =>
      wroteRow(
        db
          .deleteFrom('heartwood_tier_feature')
          .where('tier_id', '=', tierId)
          .where('feature_id', '=', featureId)
          .returning('place'),
      ),
    )
  }

  async listTierFeatures(tierId: string): Promise<readonly FeatureRecord[]> {
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_tier_feature as link')
        .innerJoin('heartwood_feature', 'heartwood_feature.id', 'link.feature_id')
        .selectAll('heartwood_feature')
        .where('link.tier_id', '=', tierId)
        .orderBy('link.place')
        .execute(),
    )
    return featureRows.toRecords(rows)
  }
}

type Tiers = SelectQueryBuilder<Database, 'heartwood_tier', Row<TierRecord>>

function selectTiers(db: Reader, appId: string): Tiers {
  return present(db, appId).selectAll().select(featureSlugs(db, 'heartwood_tier.id').as('features'))
}

function present(db: Reader, appId: string): SelectQueryBuilder<Database, 'heartwood_tier', unknown> {
  return db.selectFrom('heartwood_tier').where('app_id', '=', appId).where(isPresent('id'))
}

function behind(tiers: Tiers, after: Position | undefined): Tiers {
  if (after === undefined) return tiers
  return tiers.where(({ eb, refTuple, tuple }) =>
    eb(refTuple('position', 'id'), '>', tuple(after.position ?? 0, after.id)),
  )
}

async function deleteTier(db: Writer, id: string): Promise<boolean> {
  await lockLicenseKeys(db, 'tier_id', id)
  // Otherwise a license that is being written for the tier would lose it without a new version.
  await lockRow(db, 'heartwood_tier', id)
  const tier = db.selectFrom('heartwood_tier').select('id').where('id', '=', id).where(isPresent('id'))
  if ((await tier.executeTakeFirst()) === undefined) return false
  for (const table of ['heartwood_license', 'heartwood_license_key'] as const)
    await db
      .updateTable(table)
      .set((eb) => ({ tier_id: null, version: eb('version', '+', 1) }))
      .where('tier_id', '=', id)
      .execute()
  return deleteById(db, 'heartwood_tier', id)
}

/** One statement counts and adds, so two callers cannot both add the last feature. PostgreSQL needs the row lock for that. */
async function addTierFeature(
  db: Writer,
  tierId: string,
  featureId: string,
  limit: number,
): Promise<'added' | 'present' | 'full'> {
  await lockRow(db, 'heartwood_tier', tierId)
  const { rows } = await sql`
    insert into heartwood_tier_feature (tier_id, feature_id, place)
    select ${typed(tierId, 'text')}, ${typed(featureId, 'text')}, coalesce(max(place), 0) + 1
    from heartwood_tier_feature where tier_id = ${tierId} having count(*) < ${limit}
    on conflict do nothing returning place`.execute(db)
  if (rows.length > 0) return 'added'
  const present = await db
    .selectFrom('heartwood_tier_feature')
    .select('place')
    .where('tier_id', '=', tierId)
    .where('feature_id', '=', featureId)
    .executeTakeFirst()
  return present === undefined ? 'full' : 'present'
}
