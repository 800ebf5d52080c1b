import postgres from 'postgres'
import { openConnection } from '../src/storage/sqlite/connection.ts'
import { isPostgresUrl } from './databases.ts'

/** The columns that a verification reads. The PostgreSQL driver returns big integers as text. */
export interface FoundLicense {
  readonly tier: string
  readonly tier_features: string
  readonly expires_at: number | string
  readonly revoked_at: number | string | null
  readonly installation_id: string
}

/** Finds a license by the slug of its app and by its installation, with one prepared statement. */
export type BaselineQuery = (slug: string, installationId: string) => FoundLicense | Promise<FoundLicense>

/** Opens the query. On SQLite it returns the license itself, because a promise would add to its cost. */
export function openBaselineQuery(location: string): Promise<BaselineQuery> {
  return isPostgresUrl(location) ? openPostgres(location) : openSqlite(location)
}

async function openSqlite(filename: string): Promise<BaselineQuery> {
  const connection = await openConnection(filename, { readonly: true })
  const query = connection.prepare(
    `select tier, tier_features, expires_at, revoked_at, installation_id from heartwood_license
     where app_id = (select id from heartwood_app where slug = ?) and installation_id = ? and current = 1`,
  )
  return (slug, installationId) => query.get([slug, installationId]) as FoundLicense
}

async function openPostgres(url: string): Promise<BaselineQuery> {
  // Heartwood opens as many connections.
  const client = postgres(url, { max: 10, fetch_types: false })
  return async (slug, installationId) => {
    const [row] = await client<FoundLicense[]>`
      select tier, tier_features, expires_at, revoked_at, installation_id from heartwood_license
      where app_id = (select id from heartwood_app where slug = ${slug})
        and installation_id = ${installationId} and current = 1`
    return row!
  }
}
