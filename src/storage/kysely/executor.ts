import type { CompiledQuery, Kysely } from 'kysely'
import { LicensingError } from '../../core/errors.ts'
import { withTimeLimit } from '../../core/runtime/time-limit.ts'
import type { TransactionOptions } from '../../core/storage/index.ts'
import { isUndone, toLicensingError } from '../errors.ts'
import { retry, type RetryPolicy } from '../retry.ts'
import type { Database } from '../schema.ts'
import { ownCommits, type Commits, type PendingWrite } from './commits.ts'
import type { Connections, DirectConnection, ImmediateConnection, WriteLog } from './connections.ts'
import { beginOn, isPostgres } from './dialect.ts'
import { type HotQueries, hotQueries } from './hot-queries.ts'
import { InFlight } from './in-flight.ts'
import { inSavepoint } from './savepoint.ts'

/** The whole of a database. */
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
  /**
   * Runs a few short statements of {@link direct} in one step. It may share its commit with others. If one of them fails, the
   * work is undone and runs again. So it must do nothing but read and write the database.
   */
  directly<T>(work: () => T): Promise<T>
  /** Runs a few short statements in one step. It may share its commit with others. The first must be a write. */
  together<T>(work: (db: Writer) => Promise<T>): Promise<T>
  /** Runs several statements, or one that takes long, in one step. The first must be a write, so that it takes the lock. */
  atomically<T>(work: (db: Writer) => Promise<T>): Promise<T>
  /** Verbs call this after they have destroyed a secret. */
  secretErased(): Promise<void>
  /** Verbs call this before they write very much. */
  willWriteMuch(): void
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
  // A program cannot see the likely cause: its own write waits for the transaction, and the transaction for the write.
  throw new LicensingError(
    'unavailable',
    'The transaction took too long. Inside it use only its tx, because any other write waits for its end',
  )
}

type TransactionHooks = { readonly [Hook in 'direct' | 'giveWay' | 'log']?: Connections[Hook] | undefined }

/** Runs the verbs of a transaction. Nothing is retried or counted here: the transaction is, as a whole. */
export class TransactionExecutor implements Executor {
  readonly hot: HotQueries
  readonly blocksLoop: boolean
  /** True once the transaction has destroyed a secret. */
  hasErased = false
  /** True once the transaction holds the log. */
  hasHeldLog = false
  readonly #db: Writer
  readonly #inFlight = new InFlight('The transaction is over')
  readonly direct: DirectConnection | undefined
  readonly #giveWay: Connections['giveWay']
  readonly #log: WriteLog | undefined
  #fault: { readonly error: unknown } | null = null

  constructor(db: Writer, hot: HotQueries, { direct, giveWay, log }: TransactionHooks) {
    this.#db = db
    this.hot = hot
    this.direct = direct
    this.blocksLoop = !isPostgres(db)
    this.#giveWay = giveWay
    this.#log = log
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

  willWriteMuch(): void {
    // Nobody moves a log that is held after the end.
    this.#inFlight.check()
    this.#log?.hold()
    this.hasHeldLog = this.#log !== undefined
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
    // The commit takes as long as the work.
    if (this.hasHeldLog) await this.#log!.giveWay()
    return result
  }
}

/** The calls inside a call that is counted already. */
const uncounted: Pick<InFlight, 'check' | 'enter' | 'leave' | 'close'> = {
  check: () => {},
  enter: () => {},
  leave: () => {},
  close: async () => {},
}

/** Runs the verbs outside a transaction, and transactions. It counts them all, so that closing waits for them. */
export class StorageExecutor implements Executor {
  readonly hot: HotQueries
  readonly blocksLoop: boolean
  readonly #connections: Connections
  readonly #inFlight: Pick<InFlight, 'check' | 'enter' | 'leave' | 'close'>
  /** Runs the steps of a call. */
  #steps: StorageExecutor | undefined
  readonly #run: Run
  readonly #serialize: Run
  readonly #commits: Commits
  #closed: Promise<void> | undefined

  constructor(
    connections: Connections,
    hot: HotQueries = hotQueries(connections.writer),
    inFlight: Pick<InFlight, 'check' | 'enter' | 'leave' | 'close'> = new InFlight('The storage is closed'),
  ) {
    const { writer } = connections
    this.#connections = connections
    this.hot = hot
    this.#inFlight = inFlight
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
    const { immediate, reader, giveTurn } = this.#connections
    if (immediate !== undefined)
      return this.#call(() => {
        const first = () => immediate.first(query, parameters)
        return giveTurn?.()?.then(first) ?? first()
      })
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
    return this.#write({ mayShare: true, alone: () => direct.atomically(work), step: work })
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

  /** Outside a transaction of its own, a write leaves the log to its commit. */
  willWriteMuch(): void {}

  /** Runs `work` as one transaction. An error that `work` throws comes out unchanged. */
  transaction<T>(
    work: (executor: TransactionExecutor) => Promise<T>,
    { alone = false }: TransactionOptions = {},
  ): Promise<T> {
    const transact = () => this.#transactOnce(work, !alone)
    return this.#call(() => this.#serialize(() => this.#run(transact)), unchanged)
  }

  /** Runs a call of several steps, which counts as one: closing waits for its last step. */
  inSteps<T>(call: (executor: Executor) => Promise<T>): Promise<T> {
    const steps = (this.#steps ??= new StorageExecutor(this.#connections, this.hot, uncounted))
    return this.#call(() => call(steps), unchanged)
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
      const hooks = { ...this.#connections, ...(mayShare && { giveWay: undefined, log: undefined }) }
      executor = new TransactionExecutor(db, this.hot, hooks)
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
    } finally {
      if (executor?.hasHeldLog === true) await this.#connections.log?.move()
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
