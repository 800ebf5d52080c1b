import {
  sql,
  type CompiledQuery,
  type Expression,
  type Kysely,
  type RawBuilder,
  type SqlBool,
  type UpdateQueryBuilder,
  type UpdateResult,
} from 'kysely'
import type { LicenseStanding } from '../../core/storage/immediate-reads.ts'
import type {
  ApiKeyRecord,
  AppRecord,
  CustomerRecord,
  FeatureRecord,
  KeyStatementRecord,
  LicenseKeyRecord,
  LicenseRecord,
  SigningKeyRecord,
  TierRecord,
} from '../../core/storage/index.ts'
import type { Database, Row } from '../schema.ts'
import { batchInserts, type BatchInserts } from './batch.ts'
import { featureSlugs } from './dialect.ts'
import { isLicensePresent, isPresent, licenseColumns, licenseKeyColumns } from './presence.ts'
import { recordQueries, type RecordQueries } from './record-queries.ts'
import {
  featureRows,
  licenseKeyRows,
  licenseRows,
  standingRows,
  storedCustomerRows,
  unsealedEntryRows,
  type RowMapper,
} from './rows.ts'
import { insertUnlessSealed } from './unsealed-entries.ts'

/** The result of an insert that wrote a row. */
interface Inserted {
  readonly one: number
}

/** An insert that writes nothing if the id or another unique value is taken. */
export interface HotInsert {
  /** Returns a row if it wrote one. */
  readonly returning: CompiledQuery<Inserted>
  /** Returns no row, because a returned row costs a tenth of the insert. The connection tells if it wrote one. */
  readonly silent: CompiledQuery
}

interface Counted {
  readonly count: number | string
}

/** One row, whose columns of a license are all `null` if the installation never had a seat. */
type SeatingRow = { readonly [Name in keyof Row<LicenseRecord>]: Row<LicenseRecord>[Name] | null } & {
  readonly taken: number | string
}

/** The queries of nearly every request. They are compiled once, because building a query costs as much as running it. */
export interface HotQueries extends RecordQueries {
  readonly appById: CompiledQuery<Row<AppRecord>>
  readonly appBySlug: CompiledQuery<Row<AppRecord>>
  readonly apiKeyBy: Readonly<Record<'id' | 'hash', CompiledQuery<Row<ApiKeyRecord>>>>
  readonly activeKey: CompiledQuery<Row<SigningKeyRecord>>
  /** Parameters: app id, installation id. */
  readonly currentByAppId: CompiledQuery<Row<LicenseRecord>>
  /** Parameters: app slug, installation id. */
  readonly currentByAppSlug: CompiledQuery<Row<LicenseRecord>>
  /** As `currentByAppId`, with the columns of a {@link LicenseStanding} alone. */
  readonly standingByAppId: CompiledQuery<Row<LicenseStanding>>
  /** As `currentByAppSlug`, with the columns of a {@link LicenseStanding} alone. */
  readonly standingByAppSlug: CompiledQuery<Row<LicenseStanding>>
  /** Parameters: app id, license id. */
  readonly standing: CompiledQuery<Row<LicenseStanding>>
  /** Parameters: app id, license id. */
  readonly license: CompiledQuery<Row<LicenseRecord>>
  /** Parameters: app id, tier id, the slug, which may be the same text. */
  readonly tier: CompiledQuery<Row<TierRecord>>
  /** Parameters: app id, feature id, the slug, which may be the same text. */
  readonly feature: CompiledQuery<Row<FeatureRecord>>
  /** Parameters: app id, value of the column. */
  readonly customerBy: Readonly<
    Record<'id' | 'folded_email' | 'external_id', CompiledQuery<Row<CustomerRecord>>>
  >
  /** The keys of an app, the active one first. */
  readonly signingKeys: CompiledQuery<Row<SigningKeyRecord>>
  /** Parameter: app id. */
  readonly keyStatements: CompiledQuery<Row<KeyStatementRecord>>
  /** Parameters: the values of {@link storedCustomerRows}. */
  readonly insertCustomer: HotInsert
  /** Parameters: the values of {@link featureRows}. */
  readonly insertFeature: HotInsert
  /** Parameters: the values of {@link licenseRows}. */
  readonly insertLicense: HotInsert
  /** Parameters: the values of {@link licenseKeyRows}. */
  readonly insertLicenseKey: HotInsert
  /** Parameters: the values of {@link unsealedEntryRows}. It does not look for the id among the sealed entries. */
  readonly insertAuditEntry: CompiledQuery
  /** As `insertAuditEntry`, with the id once more at the end. It writes nothing if a sealed entry has the id. */
  readonly insertUnlessSealed: CompiledQuery<Inserted>
  /** Parameters: app id, value of the column. */
  readonly licenseKeyBy: Readonly<
    Record<'id' | 'handle' | 'alias_hash' | 'external_id', CompiledQuery<Row<LicenseKeyRecord>>>
  >
  /** Parameter: license key id. */
  readonly holdLicenseKey: CompiledQuery<Row<LicenseKeyRecord>>
  /** Parameters: license key id, the same again, installation id. */
  readonly seating: CompiledQuery<SeatingRow>
  /** Parameter: license key id. */
  readonly seatCount: CompiledQuery<Counted>
  /** Parameters: license key id, the time before which the seats were last seen. */
  readonly idleSeatCount: CompiledQuery<Counted>
  /** Sets these columns. Parameters: their values, license id, expected version. */
  updateLicense(columns: readonly string[]): CompiledQuery<Row<LicenseRecord>>
  /** Sets these columns. Parameters: their values, license key id, expected version. */
  updateLicenseKey(columns: readonly string[]): CompiledQuery<Row<LicenseKeyRecord>>
  readonly insertBatch: BatchInserts
}

const standingColumns = standingRows.columns.map(({ name }) => name as keyof Row<LicenseStanding>)

export function hotQueries(db: Kysely<Database>): HotQueries {
  const apps = db.selectFrom('heartwood_app').selectAll().where(isPresent('id'))
  const apiKeys = db.selectFrom('heartwood_api_key').selectAll()
  const licenses = db.selectFrom('heartwood_license').select(licenseColumns).where(isLicensePresent)
  return {
    appById: apps.where('id', '=', '').compile(),
    appBySlug: apps.where('slug', '=', '').compile(),
    apiKeyBy: { id: apiKeys.where('id', '=', '').compile(), hash: apiKeys.where('hash', '=', '').compile() },
    activeKey: activeKey(db),
    ...currentLicenses(db),
    standing: standing(db),
    license: licenses.where('app_id', '=', '').where('id', '=', '').compile(),
    tier: tier(db),
    feature: feature(db),
    customerBy: customers(db),
    signingKeys: signingKeys(db),
    keyStatements: keyStatements(db),
    insertCustomer: insert(db, 'heartwood_customer', storedCustomerRows),
    insertFeature: insert(db, 'heartwood_feature', featureRows),
    insertLicense: insert(db, 'heartwood_license', licenseRows),
    insertLicenseKey: insert(db, 'heartwood_license_key', licenseKeyRows),
    insertAuditEntry: insertAuditEntry(db),
    insertUnlessSealed: insertUnlessSealed(db),
    ...licenseKeys(db),
    ...seats(db),
    updateLicense: compiledByColumns((columns) =>
      updateOf(db.updateTable('heartwood_license'), columns).returning(licenseColumns).compile(),
    ),
    updateLicenseKey: compiledByColumns((columns) =>
      updateOf(db.updateTable('heartwood_license_key'), columns).returning(licenseKeyColumns).compile(),
    ),
    ...recordQueries(db),
    insertBatch: batchInserts(db),
  }
}

function activeKey(db: Kysely<Database>): CompiledQuery<Row<SigningKeyRecord>> {
  const keys = db.selectFrom('heartwood_signing_key').selectAll()
  return keys.where('app_id', '=', '').where('accepted_until', 'is', null).compile()
}

function currentLicenses(
  db: Kysely<Database>,
): Pick<HotQueries, 'currentByAppId' | 'currentByAppSlug' | 'standingByAppId' | 'standingByAppSlug'> {
  // A scalar sub-select, because the planner may walk all apps for a join.
  const appId = db.selectFrom('heartwood_app').select('id').where('slug', '=', '')
  const currently = sql<SqlBool>`installation_id = ${''} and current = 1`
  const licenses = db.selectFrom('heartwood_license').where(isLicensePresent)
  const byId = licenses.where('app_id', '=', '').where(currently)
  const bySlug = licenses.where('app_id', '=', appId).where(currently)
  return {
    currentByAppId: byId.select(licenseColumns).compile(),
    currentByAppSlug: bySlug.select(licenseColumns).compile(),
    standingByAppId: byId.select(standingColumns).compile(),
    standingByAppSlug: bySlug.select(standingColumns).compile(),
  }
}

function standing(db: Kysely<Database>): CompiledQuery<Row<LicenseStanding>> {
  const licenses = db.selectFrom('heartwood_license').where(isLicensePresent)
  return licenses.where('app_id', '=', '').where('id', '=', '').select(standingColumns).compile()
}

function tier(db: Kysely<Database>): CompiledQuery<Row<TierRecord>> {
  return db
    .selectFrom('heartwood_tier')
    .selectAll()
    .select(featureSlugs(db, 'heartwood_tier.id').as('features'))
    .where('app_id', '=', '')
    .where(({ eb, or }) => or([eb('id', '=', ''), eb('slug', '=', '')]))
    .where(isPresent('id'))
    .compile()
}

function feature(db: Kysely<Database>): CompiledQuery<Row<FeatureRecord>> {
  return db
    .selectFrom('heartwood_feature')
    .selectAll()
    .where('app_id', '=', '')
    .where(({ eb, or }) => or([eb('id', '=', ''), eb('slug', '=', '')]))
    .compile()
}

function customers(db: Kysely<Database>): HotQueries['customerBy'] {
  const inApp = db.selectFrom('heartwood_customer').selectAll().where('app_id', '=', '')
  const by = (column: keyof HotQueries['customerBy']) => inApp.where(column, '=', '')
  return {
    id: by('id').where(isPresent('id')).compile(),
    folded_email: by('folded_email').compile(),
    external_id: by('external_id').compile(),
  }
}

function keyStatements(db: Kysely<Database>): CompiledQuery<Row<KeyStatementRecord>> {
  return db
    .selectFrom('heartwood_key_statement')
    .selectAll()
    .where('app_id', '=', '')
    .orderBy('seq')
    .compile()
}

function signingKeys(db: Kysely<Database>): CompiledQuery<Row<SigningKeyRecord>> {
  return db
    .selectFrom('heartwood_signing_key')
    .selectAll()
    .where('app_id', '=', '')
    .orderBy(sql`case when accepted_until is null then 0 else 1 end`)
    .orderBy('created_at', 'desc')
    .orderBy('kid', 'desc')
    .compile()
}

function licenseKeys(db: Kysely<Database>): Pick<HotQueries, 'licenseKeyBy' | 'holdLicenseKey'> {
  const keys = db.selectFrom('heartwood_license_key').select(licenseKeyColumns).where(isLicensePresent)
  const inApp = keys.where('app_id', '=', '')
  return {
    licenseKeyBy: {
      id: inApp.where('id', '=', '').compile(),
      handle: inApp.where('handle', '=', '').compile(),
      alias_hash: inApp.where('alias_hash', '=', '').compile(),
      external_id: inApp.where('external_id', '=', '').compile(),
    },
    holdLicenseKey: db
      .updateTable('heartwood_license_key')
      .set({ version: sql<number>`version + 1` })
      .where('id', '=', '')
      .where(isLicensePresent)
      .returning(licenseKeyColumns)
      .compile(),
  }
}

function seats(db: Kysely<Database>): Pick<HotQueries, 'seating' | 'seatCount' | 'idleSeatCount'> {
  const all = db.selectFrom('heartwood_license').where('license_key_id', '=', '')
  const taken = all.where('revoked_at', 'is', null).select(sql<number | string>`count(*)`.as('count'))
  return {
    seating: seating(db, taken).compile(),
    seatCount: taken.compile(),
    idleSeatCount: taken.where(sql<SqlBool>`coalesce(seen_at, 0) < ${0}`).compile(),
  }
}

/** The newest seat without a value in the column. */
function newestWithout(column: 'revoked_at' | 'revoked_cause'): RawBuilder<string | null> {
  return sql`max(case when ${sql.ref(column)} is null then id end)`
}

/** The seat is found by an aggregate, because SQLite sorts even two rows in a table of their own: that costs five times as much. */
function seating(db: Kysely<Database>, taken: Expression<unknown>) {
  const seatId = db
    .selectFrom('heartwood_license')
    .select(
      sql`coalesce(${newestWithout('revoked_at')}, ${newestWithout('revoked_cause')}, max(id))`.as('id'),
    )
    .where('license_key_id', '=', '')
    .where('installation_id', '=', '')
    .where(isLicensePresent)
  const found = db.selectNoFrom([
    sql<number | string>`${taken}`.as('taken'),
    sql<string | null>`${seatId}`.as('seat_id'),
  ])
  return db
    .selectFrom(found.as('found'))
    .leftJoin('heartwood_license', 'id', 'seat_id')
    .select(licenseColumns)
    .select('taken')
}

function insert<Entry extends object>(
  db: Kysely<Database>,
  table: 'heartwood_customer' | 'heartwood_feature' | 'heartwood_license' | 'heartwood_license_key',
  rows: RowMapper<Entry>,
): HotInsert {
  const silent = db
    .insertInto(table)
    .values(Object.fromEntries(rows.columns.map(({ name }) => [name, ''])) as never)
    .onConflict((conflict) => conflict.doNothing())
  return { returning: silent.returning(sql<number>`1`.as('one')).compile(), silent: silent.compile() }
}

function insertAuditEntry(db: Kysely<Database>): CompiledQuery {
  const values = Object.fromEntries(unsealedEntryRows.columns.map(({ name }) => [name, '']))
  return db
    .insertInto('heartwood_unsealed_audit_entry')
    .values(values as never)
    .compile()
}

/** Each use case changes the same columns every time, so there are few of these queries. */
function compiledByColumns<Entry>(
  compile: (columns: readonly string[]) => CompiledQuery<Entry>,
): (columns: readonly string[]) => CompiledQuery<Entry> {
  const made = new Map<string, CompiledQuery<Entry>>()
  return (columns) => {
    const name = columns.join()
    const query = made.get(name) ?? compile(columns)
    made.set(name, query)
    return query
  }
}

/** Writes nothing unless the version is the expected one. */
function updateOf<Table extends 'heartwood_license' | 'heartwood_license_key'>(
  table: UpdateQueryBuilder<Database, Table, Table, UpdateResult>,
  columns: readonly string[],
): UpdateQueryBuilder<Database, Table, Table, UpdateResult> {
  const values = Object.fromEntries(columns.map((column) => [column, '']))
  const isExpected = sql<SqlBool>`id = ${''} and version = ${0}`
  return table
    .set(values as never)
    .where(isExpected)
    .where(isLicensePresent)
}
