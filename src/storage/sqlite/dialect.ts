import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely'
import { patiently } from './patience.ts'

/**
 * Kysely's SQLite with what a file shared by several processes needs: transactions begin immediate, since a deferred one
 * that reads and then writes fails at once when another process wrote in between; migrations run inside one; and a
 * statement that meets another process's lock waits without blocking this process.
 */
export class PatientSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(config: SqliteDialectConfig) {
    super(config)
    this.#config = config
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }

  override createDriver(): Driver {
    return new PatientDriver(this.#config)
  }
}

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class PatientDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    return new PatientConnection(await super.acquireConnection())
  }
}

class PatientConnection implements DatabaseConnection {
  readonly #inner: DatabaseConnection

  constructor(inner: DatabaseConnection) {
    this.#inner = inner
  }

  async executeQuery<Entry>(query: CompiledQuery): Promise<QueryResult<Entry>> {
    if (query.sql === 'rollback') return this.#rollback(query)
    const wanted = query.sql === 'begin' ? { ...query, sql: 'begin immediate' } : query
    // Only a statement that would begin to write can meet a lock, so trying it again repeats nothing.
    return patiently(() => this.#inner.executeQuery<Entry>(wanted))
  }

  /** A full disk has SQLite roll back by itself, and the error to tell is that one. */
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
