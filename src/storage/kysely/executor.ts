import type { CompiledQuery, Kysely } from 'kysely'
import { LicensingError } from '../../core/errors.ts'
import type { Serialize } from '../../core/runtime/serializer.ts'
import { withTimeLimit } from '../../core/runtime/time-limit.ts'
import type { TransactionOptions } from '../../core/storage/index.ts'
import { isUndone, toLicensingError } from '../errors.ts'
import { retry, type RetryPolicy } from '../retry.ts'
import type { Database } from '../schema.ts'
import { type Commits, ownCommits, type PendingWrite } from './commits.ts'
import { beginOn, isPostgres } from './dialect.ts'
import { type HotQueries, hotQueries } from './hot-queries.ts'
import { InFlight } from './in-flight.ts'
import { inSavepoint } from './savepoint.ts'

export type Writer = Kysely<Database>
/** The part of a database that cannot write. */
export type Reader = Pick<Writer, 'selectFrom' | 'selectNoFrom' | 'getExecutor'>

/** Runs the queries of one session. Every query of a storage over Kysely passes here, so errors are translated here alone. */
export interface Executor {
  readonly hot: HotQueries
  /** True if a statement keeps the event loop until it ends, as on SQLite. */
  readonly blocksLoop: boolean
  read<T>(query: (db: Reader) => Promise<T>): Promise<T>
  /** The first row of a query that was compiled before. */
  readFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined>
  /** All rows of a query that was compiled before. */
  readAll<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<readonly Row[]>
  /** Runs a short write that was compiled before. Resolves to its first row. */
  writeFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined>
  /** Runs a short write. It may share its commit with others. */
  write<T>(query: (db: Writer) => Promise<T>): Promise<T>
  /** Statements that wait for nothing, on the connection of the writes; absent if they wait. Use it inside {@link directly}. */
  readonly direct: DirectConnection | undefined
  /** Runs a few short statements of {@link direct} in one step. It may share its commit with others. */
  directly<T>(work: () => T): Promise<T>
  /** Runs a few short statements in one step. It may share its commit with others. The first must be a write. */
  together<T>(work: (db: Writer) => Promise<T>): Promise<T>
  /** Runs several statements, or one that takes long, in one step. The first must be a write, so that it takes the lock. */
  atomically<T>(work: (db: Writer) => Promise<T>): Promise<T>
  /** Verbs call this after they have destroyed a secret. */
  secretErased(): Promise<void>
}

/** A connection whose reads wait for nothing. */
export interface ImmediateConnection {
  /** The first row of a query that was compiled before. */
  first<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Row | undefined
  all<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): readonly Row[]
  /** Differs from before if another connection, of this process or another, has committed since. */
  version(): number
  /** Begins a transaction that reads. Several reads in one cost less than one transaction for each. */
  begin(): void
  /** Ends it. */
  end(): void
}

/** A connection whose writes wait for nothing but a lock of the file. Nobody else may use it between two of them. */
export interface DirectConnection {
  /** The first row of a query that was compiled before. */
  first<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Row | undefined
  run(query: CompiledQuery, parameters: readonly unknown[]): void
  /** Runs `work` as one transaction, once it has the lock. */
  atomically<T>(work: () => T): Promise<T>
}

/** The connections and hooks of a storage over Kysely. */
export interface Connections {
  /** Runs every write and every transaction. */
  readonly writer: Writer
  /** Runs every read outside a transaction. */
  readonly reader: Writer
  /** A faster way to the rows of a compiled query than through `reader`. */
  readonly immediate?: ImmediateConnection
  /** A faster way to write by compiled queries than through `writer`, on the same connection. */
  readonly direct?: DirectConnection
  /** Runs once a destroyed secret is gone from the tables. */
  readonly secretErased?: () => Promise<void>
  readonly close: () => Promise<void>
  /** Runs writes one at a time. Writes that share a transaction need it. */
  readonly serialize?: Serialize | undefined
  /** Lets writes share a commit. Without it, each has its own. */
  readonly commits?: Commits
  /** Waits before a verb of a loop that has kept the event loop from others for a while. */
  readonly giveWay?: () => Promise<void> | undefined
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

type Query<T> = (db: Writer) => Promise<T>

const runOnce: Run = (work) => work()
const retryIfUndone: Run = (work) => retry(work, undoneWork)

const unchanged = (error: unknown): unknown => error

async function allRows<Row>(
  db: Writer,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[],
): Promise<readonly Row[]> {
  return (await db.executeQuery<Row>({ ...query, parameters })).rows
}

export async function firstRow<Row>(
  db: Writer,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[],
): Promise<Row | undefined> {
  return (await allRows(db, query, parameters))[0]
}

function tooLong(): never {
  throw new LicensingError('unavailable', 'The transaction took too long')
}

/** Runs the verbs of a transaction. Nothing is retried or counted here: the transaction is, as a whole. */
export class TransactionExecutor implements Executor {
  readonly hot: HotQueries
  readonly blocksLoop: boolean
  /** True once the transaction has destroyed a secret. */
  hasErased = false
  readonly #db: Writer
  readonly #inFlight = new InFlight('The transaction is over')
  readonly direct: DirectConnection | undefined
  readonly #giveWay: Connections['giveWay']
  #fault: { readonly error: unknown } | null = null

  constructor(
    db: Writer,
    hot: HotQueries,
    direct: DirectConnection | undefined,
    giveWay: Connections['giveWay'],
  ) {
    this.#db = db
    this.hot = hot
    this.direct = direct
    this.blocksLoop = !isPostgres(db)
    this.#giveWay = giveWay
  }

  read<T>(query: (db: Reader) => Promise<T>): Promise<T> {
    return this.write(query)
  }

  readFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined> {
    return this.write((db) => firstRow(db, query, parameters))
  }

  readAll<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<readonly Row[]> {
    return this.write((db) => allRows(db, query, parameters))
  }

  writeFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined> {
    return this.write((db) => firstRow(db, query, parameters))
  }

  async write<T>(query: Query<T>): Promise<T> {
    this.#inFlight.enter()
    try {
      await this.#giveWay?.()
      return await query(this.#db)
    } catch (cause) {
      const error = toLicensingError(cause)
      this.#fault ??= { error }
      throw error
    } finally {
      this.#inFlight.leave()
    }
  }

  directly<T>(work: () => T): Promise<T> {
    return this.write(async () => work())
  }

  together<T>(work: Query<T>): Promise<T> {
    return this.write(work)
  }

  atomically<T>(work: Query<T>): Promise<T> {
    return this.write(work)
  }

  async secretErased(): Promise<void> {
    this.hasErased = true
  }

  /**
   * Runs the work of the transaction, for at most `limit` milliseconds. A verb that it did not wait for comes to its end, and no
   * verb works afterwards: the connection may then be in the transaction of others, or in none. A verb that rejected may have
   * written a part, and has ended a transaction of PostgreSQL. So the work rejects as well, even if it caught the error.
   */
  async whole<T>(work: (executor: this) => Promise<T>, limit: number | undefined): Promise<T> {
    const working = work(this)
    const done = limit === undefined ? working : withTimeLimit(working, limit, tooLong)
    const result = await done.finally(() => this.#inFlight.close())
    if (this.#fault !== null) throw this.#fault.error
    return result
  }
}

/** Runs the verbs outside a transaction, and transactions. It counts them all, so that closing waits for them. */
export class StorageExecutor implements Executor {
  readonly hot: HotQueries
  readonly blocksLoop: boolean
  readonly #connections: Connections
  readonly #inFlight = new InFlight('The storage is closed')
  readonly #run: Run
  readonly #serialize: Run
  readonly #commits: Commits
  #closed: Promise<void> | undefined

  constructor(connections: Connections) {
    const { writer } = connections
    this.#connections = connections
    this.hot = hotQueries(writer)
    this.blocksLoop = !isPostgres(writer)
    // A conflict ends a host's transaction as a whole, so only the host can run it again.
    this.#run = isPostgres(writer) && !writer.isTransaction ? retryIfUndone : runOnce
    this.#serialize = connections.serialize ?? runOnce
    this.#commits = connections.commits ?? ownCommits
  }

  read<T>(query: (db: Reader) => Promise<T>): Promise<T> {
    const { reader, giveWay } = this.#connections
    return this.#call(async () => {
      await giveWay?.()
      return this.#run(() => query(reader))
    })
  }

  readFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined> {
    const { immediate, reader } = this.#connections
    if (immediate !== undefined) return this.#call(() => immediate.first(query, parameters))
    return this.#call(() => this.#run(() => firstRow(reader, query, parameters)))
  }

  /** The connection whose reads wait for nothing, if there is one. Read from it inside {@link immediately} alone. */
  get immediate(): ImmediateConnection | undefined {
    return this.#connections.immediate
  }

  /** Runs reads that wait for nothing. */
  immediately<T>(reads: () => T): T {
    this.#inFlight.check()
    try {
      return reads()
    } catch (error) {
      throw toLicensingError(error)
    }
  }

  readAll<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<readonly Row[]> {
    return this.#call(() => this.#run(() => allRows(this.#connections.reader, query, parameters)))
  }

  writeFirst<Row>(query: CompiledQuery<Row>, parameters: readonly unknown[]): Promise<Row | undefined> {
    return this.write((db) => firstRow(db, query, parameters))
  }

  write<T>(query: Query<T>): Promise<T> {
    const { writer } = this.#connections
    return this.#write({ mayShare: true, alone: () => query(writer), within: query })
  }

  get direct(): DirectConnection | undefined {
    return this.#connections.direct
  }

  directly<T>(work: () => T): Promise<T> {
    const { direct } = this
    if (direct === undefined) throw new TypeError('This storage has no direct connection')
    return this.#write({ mayShare: true, alone: () => direct.atomically(work), within: async () => work() })
  }

  together<T>(work: Query<T>): Promise<T> {
    return this.#inOneStep(work, true)
  }

  atomically<T>(work: Query<T>): Promise<T> {
    return this.#inOneStep(work, false)
  }

  async secretErased(): Promise<void> {
    await this.#connections.secretErased?.()
  }

  /** Runs `work` as one transaction. An error that `work` throws comes out unchanged. */
  transaction<T>(
    work: (executor: TransactionExecutor) => Promise<T>,
    { alone = false }: TransactionOptions = {},
  ): Promise<T> {
    const transact = () => this.#transactOnce(work, !alone)
    return this.#call(() => this.#serialize(() => this.#run(transact)), unchanged)
  }

  close(): Promise<void> {
    this.#closed ??= this.#inFlight.close().then(this.#connections.close)
    return this.#closed
  }

  #inOneStep<T>(work: Query<T>, mayShare: boolean): Promise<T> {
    const { writer } = this.#connections
    const alone = () => (writer.isTransaction ? work(writer) : beginOn(writer).execute(work))
    return this.#write({ mayShare, alone, within: work })
  }

  #write<T>(write: PendingWrite<T>): Promise<T> {
    return this.#call(() => this.#serialize(() => this.#run(() => this.#commits.run(write))))
  }

  async #transactOnce<T>(work: (executor: TransactionExecutor) => Promise<T>, mayShare: boolean): Promise<T> {
    let executor: TransactionExecutor | undefined
    let thrown: { readonly error: unknown } | undefined
    const within = async (db: Writer): Promise<T> => {
      // The others of a shared transaction would wait as well.
      const { direct, giveWay } = this.#connections
      executor = new TransactionExecutor(db, this.hot, direct, mayShare ? undefined : giveWay)
      try {
        return await executor.whole(work, mayShare ? this.#commits.patience : undefined)
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      const result = await this.#commits.run({ mayShare, alone: () => this.#transact(within), within })
      if (executor?.hasErased === true) await this.secretErased()
      return result
    } catch (error) {
      // The commit may fail after the work has thrown, because others share it. Then nothing that the work saw is true.
      throw thrown?.error === error ? error : toLicensingError(error)
    }
  }

  #transact<T>(work: Query<T>): Promise<T> {
    const { writer } = this.#connections
    return writer.isTransaction ? inSavepoint(writer, 'heartwood', work) : beginOn(writer).execute(work)
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
