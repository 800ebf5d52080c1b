import type { Storage } from '../core/storage/index.ts'
import type { PostgresClient } from './postgres/lent-sessions.ts'
import { openLent, openOwn } from './postgres/open.ts'

export type { PostgresClient } from './postgres/lent-sessions.ts'
export type { Answer as PostgresAnswer, Runner as PostgresRunner } from './postgres/session.ts'

/** Connections of our own, or a client of yours. */
export type PostgresOptions =
  | {
      /** Such as `postgres://user:password@host:5432/database?sslmode=verify-full`. */
      readonly connectionString: string
      /** At most so many connections, which are made when they are needed; default 10. */
      readonly connections?: number
      /** How long a statement may take, in milliseconds, before the server ends it; default 60,000. */
      readonly statementTimeoutMs?: number
    }
  | {
      /** A client of postgres.js (`postgres(…)`). It stays yours to configure and to close. */
      readonly client: PostgresClient
    }

/**
 * Opens a PostgreSQL database (15 or later) as a storage, on Bun, Deno and Node by the package `postgres`, and brings its
 * tables to this version. Any number of servers may share it, and may start at once.
 *
 * While the server is away, every call rejects with a `LicensingError` of code `unavailable`; once it is back, calls
 * succeed again. Whether a write that was rejected so was stored is not known: it is never repeated. Work that the
 * database undid in favour of other work (a deadlock) is run again, so the work of a `transaction` must bear that.
 *
 * A statement waits 10 seconds at most for a lock, and a call as long for a free connection; then it rejects with
 * `unavailable` as well. A write that refers to a record deleted meanwhile rejects with `not_found`.
 *
 * @throws {LicensingError} `unavailable`, with the reason in its message, when the server cannot be reached or refuses, or
 *   the tables are of a newer version.
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
  if ('client' in options) return openLent(options.client)
  return openOwn({ connections: 10, statementTimeoutMs: 60_000, ...options })
}
