import { sql, type CompiledQuery, type Kysely, type SqlBool } from 'kysely'
import type { ApiKeyRecord, AppRecord, LicenseRecord, SigningKeyRecord } from '../../core/storage/index.ts'
import type { Database, Row } from '../schema.ts'

/** What nearly every request asks. Compiled once: building a query costs as much as running it. */
export interface HotQueries {
  readonly appById: CompiledQuery<Row<AppRecord>>
  readonly appBySlug: CompiledQuery<Row<AppRecord>>
  readonly apiKeyByHash: CompiledQuery<Row<ApiKeyRecord>>
  readonly activeKey: CompiledQuery<Row<SigningKeyRecord>>
  /** Parameters: app id, installation id. */
  readonly currentByAppId: CompiledQuery<Row<LicenseRecord>>
  /** Parameters: app slug, installation id. */
  readonly currentByAppSlug: CompiledQuery<Row<LicenseRecord>>
  /** Parameters: app id, license id. */
  readonly license: CompiledQuery<Row<LicenseRecord>>
}

export function hotQueries(db: Kysely<Database>): HotQueries {
  const apps = db.selectFrom('heartwood_app').selectAll()
  const licenses = db.selectFrom('heartwood_license').selectAll()
  return {
    appById: apps.where('id', '=', '').compile(),
    appBySlug: apps.where('slug', '=', '').compile(),
    apiKeyByHash: db.selectFrom('heartwood_api_key').selectAll().where('hash', '=', '').compile(),
    activeKey: activeKey(db),
    ...currentLicenses(db),
    license: licenses.where('app_id', '=', '').where('id', '=', '').compile(),
  }
}

function activeKey(db: Kysely<Database>): CompiledQuery<Row<SigningKeyRecord>> {
  const keys = db.selectFrom('heartwood_signing_key').selectAll()
  return keys.where('app_id', '=', '').where('accepted_until', 'is', null).compile()
}

function currentLicenses(db: Kysely<Database>): Pick<HotQueries, 'currentByAppId' | 'currentByAppSlug'> {
  const licenses = db.selectFrom('heartwood_license').selectAll()
  // A scalar sub-select: as a join, the planner may walk all apps.
  const appId = db.selectFrom('heartwood_app').select('id').where('slug', '=', '')
  const holds = sql<SqlBool>`installation_id = ${''} and current = 1`
  return {
    currentByAppId: licenses.where('app_id', '=', '').where(holds).compile(),
    currentByAppSlug: licenses.where('app_id', '=', appId).where(holds).compile(),
  }
}
