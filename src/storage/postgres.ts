import { checkOptions, hasMethods, isInteger, type OptionRules } from '../core/input/options.ts'
import type { Storage } from '../core/storage/index.ts'
import { readAddress } from './postgres/address.ts'
import type { PostgresClient } from './postgres/lent-sessions.ts'
import { openLent, openOwn } from './postgres/open.ts'

export type { PostgresClient } from './postgres/lent-sessions.ts'
export type { Result as PostgresResult, Runner as PostgresRunner } from './postgres/session.ts'

/** The address of a database, or an open client of yours. */
export type PostgresOptions =
  | {
      /** For example `postgres://user:password@host:5432/database?sslmode=verify-full`. */
      readonly connectionString: string
      /** The greatest number of connections, which are made as needed; default 10. */
      readonly connections?: number
      /** The server ends a statement that takes longer than this, in milliseconds; default 60,000. */
      readonly statementTimeoutMs?: number
    }
  | {
      /** A client of postgres.js (`postgres(…)`). You configure it and close it. */
      readonly client: PostgresClient
    }

type Lent = Extract<PostgresOptions, { readonly client: unknown }>
type Own = Exclude<PostgresOptions, Lent>

const ownRules: OptionRules<Own> = {
  connectionString: {
    rule: 'an address such as postgres://user:password@host:5432/database',
    isRequired: true,
    holds: (value) => typeof value === 'string',
  },
  connections: isInteger(1),
  // A timer holds at most 2^31 - 1 milliseconds.
  statementTimeoutMs: isInteger(0, 2_000_000_000),
}

const lentRules: OptionRules<Lent> = {
  client: hasMethods('a client of postgres.js', 'reserve', 'unsafe'),
}

/**
 * Opens a PostgreSQL database (15 or later) as a storage on Bun, Deno and Node, and brings its tables to this version. It uses
 * the package `postgres`. Any number of servers may share the database, and may start at the same time.
 *
 * While the server is away, every call rejects with a `LicensingError` of code `unavailable`; later calls succeed again. A
 * write that was rejected so may have been stored or not, and it is never repeated. The storage runs work again that the
 * database rolled back in favour of other work (a deadlock), so the work of a `transaction` must allow that.
 *
 * A statement waits at most 10 seconds for a lock, and a call at most 10 seconds for a free connection. Then it rejects with
 * `unavailable` too. A write that refers to a record that was deleted meanwhile rejects with `not_found`.
 *
 * @throws {LicensingError} `unavailable`, with the reason in its message, if the server cannot be reached or refuses, or
 *   if the tables are of a newer version.
 * @throws {TypeError} that names an unusable option, never its value.
 *
 * @example
 * ```ts
 * import process from 'node:process'
 * import { postgresStorage } from 'heartwood/storage/postgres'
 *
 * const connectionString = process.env['DATABASE_URL']
 * if (connectionString !== undefined) {
 *   const storage = await postgresStorage({ connectionString })
 *   await storage.ping()
 *   await storage.close()
 * }
 * ```
 */
export async function postgresStorage(options: PostgresOptions): Promise<Storage> {
  const { client } = Object(options) as Partial<Lent>
  if (client !== undefined) {
    checkOptions({ client, ...options }, lentRules)
    return openLent(client)
  }
  checkOptions(options as Own, ownRules)
  const { connectionString, connections = 10, statementTimeoutMs = 60_000 } = options as Own
  return openOwn({ address: readAddress(connectionString), connections, statementTimeoutMs })
}
