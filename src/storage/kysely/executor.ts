import type { CompiledQuery, Kysely, TransactionBuilder } from 'kysely'
import { isUndone, toLicensingError } from '../errors.ts'
import { retry, type RetryPolicy } from '../retry.ts'
import type { Serialize } from '../serialize.ts'
import type { Database } from '../schema.ts'
import { isPostgres } from './dialect.ts'
import { type HotQueries, hotQueries } from './hot-queries.ts'
import { InFlight } from './in-flight.ts'
import { inSavepoint } from './savepoint.ts'

export type Writer = Kysely<Database>
/** The part of a database that cannot write. */
export type Reader = Pick<Writer, 'selectFrom' | 'selectNoFrom' | 'getExecutor'>

/** Runs the queries of one session. Every query of a storage over Kysely passes here, so errors are translated here alone. */
export interface Executor {
  readonly hot: HotQueries
  read<T>(query: (db: Reader) => Promise<T>): Promise<T>
  /** The first row of a query that was compiled before. */
  readFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined>
  write<T>(query: (db: Writer) => Promise<T>): Promise<T>
  /** Runs several statements in one step. The first must be a write, so that it takes the lock. */
  atomically<T>(work: (db: Writer) => Promise<T>): Promise<T>
  /** Verbs call this after they have destroyed a secret. */
  secretErased(): Promise<void>
}

/** The connections and hooks of a storage over Kysely. */
export interface Connections {
  /** Runs every write and every transaction. */
  readonly writer: Writer
  /** Runs every read outside a transaction. */
  readonly reader: Writer
  /** A faster way to the first row of a compiled query than through `reader`. */
  readonly readFirst?: <Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]) => Row | undefined
  /** Runs once a destroyed secret is gone from the tables. */
  readonly secretErased?: () => Promise<void>
  readonly close: () => Promise<void>
  /** Runs writes one at a time. Writes that share a transaction need it. */
  readonly serialize?: Serialize | undefined
}

/**
 * A lost connection is not in this policy: the lost response may have been that of a write which was stored, so running the
 * work again could store it twice.
 */
const undoneWork: RetryPolicy = {
  isTransient: isUndone,
  attempts: 10,
  pauseMs: (attempt) => 1 + Math.random() * 20 * attempt,
}

type Run = <T>(work: () => T | Promise<T>) => T | Promise<T>

const runOnce: Run = (work) => work()
const retryIfUndone: Run = (work) => retry(work, undoneWork)

const unchanged = (error: unknown): unknown => error

/** The guarded verbs need each statement to see what was committed before it, whatever the server is set to. */
function begin(db: Writer): TransactionBuilder<Database> {
  return isPostgres(db) ? db.transaction().setIsolationLevel('read committed') : db.transaction()
}

async function firstRow<Row>(
  db: Writer,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[],
): Promise<Row | undefined> {
  return (await db.executeQuery<Row>({ ...query, parameters })).rows[0]
}

/** Runs the verbs of a transaction. Nothing is retried or counted here: the transaction is, as a whole. */
export class TransactionExecutor implements Executor {
  readonly hot: HotQueries
  /** True once the transaction has destroyed a secret. */
  hasErased = false
  readonly #db: Writer

  constructor(db: Writer, hot: HotQueries) {
    this.#db = db
    this.hot = hot
  }

  read<T>(query: (db: Reader) => Promise<T>): Promise<T> {
    return this.write(query)
  }

  readFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined> {
    return this.write((db) => firstRow(db, query, parameters))
  }

  async write<T>(query: (db: Writer) => Promise<T>): Promise<T> {
    try {
      return await query(this.#db)
    } catch (error) {
      throw toLicensingError(error)
    }
  }

  atomically<T>(work: (db: Writer) => Promise<T>): Promise<T> {
    return this.write(work)
  }

  async secretErased(): Promise<void> {
    this.hasErased = true
  }
}

/** Runs the verbs outside a transaction, and transactions. It counts them all, so that closing waits for them. */
export class StorageExecutor implements Executor {
  readonly hot: HotQueries
  readonly #connections: Connections
  readonly #inFlight = new InFlight()
  readonly #run: Run
  readonly #serialize: Run
  #closed: Promise<void> | undefined

  constructor(connections: Connections) {
    const { writer } = connections
    this.#connections = connections
    this.hot = hotQueries(writer)
    // A conflict ends a host's transaction as a whole, so only the host can run it again.
    this.#run = isPostgres(writer) && !writer.isTransaction ? retryIfUndone : runOnce
    this.#serialize = connections.serialize ?? runOnce
  }

  read<T>(query: (db: Reader) => Promise<T>): Promise<T> {
    return this.#call(() => this.#run(() => query(this.#connections.reader)))
  }

  readFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined> {
    const { readFirst, reader } = this.#connections
    if (readFirst !== undefined) return this.#call(() => readFirst(query, parameters))
    return this.#call(() => this.#run(() => firstRow(reader, query, parameters)))
  }

  write<T>(query: (db: Writer) => Promise<T>): Promise<T> {
    return this.#call(() => this.#serialize(() => this.#run(() => query(this.#connections.writer))))
  }

  atomically<T>(work: (db: Writer) => Promise<T>): Promise<T> {
    return this.write((db) => (db.isTransaction ? work(db) : begin(db).execute(work)))
  }

  async secretErased(): Promise<void> {
    await this.#connections.secretErased?.()
  }

  /** Runs `work` as one transaction. An error that `work` throws comes out unchanged. */
  transaction<T>(work: (executor: TransactionExecutor) => Promise<T>): Promise<T> {
    return this.#call(() => this.#serialize(() => this.#run(() => this.#transactOnce(work))), unchanged)
  }

  close(): Promise<void> {
    this.#closed ??= this.#inFlight.close().then(this.#connections.close)
    return this.#closed
  }

  async #transactOnce<T>(work: (executor: TransactionExecutor) => Promise<T>): Promise<T> {
    const { writer } = this.#connections
    let executor: TransactionExecutor | undefined
    let thrown: { readonly error: unknown } | undefined
    const run = async (db: Writer): Promise<T> => {
      executor = new TransactionExecutor(db, this.hot)
      try {
        return await work(executor)
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      const result = await (writer.isTransaction
        ? inSavepoint(writer, 'heartwood', run)
        : begin(writer).execute(run))
      if (executor?.hasErased === true) await this.secretErased()
      return result
    } catch (error) {
      throw thrown === undefined ? toLicensingError(error) : thrown.error
    }
  }

  async #call<T>(work: () => T | Promise<T>, toError = toLicensingError): Promise<T> {
    this.#inFlight.enter()
    try {
      return await work()
    } catch (error) {
      throw toError(error)
    } finally {
      this.#inFlight.leave()
    }
  }
}
