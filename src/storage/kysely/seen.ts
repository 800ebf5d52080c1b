import { sql, type RawBuilder } from 'kysely'
import type { SeenCount, SeenFilter } from '../../core/storage/index.ts'
import type { Executor } from './executor.ts'
import { type Licenses, matching } from './license-filter.ts'
import { licenseList } from './license-list.ts'
import { isLicensePresent } from './presence.ts'
import { readRanges } from './walk.ts'

/** Rows that one statement reads, and not only their index: about a millisecond of work. */
const range = 1_000

/** The counts of {@link SeenFilter}. On SQLite it reads one range after the other. */
export async function countSeen(executor: Executor, filter: SeenFilter): Promise<readonly SeenCount[]> {
  const { appId, now, since } = filter
  const active = { appId, now, status: 'active' } as const
  const count = (licenses: Licenses): Promise<readonly Counted[]> => countGroups(licenses, since)
  if (!executor.blocksLoop)
    return summed(await executor.read((db) => count(matching(db, active).where(isLicensePresent))), since)
  return summed(await readRanges(executor, await licenseList(executor, active), range, count), since)
}

interface Counted {
  readonly seen_kid: string | null
  readonly place: number | string
  readonly count: number | string
}

function countGroups(licenses: Licenses, since: readonly number[]): Promise<readonly Counted[]> {
  return (
    licenses
      .select(['seen_kid', placeOf(since).as('place'), sql<number | string>`count(*)`.as('count')])
      // By position, because PostgreSQL would take a repeated expression for another one.
      .groupBy(sql`1, 2`)
      .execute()
  )
}

/** The place of the latest time that is not after the last sign of life; their number if there is none. */
function placeOf(since: readonly number[]): RawBuilder<number | string> {
  if (since.length === 0) return sql`0`
  const cases = since.map((time, place) => sql`when seen_at >= ${sql.lit(time)} then ${sql.lit(place)}`)
  return sql`case ${sql.join(cases, sql` `)} else ${sql.lit(since.length)} end`
}

function summed(parts: readonly Counted[], since: readonly number[]): readonly SeenCount[] {
  const counts = new Map<string, SeenCount>()
  for (const { seen_kid: kid, place, count } of parts) {
    const key = `${place} ${kid}`
    const sum = Number(count) + (counts.get(key)?.count ?? 0)
    counts.set(key, { kid, since: since[Number(place)] ?? null, count: sum })
  }
  return [...counts.values()]
}
