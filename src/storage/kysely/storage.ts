import { sql } from 'kysely'
import type { Storage, StorageSession, TransactionOptions } from '../../core/storage/index.ts'
import { declareImmediateReads, type ImmediateReads } from '../../core/storage/immediate-reads.ts'
import { isAppId } from './apps.ts'
import { type Connections, StorageExecutor } from './executor.ts'
import { standingRows } from './rows.ts'
import { KyselySession } from './session.ts'

function immediateReads({ immediately, hot }: StorageExecutor): ImmediateReads | null {
  if (immediately === null) return null
  return {
    findCurrentStanding: (appSlugOrId, installationId) => {
      const query = isAppId(appSlugOrId) ? hot.standingByAppId : hot.standingByAppSlug
      return standingRows.toRecordOrNull(immediately(query, [appSlugOrId, installationId]))
    },
  }
}

/** A storage in a database that somebody has opened and migrated. */
export class KyselyStorage extends KyselySession implements Storage {
  declare protected readonly executor: StorageExecutor

  constructor(connections: Connections) {
    const executor = new StorageExecutor(connections)
    super(executor)
    const reads = immediateReads(executor)
    if (reads !== null) declareImmediateReads(this, reads)
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
