import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import { furthestDue } from '../../core/storage/deliveries.ts'
import type {
  DeliveryFilter,
  DeliveryPatch,
  DeliveryRecord,
  DeliveryStorage,
  LeaseRequest,
  NumericDate,
  Page,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { skipLocked } from './dialect.ts'
import type { Reader, Writer } from './executor.ts'
import { isPresent } from './presence.ts'
import { countOf, newestFirst } from './queries.ts'
import { deliveryRows } from './rows.ts'
import { countList, type List, readList } from './walk.ts'
import { KyselyWebhooks } from './webhooks.ts'

export abstract class KyselyDeliveries extends KyselyWebhooks implements DeliveryStorage {
  async insertDelivery(delivery: DeliveryRecord): Promise<void> {
    await this.executor.write((db) =>
      db.insertInto('heartwood_delivery').values(deliveryRows.toRow(delivery)).execute(),
    )
  }

  async findDelivery(appId: string, id: string): Promise<DeliveryRecord | null> {
    const row = await this.executor.read((db) =>
      matching(db, { appId }).selectAll().where('id', '=', id).executeTakeFirst(),
    )
    return deliveryRows.toRecordOrNull(row)
  }

  async updateDelivery(
    id: string,
    expectedVersion: number,
    patch: DeliveryPatch,
  ): Promise<DeliveryRecord | null> {
    const row = await this.executor.write((db) =>
      db
        .updateTable('heartwood_delivery')
        .set({ ...deliveryRows.toColumns(patch), version: expectedVersion + 1 })
        .where('id', '=', id)
        .where('version', '=', expectedVersion)
        .returningAll()
        .executeTakeFirst(),
    )
    return deliveryRows.toRecordOrNull(row)
  }

  async listDeliveries(filter: DeliveryFilter, page: Page): Promise<readonly DeliveryRecord[]> {
    const { executor } = this
    const rows = executor.blocksLoop
      ? await readList(executor, deliveryList(filter), page, (query) => query.selectAll())
      : await executor.read((db) => newestFirst(matching(db, filter).selectAll(), page).execute())
    return deliveryRows.toRecords(rows)
  }

  countDeliveries(filter: DeliveryFilter): Promise<number> {
    const { executor } = this
    if (executor.blocksLoop) return countList(executor, deliveryList(filter))
    return executor.read((db) => countOf(matching(db, filter)))
  }

  async listAppsWithDueDeliveries(now: NumericDate): Promise<readonly string[]> {
    const rows = await this.executor.read((db) => selectAppsWithDue(db, now).execute())
    return rows.map(({ id }) => id)
  }

  async leaseDeliveries(request: LeaseRequest): Promise<readonly DeliveryRecord[]> {
    const rows = await this.executor.write((db) => updateDue(db, request).execute())
    return deliveryRows.toRecords(rows).toSorted(bySendingOrder)
  }

  async pruneDeliveries(before: NumericDate, limit: number): Promise<number> {
    const rows = await this.executor.write((db) => deleteOld(db, before, limit).execute())
    return rows.length
  }
}

/** A list of values makes the database enter the index once for each, and read only deliveries that are due. */
const priorities: readonly number[] = [0, 1]

function matching(
  db: Reader,
  { appId, state }: DeliveryFilter,
): SelectQueryBuilder<Database, 'heartwood_delivery', unknown> {
  const query = db.selectFrom('heartwood_delivery').where('app_id', '=', appId)
  return state === undefined ? query : query.where('state', '=', state)
}

/** Both filters have an index in the order of the ids. */
function deliveryList(filter: DeliveryFilter): List<'heartwood_delivery'> {
  return { indexed: (db) => matching(db, filter), conditions: [] }
}

/** `isDue` in SQL. */
function isDueAt(now: NumericDate): RawBuilder<SqlBool> {
  return sql<SqlBool>`(due_at <= ${now} or due_at > ${now + furthestDue})`
}

function selectAppsWithDue(db: Reader, now: NumericDate) {
  return db
    .selectFrom('heartwood_app')
    .select('id')
    .where(isPresent('id'))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('heartwood_delivery')
          .select(sql`1`.as('one'))
          .whereRef('heartwood_delivery.app_id', '=', 'heartwood_app.id')
          .where('priority', 'in', priorities)
          .where(isDueAt(now)),
      ),
    )
}

function updateDue(db: Writer, { appId, now, until, limit }: LeaseRequest) {
  const due = db
    .selectFrom('heartwood_delivery')
    .select('id')
    .where('app_id', '=', appId)
    .where(isPresent('app_id'))
    .where('priority', 'in', priorities)
    .where(isDueAt(now))
    .orderBy('priority')
    .orderBy('due_at')
    .orderBy('id')
    .limit(limit)
    .modifyEnd(skipLocked(db))
  // As a sub-select, the query could run more than once and lock other rows each time.
  return db
    .with(
      (name) => name('due').materialized(),
      () => due,
    )
    .updateTable('heartwood_delivery')
    .set(({ eb }) => ({ due_at: until, version: eb('version', '+', 1) }))
    .where('id', 'in', ({ selectFrom }) => selectFrom('due').select('due.id'))
    .returningAll()
}

/** The lease has overwritten `dueAt`, so the order in which deliveries became due is taken from their ids. */
function bySendingOrder(a: DeliveryRecord, b: DeliveryRecord): number {
  return a.priority - b.priority || (a.id < b.id ? -1 : 1)
}

function deleteOld(db: Writer, before: NumericDate, limit: number) {
  const old = db
    .selectFrom('heartwood_delivery')
    .select('id')
    .where('due_at', 'is', null)
    .where('created_at', '<', before)
    .orderBy('created_at')
    .limit(limit)
    .modifyEnd(skipLocked(db))
  return db
    .with(
      (name) => name('old').materialized(),
      () => old,
    )
    .deleteFrom('heartwood_delivery')
    .where('id', 'in', ({ selectFrom }) => selectFrom('old').select('old.id'))
    .returning('id')
}
