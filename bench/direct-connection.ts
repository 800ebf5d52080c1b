import postgres from 'postgres'
import { isPostgresUrl } from './databases.ts'
import { openConnection } from '../src/storage/sqlite/connection.ts'

/** A connection to SQLite or PostgreSQL that bypasses Heartwood. */
export interface DirectConnection {
  /** Runs a statement whose parameters are written `?`. */
  run(sql: string, values: readonly (string | number)[]): Promise<void>
  /** Removes dead rows and updates statistics, as PostgreSQL does by itself a while after many writes. */
  vacuum(): Promise<void>
  close(): Promise<void>
}

/** Opens a connection to the database at a location. */
export function openDirectConnection(location: string): Promise<DirectConnection> {
  return isPostgresUrl(location) ? openPostgres(location) : openSqlite(location)
}

async function openSqlite(filename: string): Promise<DirectConnection> {
  const connection = await openConnection(filename, { readonly: false })
  connection.exec('pragma synchronous = full; pragma busy_timeout = 5000')
  return {
    run: async (sql, values) => void connection.prepare(sql).run(values),
    vacuum: async () => {},
    close: async () => connection.close(),
  }
}

async function openPostgres(url: string): Promise<DirectConnection> {
  const client = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  return {
    run: async (sql, values) =>
      void (await client.unsafe(withNumberedParameters(sql), [...values], { prepare: true })),
    vacuum: async () => void (await client.unsafe('vacuum (analyze) heartwood_license')),
    close: () => client.end(),
  }
}

/** Writes the parameters as PostgreSQL expects them: `$1`, `$2`. */
function withNumberedParameters(sql: string): string {
  let number = 0
  return sql.replaceAll('?', () => `$${++number}`)
}
