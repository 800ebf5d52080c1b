import type { Kysely } from 'kysely'
import type { Storage } from '../core/storage/index.ts'
import { storageOver } from './kysely/storage.ts'
import type { Database } from './schema.ts'
import { atOnce, turnsOn } from './kysely/serialize.ts'

export { migrate } from './schema.ts'

/**
 * A storage in a database of yours, over any Kysely instance of SQLite or PostgreSQL. It neither opens nor migrates: call
 * `migrate` first. Plugins of `db` are not used; on SQLite, `pragma foreign_keys` must be on. `close` leaves `db` open.
 *
 * Given a Kysely transaction, it joins it: what it writes is committed or rolled back with what you write, and its own
 * `transaction` is a savepoint. On SQLite begin such a transaction with a write, since one that begins with a read
 * fails at once when another process wrote in between. Calls that overlap in it wait for each other. On PostgreSQL a single
 * verb that rejects ends your transaction; what licensing does in `transaction`, issuing and changing licenses above all,
 * is given up alone.
 *
 * A write that refers to a record deleted meanwhile rejects with a `LicensingError` of code `not_found`; one that the
 * database cannot do now (it is locked, full, out of reach) with `unavailable`.
 *
 * @example
 * ```ts
 * import { Kysely, type Dialect } from 'kysely'
 * import { kyselyStorage, migrate } from 'heartwood/storage/kysely'
 *
 * async function start(dialect: Dialect) {
 *   const db = new Kysely<unknown>({ dialect })
 *   await migrate(db)
 *   await db.transaction().execute(async (trx) => {
 *     console.log(await kyselyStorage(trx).countApps({})) // 0
 *   })
 * }
 * ```
 */
export function kyselyStorage(db: Kysely<any>): Storage {
  const plain: Kysely<Database> = db.withoutPlugins()
  const inTurn = db.isTransaction ? turnsOn(db) : atOnce
  return storageOver({ writer: plain, reader: plain, inTurn, close: async () => {} })
}
