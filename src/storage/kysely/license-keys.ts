import { sql, type SelectQueryBuilder } from 'kysely'
import type {
  AuditEntryRecord,
  EndingLicenseKeys,
  LicenseKeyFilter,
  LicenseKeyPatch,
  LicenseKeyRecord,
  LicenseKeyStorage,
  LicenseRecord,
  NumericDate,
  Page,
  SeatReissue,
  SeatRelease,
  Seating,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { insertWithEntry } from './entry-writes.ts'
import { type Executor, firstRow, type Reader, type Writer } from './executor.ts'
import { statusIs } from './license-filter.ts'
import { KyselyLicenses } from './licenses.ts'
import { isLicensePresent, licenseKeyColumns } from './presence.ts'
import { countOf, deleteById, newestFirst } from './queries.ts'
import { licenseKeyRows, licenseRows } from './rows.ts'
import { nullIfTaken } from './savepoint.ts'
import {
  countSeats,
  deleteSeats,
  findSeating,
  pruneSeats,
  reinstateSeats,
  reissueSeats,
  releaseSeats,
  revokeSeats,
} from './seats.ts'

export abstract class KyselyLicenseKeys extends KyselyLicenses implements LicenseKeyStorage {
  insertLicenseKey(key: LicenseKeyRecord, entry?: AuditEntryRecord): Promise<boolean> {
    const query = this.executor.hot.insertLicenseKey
    return insertWithEntry(this.executor, { query, parameters: licenseKeyRows.toValues(key) }, entry)
  }

  findLicenseKey(appId: string, id: string): Promise<LicenseKeyRecord | null> {
    return findBy(this.executor, 'id', appId, id)
  }

  findLicenseKeyByHandle(appId: string, handle: string): Promise<LicenseKeyRecord | null> {
    return findBy(this.executor, 'handle', appId, handle)
  }

  findLicenseKeyByAlias(appId: string, aliasHash: string): Promise<LicenseKeyRecord | null> {
    return findBy(this.executor, 'alias_hash', appId, aliasHash)
  }

  findLicenseKeyByExternalId(appId: string, externalId: string): Promise<LicenseKeyRecord | null> {
    return findBy(this.executor, 'external_id', appId, externalId)
  }

  async updateLicenseKey(
    id: string,
    expectedVersion: number,
    patch: LicenseKeyPatch,
  ): Promise<LicenseKeyRecord | null> {
    const changes = { ...licenseKeyRows.toColumns(patch), version: expectedVersion + 1 }
    const query = this.executor.hot.updateLicenseKey(Object.keys(changes))
    const parameters = [...Object.values(changes), id, expectedVersion]
    const update = (db: Writer) => firstRow(db, query, parameters)
    const takesName = patch.aliasHash !== undefined || patch.externalId !== undefined
    const row = await this.executor.write((db) => (takesName ? nullIfTaken(db, update) : update(db)))
    return licenseKeyRows.toRecordOrNull(row)
  }

  async holdLicenseKey(id: string): Promise<LicenseKeyRecord | null> {
    return licenseKeyRows.toRecordOrNull(
      await this.executor.writeFirst(this.executor.hot.holdLicenseKey, [id]),
    )
  }

  deleteLicenseKey(id: string): Promise<boolean> {
    return this.executor.atomically((db) => deleteById(db, 'heartwood_license_key', id))
  }

  async listLicenseKeys(filter: LicenseKeyFilter, page: Page): Promise<readonly LicenseKeyRecord[]> {
    const rows = await this.executor.read((db) =>
      newestFirst(present(db, filter).select(licenseKeyColumns), page).execute(),
    )
    return licenseKeyRows.toRecords(rows)
  }

  countLicenseKeys(filter: LicenseKeyFilter): Promise<number> {
    return this.executor.read((db) => countOf(present(db, filter)))
  }

  async listEndingLicenseKeys(ending: EndingLicenseKeys): Promise<readonly LicenseKeyRecord[]> {
    const { appId, after, until, unlessTold, limit } = ending
    const told = unlessTold === 'toldExpiring' ? 'told_expiring' : 'told_expired'
    const rows = await this.executor.read((db) =>
      db
        .selectFrom('heartwood_license_key')
        .select(licenseKeyColumns)
        .where(isLicensePresent)
        .where('app_id', '=', appId)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', after)
        .where('expires_at', '<=', until)
        .where(sql<boolean>`expires_at is distinct from ${sql.ref(told)}`)
        .orderBy('expires_at')
        .orderBy('id')
        .limit(limit)
        .execute(),
    )
    return licenseKeyRows.toRecords(rows)
  }

  findSeating(licenseKeyId: string, installationId: string): Promise<Seating> {
    return findSeating(this.executor, licenseKeyId, installationId)
  }

  countSeats(licenseKeyId: string, seenBefore?: NumericDate): Promise<number> {
    return countSeats(this.executor, licenseKeyId, seenBefore)
  }

  async releaseSeats(release: SeatRelease): Promise<readonly LicenseRecord[]> {
    if (release.limit <= 0) return []
    return licenseRows.toRecords(await this.executor.atomically((db) => releaseSeats(db, release)))
  }

  reissueSeats(reissue: SeatReissue): Promise<number> {
    return this.executor.atomically((db) => reissueSeats(db, reissue))
  }

  revokeSeats(licenseKeyId: string, now: NumericDate): Promise<number> {
    return this.executor.atomically((db) => revokeSeats(db, licenseKeyId, now))
  }

  reinstateSeats(licenseKeyId: string, now: NumericDate): Promise<number> {
    return this.executor.atomically((db) => reinstateSeats(db, licenseKeyId, now))
  }

  deleteSeats(licenseKeyId: string, limit: number): Promise<number> {
    return this.executor.atomically((db) => deleteSeats(db, licenseKeyId, limit))
  }

  pruneSeats(before: NumericDate, limit: number): Promise<number> {
    return this.executor.atomically((db) => pruneSeats(db, before, limit))
  }
}

async function findBy(
  executor: Executor,
  column: 'id' | 'handle' | 'alias_hash' | 'external_id',
  appId: string,
  value: string,
): Promise<LicenseKeyRecord | null> {
  const row = await executor.readFirst(executor.hot.licenseKeyBy[column], [appId, value])
  return licenseKeyRows.toRecordOrNull(row)
}

function present(
  db: Reader,
  { appId, status, now, customerId, tierId }: LicenseKeyFilter,
): SelectQueryBuilder<Database, 'heartwood_license_key', unknown> {
  let query = db.selectFrom('heartwood_license_key').where('app_id', '=', appId).where(isLicensePresent)
  if (status !== undefined) query = query.where(statusIs(status, now))
  if (customerId !== undefined) query = query.where('customer_id', '=', customerId)
  if (tierId !== undefined) query = query.where('tier_id', '=', tierId)
  return query
}
