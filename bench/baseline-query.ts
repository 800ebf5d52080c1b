import postgres from 'postgres'
import { openConnection } from '../src/storage/sqlite/connection.ts'
import { isOnPostgres } from './databases.ts'

/** What a bare verification reads of a license; PostgreSQL's driver hands out numbers as text. */
export interface Found {
  readonly tier: string
  readonly tier_features: string
  readonly expires_at: number | string
  readonly revoked_at: number | string | null
  readonly installation_id: string
}

/** One prepared look-up by an app's slug and an installation. */
export type LookUp = (slug: string, installationId: string) => Found | Promise<Found>

/** Opens the look-up on either database; SQLite's answers at once, so that nothing is added to it. */
export function openLookUp(location: string): Promise<LookUp> {
  return isOnPostgres(location) ? onServer(location) : inFile(location)
}

async function inFile(filename: string): Promise<LookUp> {
  const connection = await openConnection(filename, { readonly: true })
  const query = connection.prepare(
    `select tier, tier_features, expires_at, revoked_at, installation_id from heartwood_license
     where app_id = (select id from heartwood_app where slug = ?) and installation_id = ? and current = 1`,
  )
  return (slug, installationId) => query.get([slug, installationId]) as Found
}

async function onServer(url: string): Promise<LookUp> {
  // As many connections as Heartwood opens.
  const client = postgres(url, { max: 10, fetch_types: false })
  return async (slug, installationId) => {
    const [row] = await client<Found[]>`
      select tier, tier_features, expires_at, revoked_at, installation_id from heartwood_license
      where app_id = (select id from heartwood_app where slug = ${slug})
        and installation_id = ${installationId} and current = 1`
    return row!
  }
}
