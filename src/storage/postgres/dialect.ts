import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import type { Database } from '../schema.ts'
import type { Session, Sessions } from './session.ts'

export function kyselyOver(sessions: Sessions): Kysely<Database> {
  return new Kysely<Database>({ dialect: new SessionDialect(sessions) })
}

/** Kysely's PostgreSQL over sessions of postgres.js. */
class SessionDialect implements Dialect {
  readonly #sessions: Sessions

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  createAdapter(): DialectAdapter {
    return new PostgresAdapter()
  }

  createDriver(): Driver {
    return new SessionDriver(this.#sessions)
  }

  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new PostgresIntrospector(db)
  }

  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler()
  }
}

class SessionDriver implements Driver {
  readonly #sessions: Sessions

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SessionConnection> {
    return new SessionConnection(await this.#sessions.acquire())
  }

  async beginTransaction(connection: SessionConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel, accessMode = '' } = settings
    const isolation = isolationLevel === undefined ? '' : `isolation level ${isolationLevel} `
    await connection.session.begin(`${isolation}${accessMode}`)
  }

  async commitTransaction(connection: SessionConnection): Promise<void> {
    await connection.session.commit()
  }

  async rollbackTransaction(connection: SessionConnection): Promise<void> {
    await connection.session.rollback()
  }

  async releaseConnection(connection: SessionConnection): Promise<void> {
    this.#sessions.release(connection.session)
  }

  async destroy(): Promise<void> {
    await this.#sessions.close()
  }
}

class SessionConnection implements DatabaseConnection {
  readonly session: Session

  constructor(session: Session) {
    this.session = session
  }

  async executeQuery<Entry>(query: CompiledQuery): Promise<QueryResult<Entry>> {
    return { rows: [...(await this.session.run(query.sql, query.parameters))] as Entry[] }
  }

  /** The storage contract has no open cursors. */
  streamQuery(): never {
    throw new Error('Streaming is not supported')
  }
}
