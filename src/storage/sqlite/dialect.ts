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
import { violationOf } from '../kysely/errors.ts'

/**
 * Kysely's SQLite with what a file shared by several processes needs: transactions begin immediate, since a deferred one
 * that reads and then writes fails at once when another process wrote in between; migrations run inside one; and a
 * statement that meets another process's lock waits without blocking this process.
 */
export class SqliteWriterDialect extends SqliteDialect {
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

const patienceMs = 5000
const pauseMs = { least: 2, most: 25 }

class PatientConnection implements DatabaseConnection {
  readonly #inner: DatabaseConnection

  constructor(inner: DatabaseConnection) {
    this.#inner = inner
  }

  async executeQuery<Entry>(query: CompiledQuery): Promise<QueryResult<Entry>> {
    const wanted = query.sql === 'begin' ? { ...query, sql: 'begin immediate' } : query
    const deadline = Date.now() + patienceMs
    for (;;) {
      try {
        return await this.#inner.executeQuery<Entry>(wanted)
      } catch (error) {
        // Only a statement that would begin to write can meet a lock, so trying it again repeats nothing.
        if (violationOf(error) !== 'busy' || Date.now() > deadline) throw error
        await pause()
      }
    }
  }

  streamQuery<Entry>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Entry>> {
    return this.#inner.streamQuery<Entry>(query, chunkSize)
  }
}

/** For no fixed time, so that two who wait do not keep meeting. */
function pause(): Promise<void> {
  const milliseconds = pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least)
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
