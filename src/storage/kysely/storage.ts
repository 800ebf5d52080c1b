import { sql } from 'kysely'
import type {
  CustomerRecord,
  DeliveryRecord,
  LicenseRecord,
  SeenCount,
  Storage,
  StorageSession,
  TransactionOptions,
} from '../../core/storage/index.ts'
import { declareImmediateReads, type ImmediateReads } from '../../core/storage/immediate-reads.ts'
import { isAppId } from './apps.ts'
import { type Connections, type ImmediateConnection, StorageExecutor } from './executor.ts'
import type { HotQueries } from './hot-queries.ts'
import { IssuerMemory } from './issuer-memory.ts'
import { appRows, signingKeyRows, standingRows } from './rows.ts'
import { KyselySession } from './session.ts'

function issuerMemory(immediate: ImmediateConnection, hot: HotQueries): IssuerMemory {
  return new IssuerMemory(immediate.version, (appSlugOrId) => {
    const query = isAppId(appSlugOrId) ? hot.appById : hot.appBySlug
    const app = appRows.toRecordOrNull(immediate.first(query, [appSlugOrId]))
    if (app === null) return null
    return { app, keys: signingKeyRows.toRecords(immediate.all(hot.signingKeys, [app.id])) }
  })
}

function immediateReads(executor: StorageExecutor): ImmediateReads | null {
  const { immediate, hot } = executor
  if (immediate === undefined) return null
  const issuers = issuerMemory(immediate, hot)
  return {
    findCurrentStanding: (appSlugOrId, installationId) => {
      const query = isAppId(appSlugOrId) ? hot.standingByAppId : hot.standingByAppSlug
      const row = executor.immediately(() => immediate.first(query, [appSlugOrId, installationId]))
      return standingRows.toRecordOrNull(row)
    },
    findStanding: (appId, id) => {
      const row = executor.immediately(() => immediate.first(hot.standing, [appId, id]))
      return standingRows.toRecordOrNull(row)
    },
    findTokenIssuer: (appSlugOrId) => executor.immediately(() => issuers.find(appSlugOrId)),
    together: (reads) => {
      executor.immediately(immediate.begin)
      try {
        return reads()
      } finally {
        executor.immediately(immediate.end)
      }
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

  // The verbs that read in several steps. Each counts as one call, so that closing does not come between its steps.

  override listLicenses(
    ...given: Parameters<KyselySession['listLicenses']>
  ): Promise<readonly LicenseRecord[]> {
    return this.#inSteps((session) => session.listLicenses(...given))
  }

  override countLicenses(...given: Parameters<KyselySession['countLicenses']>): Promise<number> {
    return this.#inSteps((session) => session.countLicenses(...given))
  }

  override countSeen(...given: Parameters<KyselySession['countSeen']>): Promise<readonly SeenCount[]> {
    return this.#inSteps((session) => session.countSeen(...given))
  }

  override listCustomers(
    ...given: Parameters<KyselySession['listCustomers']>
  ): Promise<readonly CustomerRecord[]> {
    return this.#inSteps((session) => session.listCustomers(...given))
  }

  override countCustomers(...given: Parameters<KyselySession['countCustomers']>): Promise<number> {
    return this.#inSteps((session) => session.countCustomers(...given))
  }

  override listDeliveries(
    ...given: Parameters<KyselySession['listDeliveries']>
  ): Promise<readonly DeliveryRecord[]> {
    return this.#inSteps((session) => session.listDeliveries(...given))
  }

  override countDeliveries(...given: Parameters<KyselySession['countDeliveries']>): Promise<number> {
    return this.#inSteps((session) => session.countDeliveries(...given))
  }

  #inSteps<T>(call: (session: KyselySession) => Promise<T>): Promise<T> {
    return this.executor.inSteps((executor) => call(new KyselySession(executor)))
  }

  async ping(): Promise<void> {
    await this.executor.read((db) => sql`select 1`.execute(db))
  }

  close(): Promise<void> {
    return this.executor.close()
  }
}
