import { sql } from 'kysely'
import type { Storage, StorageSession, TransactionOptions } from '../../core/storage/index.ts'
import { declareImmediateReads, type ImmediateReads } from '../../core/storage/immediate-reads.ts'
import { isAppId } from './apps.ts'
import type { Connections, ImmediateConnection } from './connections.ts'
import { StorageExecutor } from './executor.ts'
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

/** The verbs that read in several steps. Each counts as one call, so that closing does not come between its steps. */
const stepwise = [
  'listLicenses',
  'countLicenses',
  'countSeen',
  'countStatuses',
  'listCustomers',
  'countCustomers',
  'listDeliveries',
  'countDeliveries',
  'findWebhookQueues',
  'listAuditEntries',
  'countAuditEntries',
  'search',
] as const satisfies readonly (keyof StorageSession)[]

function callOf(session: StorageSession, verb: (typeof stepwise)[number]) {
  return session[verb].bind(session) as (...given: readonly never[]) => Promise<unknown>
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

  // On the prototype, because a host's own storage may have this one as its prototype.
  static {
    for (const verb of stepwise)
      Reflect.set(this.prototype, verb, function (this: KyselyStorage, ...given: readonly never[]) {
        return this.executor.inSteps((executor) => callOf(new KyselySession(executor), verb)(...given))
      })
  }

  async ping(): Promise<void> {
    await this.executor.read((db) => sql`select 1`.execute(db))
  }

  close(): Promise<void> {
    return this.executor.close()
  }
}
