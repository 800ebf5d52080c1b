import { sql } from 'kysely'
import type { Storage, StorageSession, TransactionOptions } from '../../core/storage/index.ts'
import { type Connections, StorageExecutor } from './executor.ts'
import { KyselySession } from './session.ts'

/** A storage in a database that somebody has opened and migrated. */
export class KyselyStorage extends KyselySession implements Storage {
  declare protected readonly executor: StorageExecutor

  constructor(connections: Connections) {
    super(new StorageExecutor(connections))
  }

  transaction<T>(work: (tx: StorageSession) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.executor.transaction((executor) => work(new KyselySession(executor)), options)
  }

  async ping(): Promise<void> {
    await this.executor.read((db) => sql`select 1`.execute(db))
  }

  close(): Promise<void> {
    return this.executor.close()
  }
}
