import { sql, type RawBuilder } from 'kysely'
import type {
  AuditEntryRecord,
  LicenseFilter,
  LicenseOrder,
  LicensePatch,
  LicenseRecord,
  LicenseStorage,
  NumericDate,
  Page,
  RegeneratedPage,
  RegenerationPage,
  RevokedCause,
  SeenCount,
  SeenFilter,
} from '../../core/storage/index.ts'
import { isAppId } from './apps.ts'
import { KyselyCustomers } from './customers.ts'
import { typed } from './dialect.ts'
import { insertWithEntry, writeWithEntry } from './entry-writes.ts'
import { countLicenses, presentLicenses, selectPresent, statusIs } from './license-filter.ts'
import { licenseList } from './license-list.ts'
import { countInOrder, countingOrder, readInOrder } from './license-walk.ts'
import { isLicensePresent } from './presence.ts'
import { newestFirst, deleteById } from './queries.ts'
import { regenerateMany } from './regenerate-many.ts'
import { licenseRows } from './rows.ts'
import { countSeen } from './seen.ts'
import { countList, readList } from './walk.ts'

export abstract class KyselyLicenses extends KyselyCustomers implements LicenseStorage {
  async findLicense(appId: string, id: string): Promise<LicenseRecord | null> {
    return licenseRows.toRecordOrNull(await this.executor.readFirst(this.executor.hot.license, [appId, id]))
  }

  async findCurrentLicense(appSlugOrId: string, installationId: string): Promise<LicenseRecord | null> {
    const { currentByAppId, currentByAppSlug } = this.executor.hot
    const query = isAppId(appSlugOrId) ? currentByAppId : currentByAppSlug
    return licenseRows.toRecordOrNull(await this.executor.readFirst(query, [appSlugOrId, installationId]))
  }

  insertLicense(license: LicenseRecord, entry?: AuditEntryRecord): Promise<boolean> {
    const query = this.executor.hot.insertLicense
    return insertWithEntry(this.executor, { query, parameters: licenseRows.toValues(license) }, entry)
  }

  async releaseInstallation(
    appId: string,
    installationId: string,
    now: NumericDate,
    exceptId?: string,
  ): Promise<void> {
    await this.executor.write((db) => {
      const ended = db
        .updateTable('heartwood_license')
        .set((eb) => ({ current: 0, version: eb('version', '+', 1), ...replacedSeat(now) }))
        .where('app_id', '=', appId)
        .where('installation_id', '=', installationId)
        .where('current', '=', 1)
        .where(({ and, not }) => not(and([statusIs('active', now), isLicensePresent])))
      return (exceptId === undefined ? ended : ended.where('id', '!=', exceptId)).execute()
    })
  }

  async updateLicense(
    id: string,
    expectedVersion: number,
    patch: LicensePatch,
    entry?: AuditEntryRecord,
  ): Promise<LicenseRecord | null> {
    const changes = { ...licenseRows.toColumns(patch), version: expectedVersion + 1 }
    const query = this.executor.hot.updateLicense(Object.keys(changes))
    const parameters = [...Object.values(changes), id, expectedVersion]
    const mayBeTaken = patch.current !== undefined || patch.installationId !== undefined
    const row = await writeWithEntry(this.executor, { query, parameters, mayBeTaken }, entry)
    return licenseRows.toRecordOrNull(row)
  }

  deleteLicense(id: string): Promise<boolean> {
    return this.executor.write((db) => deleteById(db, 'heartwood_license', id))
  }

  async listLicenses(
    filter: LicenseFilter,
    page: Page,
    order?: LicenseOrder,
  ): Promise<readonly LicenseRecord[]> {
    const { executor } = this
    if (order !== undefined) return licenseRows.toRecords(await readInOrder(executor, filter, order, page))
    const rows = executor.blocksLoop
      ? await readList(executor, await licenseList(executor, filter), page, selectPresent)
      : await executor.read((db) => newestFirst(presentLicenses(db, filter), page).execute())
    return licenseRows.toRecords(rows)
  }

  async countLicenses(filter: LicenseFilter): Promise<number> {
    const { executor } = this
    const order = countingOrder(filter)
    if (executor.blocksLoop && order !== null) return countInOrder(executor, filter, order)
    if (executor.blocksLoop) return countList(executor, await licenseList(executor, filter))
    return executor.read((db) => countLicenses(db, filter))
  }

  countSeen(filter: SeenFilter): Promise<readonly SeenCount[]> {
    return countSeen(this.executor, filter)
  }

  regenerateMany(page: RegenerationPage): Promise<RegeneratedPage> {
    return this.executor.atomically((db) => regenerateMany(db, page))
  }
}

/** A taken seat without its slot is revoked. Every other license keeps what it has. */
function replacedSeat(now: NumericDate) {
  const ifTaken = (value: RawBuilder<unknown>, column: string) =>
    sql`case when license_key_id is not null and revoked_at is null then ${value} else ${sql.ref(column)} end`
  return {
    revoked_at: ifTaken(typed(now, 'bigint'), 'revoked_at') as RawBuilder<number>,
    revoked_cause: ifTaken(sql.lit('replaced'), 'revoked_cause') as RawBuilder<RevokedCause>,
    updated_at: ifTaken(typed(now, 'bigint'), 'updated_at') as RawBuilder<number>,
  }
}
