import type { SelectQueryBuilder } from 'kysely'
import type { StorageSession, TierRecord } from '../../core/storage/index.ts'
import type { Database, Row } from '../schema.ts'
import { type Access, countOf, limited, wrote } from './session.ts'
import { featureSlugs, lockRow } from './dialect.ts'
import { tierRows, wholeTierRows } from './rows.ts'

type TierVerbs = Pick<
  StorageSession,
  'findTier' | 'insertTier' | 'updateTier' | 'deleteTier' | 'listTiers' | 'countTiers'
>

export function tierVerbs(access: Access): TierVerbs {
  const { read, write } = access
  return {
    findTier: async (appId, idOrSlug) => {
      const query = wholeTiers(access)
        .where('app_id', '=', appId)
        .where(({ eb, or }) => or([eb('id', '=', idOrSlug), eb('slug', '=', idOrSlug)]))
      return wholeTierRows.toRecordOrNull(await query.executeTakeFirst())
    },
    insertTier: (tier) =>
      wrote(
        write
          .insertInto('heartwood_tier')
          .values(tierRows.toRow(tier))
          .onConflict((conflict) => conflict.doNothing())
          .returning('id'),
      ),
    updateTier: async (id, patch) => {
      const changes = { id, ...tierRows.toColumns(patch) }
      const query = write.updateTable('heartwood_tier').set(changes).where('id', '=', id)
      const changed = query.returningAll().returning(featureSlugs(write, 'heartwood_tier.id').as('features'))
      return wholeTierRows.toRecordOrNull(await changed.executeTakeFirst())
    },
    deleteTier: (id) => deleteTier(access, id),
    listTiers: async (appId, page) => {
      const tiers = wholeTiers(access).where('app_id', '=', appId)
      const rows = await limited(
        afterPosition(tiers, page.after).orderBy('position').orderBy('id'),
        page,
      ).execute()
      return rows.map((row) => wholeTierRows.toRecord(row))
    },
    countTiers: (appId) => countOf(read.selectFrom('heartwood_tier').where('app_id', '=', appId)),
  }
}

type WholeTiers = SelectQueryBuilder<Database, 'heartwood_tier', Row<TierRecord>>

function wholeTiers({ read }: Access): WholeTiers {
  return read
    .selectFrom('heartwood_tier')
    .selectAll()
    .select(featureSlugs(read, 'heartwood_tier.id').as('features'))
}

function afterPosition(tiers: WholeTiers, after: { position?: number; id: string } | undefined): WholeTiers {
  if (after === undefined) return tiers
  return tiers.where(({ eb, refTuple, tuple }) =>
    eb(refTuple('position', 'id'), '>', tuple(after.position ?? 0, after.id)),
  )
}

function deleteTier({ atomically }: Access, id: string): Promise<boolean> {
  return atomically(async (db) => {
    // A license that is being written for the tier would else lose it without a new version.
    await lockRow(db, 'heartwood_tier', id)
    await db
      .updateTable('heartwood_license')
      .set((eb) => ({ tier_id: null, version: eb('version', '+', 1) }))
      .where('tier_id', '=', id)
      .execute()
    return wrote(db.deleteFrom('heartwood_tier').where('id', '=', id).returning('id'))
  })
}
