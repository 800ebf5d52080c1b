import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely'
import type { Database } from '../schema.ts'
import type { Connection } from './connection.ts'
import { retryWhileLocked } from './lock.ts'

export function kyselyOver(connection: Connection): Kysely<Database> {
  return new Kysely<Database>({ dialect: new SharedSqliteDialect({ database: connection }) })
}

/**
 * Kysely's SQLite for a file that several processes share. Three things differ:
 *
 * - Transactions begin immediate. A deferred transaction that reads and then writes fails at once if another process wrote
 *   in between.
 * - Migrations run inside a transaction.
 * - A statement that meets another process's lock waits without blocking this process.
 */
class SharedSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(config: SqliteDialectConfig) {
    super(config)
    this.#config = config
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }

  override createDriver(): Driver {
    return new SharedDriver(this.#config)
  }
}

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class SharedDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    return new WaitingConnection(await super.acquireConnection())
  }
}

class WaitingConnection implements DatabaseConnection {
  readonly #inner: DatabaseConnection

  constructor(inner: DatabaseConnection) {
    this.#inner = inner
  }

  async executeQuery<Entry>(query: CompiledQuery): Promise<QueryResult<Entry>> {
    if (query.sql === 'rollback') return this.#rollback(query)
    const wanted = query.sql === 'begin' ? { ...query, sql: 'begin immediate' } : query
    // Only a statement that begins to write can meet a lock, so running it again repeats nothing.
    return retryWhileLocked(() => this.#inner.executeQuery<Entry>(wanted))
  }

  /** SQLite rolls back by itself on a full disk. Then this rollback must not hide the error of the full disk. */
  async #rollback<Entry>(query: CompiledQuery): Promise<QueryResult<Entry>> {
    try {
      return await this.#inner.executeQuery<Entry>(query)
    } catch (error) {
      if (error instanceof Error && /no transaction is active/.test(error.message)) return { rows: [] }
      throw error
    }
  }

  streamQuery<Entry>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Entry>> {
    return this.#inner.streamQuery<Entry>(query, chunkSize)
  }
}
