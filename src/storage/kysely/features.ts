import { sql } from 'kysely'
import type { StorageSession } from '../../core/storage/index.ts'
import { lockRow, typed } from './dialect.ts'
import { type Access, countOf, newestFirst, wrote } from './session.ts'
import { featureRows } from './rows.ts'

type FeatureVerbs = Pick<
  StorageSession,
  'findFeature' | 'insertFeature' | 'updateFeature' | 'deleteFeature' | 'listFeatures' | 'countFeatures'
>

export function featureVerbs({ read, write }: Access): FeatureVerbs {
  const ofApp = (appId: string) => read.selectFrom('heartwood_feature').where('app_id', '=', appId)
  return {
    findFeature: async (appId, idOrSlug) => {
      const either = ofApp(appId).where(({ eb, or }) =>
        or([eb('id', '=', idOrSlug), eb('slug', '=', idOrSlug)]),
      )
      return featureRows.toRecordOrNull(await either.selectAll().executeTakeFirst())
    },
    insertFeature: (feature) =>
      wrote(
        write
          .insertInto('heartwood_feature')
          .values(featureRows.toRow(feature))
          .onConflict((conflict) => conflict.doNothing())
          .returning('id'),
      ),
    updateFeature: async (id, patch) => {
      const changes = { id, ...featureRows.toColumns(patch) }
      const query = write.updateTable('heartwood_feature').set(changes).where('id', '=', id).returningAll()
      return featureRows.toRecordOrNull(await query.executeTakeFirst())
    },
    deleteFeature: (id) => wrote(write.deleteFrom('heartwood_feature').where('id', '=', id).returning('id')),
    listFeatures: async (appId, page) => {
      const rows = await newestFirst(ofApp(appId).selectAll(), page).execute()
      return rows.map((row) => featureRows.toRecord(row))
    },
    countFeatures: (appId) => countOf(ofApp(appId)),
  }
}

type TierFeatureVerbs = Pick<StorageSession, 'addTierFeature' | 'removeTierFeature' | 'listTierFeatures'>

export function tierFeatureVerbs(access: Access): TierFeatureVerbs {
  const { read, write } = access
  return {
    addTierFeature: (tierId, featureId, limit) => addTierFeature(access, tierId, featureId, limit),
    removeTierFeature: (tierId, featureId) =>
      wrote(
        write
          .deleteFrom('heartwood_tier_feature')
          .where('tier_id', '=', tierId)
          .where('feature_id', '=', featureId)
          .returning('place'),
      ),
    listTierFeatures: async (tierId) => {
      const rows = await read
        .selectFrom('heartwood_tier_feature as link')
        .innerJoin('heartwood_feature', 'heartwood_feature.id', 'link.feature_id')
        .selectAll('heartwood_feature')
        .where('link.tier_id', '=', tierId)
        .orderBy('link.place')
        .execute()
      return rows.map((row) => featureRows.toRecord(row))
    },
  }
}

/** Two callers cannot both take the last place: one statement counts and adds, where PostgreSQL has locked the tier. */
function addTierFeature(
  { atomically }: Access,
  tierId: string,
  featureId: string,
  limit: number,
): Promise<'added' | 'present' | 'full'> {
  return atomically(async (db) => {
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
  })
}
