import type { Kysely } from 'kysely'
import { checkOptions, hasMethods } from '../core/input/options.ts'
import { type Serialize, serializer } from '../core/runtime/serializer.ts'
import type { Storage } from '../core/storage/index.ts'
import { KyselyStorage } from './kysely/storage.ts'
import type { Database } from './schema.ts'

export { migrate } from './schema.ts'

/**
 * A storage in a database of yours, over any Kysely instance of SQLite or PostgreSQL. It neither opens nor migrates: call
 * `migrate` first. It does not use the plugins of `db`. On SQLite, `pragma foreign_keys` must be on. `close` leaves `db` open.
 *
 * Given a Kysely transaction, the storage joins it. Your commit or rollback includes what the storage wrote, and its own
 * `transaction` is a savepoint. Calls that overlap in your transaction wait for each other.
 *
 * On SQLite, begin such a transaction with a write. A transaction that begins with a read fails at once if another process
 * wrote meanwhile. On PostgreSQL, a single verb that rejects ends your transaction. Work that licensing does in `transaction`
 * is rolled back alone: issuing and changing licenses above all.
 *
 * A write rejects with a `LicensingError` of code `not_found` if it refers to a record that was deleted meanwhile. It rejects
 * with `unavailable` if the database cannot do it now: the database is locked, full or out of reach.
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
  checkOptions({ db }, { db: hasMethods('an instance of Kysely', 'withoutPlugins', 'selectFrom') })
  const plain: Kysely<Database> = db.withoutPlugins()
  const serialize = db.isTransaction ? queueOf(db) : undefined
  return new KyselyStorage({ writer: plain, reader: plain, serialize, close: async () => {} })
}

const queues = new WeakMap<object, Serialize>()

/**
 * The queue for the writes in a host's transaction. Its savepoints lie in one another, so rolling one back would also undo
 * what another call wrote meanwhile.
 */
function queueOf(hostTransaction: object): Serialize {
  const queue = queues.get(hostTransaction) ?? serializer()
  queues.set(hostTransaction, queue)
  return queue
}
