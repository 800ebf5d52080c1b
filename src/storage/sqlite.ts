import { checkOptions, hasMethods, type OptionRules } from '../core/input/options.ts'
import type { Storage } from '../core/storage/index.ts'
import type { SqliteClient } from './sqlite/connection.ts'
import { openClient, openFile } from './sqlite/open.ts'

export type { SqliteClient, SqliteClientStatement, SqliteValue } from './sqlite/connection.ts'

/** The name of a file, or an open connection of yours. */
export type SqliteOptions =
  | {
      /** The file is created if it does not exist. `:memory:` is a database that is gone once it is closed. */
      readonly filename: string
    }
  | {
      /** An open `Database` of `bun:sqlite` or `DatabaseSync` of `node:sqlite`. You close it. */
      readonly client: SqliteClient
    }

const fileRules: OptionRules<{ readonly filename: string }> = {
  filename: {
    rule: 'the name of a file, or :memory:',
    isRequired: true,
    // SQLite takes the empty name for a database that is gone once it is closed.
    holds: (value) => typeof value === 'string' && value !== '',
  },
}

const clientRules: OptionRules<{ readonly client: SqliteClient }> = {
  client: hasMethods('an open Database of bun:sqlite or DatabaseSync of node:sqlite', 'exec', 'prepare'),
}

/**
 * Opens an SQLite database as a storage, and brings its tables to this version. It uses `bun:sqlite` on Bun, and `node:sqlite`
 * on Deno and Node. A file has two connections, so that no read outside a transaction waits for a writer. Any number of
 * processes may share a file. Opening leaves a current file unchanged, byte for byte. Only the owner can read a new file and its
 * log (mode 0600). An existing file keeps its mode, and its log gets the same.
 *
 * A `client` of yours gets `pragma foreign_keys` and `secure_delete` turned on. Its other users must stay away while a
 * transaction is open; otherwise their statements would be part of it.
 *
 * A write that cannot get the file's lock within 5 seconds rejects with a `LicensingError` of code `unavailable`. A write that
 * refers to a record that was deleted meanwhile rejects with `not_found`.
 *
 * @throws {LicensingError} `unavailable`, with the reason in its message, if the file cannot be opened. It is no database, of a
 *   newer version, read-only or locked, its folder is missing, or the log (`-wal`) beside it belongs to another file. Then
 *   nothing is written.
 * @throws {TypeError} that names an unknown or unusable option, never its value.
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
  const { client } = Object(options) as { readonly client?: SqliteClient }
  if (client === undefined) {
    const given = options as { readonly filename: string }
    checkOptions(given, fileRules)
    return openFile(given.filename)
  }
  checkOptions({ client, ...options }, clientRules)
  return openClient(client)
}
