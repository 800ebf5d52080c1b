import postgres from 'postgres'
import { openConnection } from '../src/storage/sqlite/connection.ts'
import { isOnPostgres } from './databases.ts'

/** A connection to either database with nothing of Heartwood in between. */
export interface Bare {
  /** Runs a statement whose parameters are written `?`. */
  run(sql: string, values: readonly (string | number)[]): Promise<void>
  /** What PostgreSQL does by itself a while after many writes: clears away old rows and counts what is left. */
  tidy(): Promise<void>
  close(): Promise<void>
}

export function openBare(location: string): Promise<Bare> {
  return isOnPostgres(location) ? bareServer(location) : bareFile(location)
}

async function bareFile(filename: string): Promise<Bare> {
  const connection = await openConnection(filename, { readonly: false })
  connection.exec('pragma synchronous = full; pragma busy_timeout = 5000')
  return {
    run: async (sql, values) => void connection.prepare(sql).run(values),
    tidy: async () => {},
    close: async () => connection.close(),
  }
}

async function bareServer(url: string): Promise<Bare> {
  const client = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  return {
    run: async (sql, values) => void (await client.unsafe(numbered(sql), [...values], { prepare: true })),
    tidy: async () => void (await client.unsafe('vacuum (analyze) heartwood_license')),
    close: () => client.end(),
  }
}

/** The same statement with its parameters as PostgreSQL writes them: `$1`, `$2`. */
function numbered(sql: string): string {
  let number = 0
  return sql.replaceAll('?', () => `$${++number}`)
}
