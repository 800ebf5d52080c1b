import type { Storage } from '../core/storage/index.ts'
import type { SqliteClient } from './sqlite/connection.ts'
import { openClient, openFile } from './sqlite/open.ts'

export type { SqliteClient, SqliteClientStatement, SqliteValue } from './sqlite/connection.ts'

/** A file of our own, or a connection of yours. */
export type SqliteOptions =
  | {
      /** Made when it is not there; `:memory:` for a database that is gone when it is closed. */
      readonly filename: string
    }
  | {
      /** An open `Database` of `bun:sqlite` or `DatabaseSync` of `node:sqlite`. It stays yours to close. */
      readonly client: SqliteClient
    }

/**
 * Opens an SQLite database as a storage, on Bun by `bun:sqlite`, on Deno and Node by `node:sqlite`, and brings its
 * tables to this version. Two connections serve a file, so that no read outside a transaction waits for a writer; any
 * number of processes may share it. A file that is current is left as it is, byte for byte.
 *
 * A lent `client` gets `pragma foreign_keys` and `secure_delete` turned on. Its other users must keep away while a
 * transaction is open, since they would be part of it.
 *
 * A write that cannot get the file's lock within 5 seconds rejects with a `LicensingError` of code `unavailable`, one
 * that refers to a record deleted meanwhile with `not_found`.
 *
 * @throws {LicensingError} `unavailable`, with the reason in its message, when the file cannot be opened: it is no
 *   database, of a newer version, read-only, locked, or its folder is missing. Nothing is written then.
 *
 * @example
 * ```ts
 * import { sqliteStorage } from 'heartwood/storage/sqlite'
 *
 * const storage = await sqliteStorage({ filename: ':memory:' })
 * await storage.ping()
 * await storage.close()
 * ```
 */
export async function sqliteStorage(options: SqliteOptions): Promise<Storage> {
  return 'client' in options ? openClient(options.client) : openFile(options.filename)
}
