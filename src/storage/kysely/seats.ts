import { sql, type RawBuilder, type SqlBool } from 'kysely'
import type {
  LicenseRecord,
  NumericDate,
  Seating,
  SeatReissue,
  SeatRelease,
} from '../../core/storage/index.ts'
import type { Row } from '../schema.ts'
import { rowLock } from './dialect.ts'
import type { Executor, Writer } from './executor.ts'
import { licenseColumns } from './presence.ts'
import { licenseRows } from './rows.ts'

export async function findSeating(
  executor: Executor,
  licenseKeyId: string,
  installationId: string,
): Promise<Seating> {
  const row = await executor.readFirst(executor.hot.seating, [licenseKeyId, licenseKeyId, installationId])
  const { taken, ...seat } = row!
  return {
    seat: seat.id === null ? null : licenseRows.toRecord(seat as Row<LicenseRecord>),
    taken: Number(taken),
  }
}

/** The number of taken seats, or of those that were last seen before a time. */
export async function countSeats(
  executor: Executor,
  licenseKeyId: string,
  seenBefore: NumericDate | undefined,
): Promise<number> {
  const { seatCount, idleSeatCount } = executor.hot
  const row = await (seenBefore === undefined
    ? executor.readFirst(seatCount, [licenseKeyId])
    : executor.readFirst(idleSeatCount, [licenseKeyId, seenBefore]))
  return Number(row?.count ?? 0)
}

function chosen({ licenseKeyId, seenBefore, exceptIds = [] }: SeatRelease): RawBuilder<SqlBool> {
  const conditions = [sql`license_key_id = ${licenseKeyId} and revoked_at is null`]
  if (seenBefore !== undefined) conditions.push(sql`coalesce(seen_at, 0) < ${seenBefore}`)
  if (exceptIds.length > 0) conditions.push(sql`id not in (${sql.join(exceptIds)})`)
  return sql.join(conditions, sql` and `)
}

export async function releaseSeats(db: Writer, release: SeatRelease): Promise<readonly Row<LicenseRecord>[]> {
  const { now, cause, limit } = release
  const { rows } = await sql<{ id: string }>`
    select id from heartwood_license where ${chosen(release)}
    order by seen_at nulls first, id limit ${limit} ${rowLock(db)}`.execute(db)
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const written = await db
    .updateTable('heartwood_license')
    .set((eb) => ({
      revoked_at: now,
      revoked_reason: null,
      revoked_cause: cause,
      updated_at: now,
      version: eb('version', '+', 1),
    }))
    .where('id', 'in', ids)
    .returning(licenseColumns)
    .execute()
  return written.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
}

/** The number of rows that a statement wrote and returned. */
async function countOfWritten(query: { execute(): Promise<readonly unknown[]> }): Promise<number> {
  return (await query.execute()).length
}

export function reissueSeats(db: Writer, { licenseKeyId, now, end, claims }: SeatReissue): Promise<number> {
  const columns = licenseRows.toColumns(claims)
  return countOfWritten(
    db
      .updateTable('heartwood_license')
      .set((eb) => ({
        ...columns,
        ...(end !== undefined && { expires_at: end }),
        issued_at: now,
        updated_at: now,
        revision: eb('revision', '+', 1),
        version: eb('version', '+', 1),
      }))
      .where('license_key_id', '=', licenseKeyId)
      .where('revoked_at', 'is', null)
      .returning('id'),
  )
}

export function revokeSeats(db: Writer, licenseKeyId: string, now: NumericDate): Promise<number> {
  return countOfWritten(
    db
      .updateTable('heartwood_license')
      .set((eb) => ({
        revoked_at: now,
        revoked_cause: 'key_revoked' as const,
        updated_at: now,
        version: eb('version', '+', 1),
      }))
      .where('license_key_id', '=', licenseKeyId)
      .where('revoked_at', 'is', null)
      .returning('id'),
  )
}

export async function reinstateSeats(db: Writer, licenseKeyId: string, now: NumericDate): Promise<number> {
  const { rows } = await sql<{ revoked_at: number | null }>`
    update heartwood_license set
      revoked_at = case when current = 1 then null else revoked_at end,
      revoked_cause = case when current = 1 then null else 'replaced' end,
      updated_at = ${now},
      version = version + 1
    where license_key_id = ${licenseKeyId} and revoked_cause = 'key_revoked'
    returning revoked_at`.execute(db)
  return rows.filter((row) => row.revoked_at === null).length
}

function deleteChosen(db: Writer, ids: RawBuilder<unknown>): Promise<number> {
  return countOfWritten(
    db
      .deleteFrom('heartwood_license')
      .where(sql<SqlBool>`id in (${ids})`)
      .returning('id'),
  )
}

export function deleteSeats(db: Writer, licenseKeyId: string, limit: number): Promise<number> {
  return deleteChosen(
    db,
    sql`select id from heartwood_license where license_key_id = ${licenseKeyId} order by id limit ${limit}`,
  )
}

/** The condition is word for word that of an index. */
export function pruneSeats(db: Writer, before: NumericDate, limit: number): Promise<number> {
  return deleteChosen(
    db,
    sql`select id from heartwood_license
      where revoked_cause in ('released', 'lapsed', 'replaced', 'moved') and updated_at < ${before}
      and license_key_id is not null limit ${limit}`,
  )
}
