import { sql, type RawBuilder } from 'kysely'
import type {
  SnapshotClaim,
  SnapshotRecord,
  SnapshotStorage,
  StatusCounts,
  StatusFilter,
} from '../../core/storage/index.ts'
import { latestClaim } from '../../core/storage/snapshots.ts'
import { typed } from './dialect.ts'
import type { Executor, Writer } from './executor.ts'
import { type Licenses, matching, statusIs } from './license-filter.ts'
import { licenseList } from './license-list.ts'
import { isLicensePresent, isPresent } from './presence.ts'
import { wroteRow } from './queries.ts'
import { snapshotRows } from './rows.ts'
import { KyselyTallies } from './tallies.ts'
import { readRanges } from './walk.ts'

export abstract class KyselySnapshots extends KyselyTallies implements SnapshotStorage {
  async findSnapshots(appIds: readonly string[]): Promise<readonly SnapshotRecord[]> {
    if (appIds.length === 0) return []
    const rows = await this.executor.read((db) =>
      db.selectFrom('heartwood_snapshot').selectAll().where('app_id', 'in', appIds).execute(),
    )
    return snapshotRows.toRecords(rows)
  }

  claimSnapshot(claim: SnapshotClaim): Promise<boolean> {
    return this.executor.write((db) => claimSnapshot(db, claim))
  }

  storeSnapshot({ appId, claimedUntil, ...snapshot }: SnapshotRecord): Promise<boolean> {
    return this.executor.write((db) =>
      wroteRow(
        db
          .updateTable('heartwood_snapshot')
          .set({ ...snapshotRows.toColumns(snapshot), claimed_until: 0 })
          .where('app_id', '=', appId)
          .where('claimed_until', '=', claimedUntil)
          .where(isPresent('app_id'))
          .returning('app_id'),
      ),
    )
  }

  countStatuses(filter: StatusFilter): Promise<StatusCounts> {
    return countStatuses(this.executor, filter)
  }
}

async function claimSnapshot(db: Writer, claim: SnapshotClaim): Promise<boolean> {
  const { appId, takenAt, now, until } = claim
  const isFree = sql`(heartwood_snapshot.claimed_until <= ${now} or heartwood_snapshot.claimed_until > ${latestClaim(claim)})`
  const { rows } = await sql`
    insert into heartwood_snapshot (app_id, taken_at, claimed_until, tiers)
    select id, ${typed(null, 'bigint')}, ${typed(until, 'bigint')}, '[]' from heartwood_app
    where id = ${appId} and ${isPresent('id')}
    on conflict (app_id) do update set claimed_until = excluded.claimed_until
    where ${isFree} and heartwood_snapshot.taken_at is not distinct from ${typed(takenAt, 'bigint')}
    returning app_id`.execute(db)
  return rows.length > 0
}

/** Rows of the index of a tier that one statement passes: about a millisecond of work. */
const range = 5_000

interface Counted {
  readonly active: number | string | null
  readonly expired: number | string | null
  readonly revoked: number | string | null
}

/** On SQLite it reads one range after the other. An index has every column that it reads. */
async function countStatuses(executor: Executor, filter: StatusFilter): Promise<StatusCounts> {
  const count = (licenses: Licenses): Promise<readonly Counted[]> => sumStatuses(licenses, filter.now)
  const parts = executor.blocksLoop
    ? await readRanges(executor, await licenseList(executor, filter), range, count)
    : await executor.read((db) => count(matching(db, filter).where(isLicensePresent)))
  const sumOf = (name: keyof Counted): number => parts.reduce((sum, part) => sum + Number(part[name]), 0)
  return { active: sumOf('active'), expired: sumOf('expired'), revoked: sumOf('revoked') }
}

function sumStatuses(licenses: Licenses, now: number): Promise<readonly Counted[]> {
  const numberOf = (status: keyof Counted): RawBuilder<number | string | null> =>
    sql`sum(case when ${statusIs(status, now)} then 1 else 0 end)`
  return licenses
    .select([
      numberOf('active').as('active'),
      numberOf('expired').as('expired'),
      numberOf('revoked').as('revoked'),
    ])
    .execute()
}
