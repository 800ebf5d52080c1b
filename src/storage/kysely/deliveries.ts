import { furthestDue } from '../../core/storage/due.ts'
import { sql, type Kysely, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type {
  LeaseRequest,
  DeliveryFilter,
  DeliveryRecord,
  StorageSession,
} from '../../core/storage/index.ts'
import type { Database } from '../schema.ts'
import { type Access, countOf, newestFirst } from './session.ts'
import { skipLocked } from './dialect.ts'
import { deliveryRows } from './rows.ts'

type DeliveryVerbs = Pick<
  StorageSession,
  | 'insertDelivery'
  | 'findDelivery'
  | 'updateDelivery'
  | 'listDeliveries'
  | 'countDeliveries'
  | 'listAppsWithDueDeliveries'
  | 'leaseDeliveries'
  | 'pruneDeliveries'
>

/** Spelled out, so that the index is entered once for each and no delivery that is not due is read. */
const priorities: readonly number[] = [0, 1]

export function deliveryVerbs({ read, write }: Access): DeliveryVerbs {
  return {
    insertDelivery: async (delivery) => {
      await write.insertInto('heartwood_delivery').values(deliveryRows.toRow(delivery)).execute()
    },
    findDelivery: async (appId, id) => {
      const query = read.selectFrom('heartwood_delivery').selectAll().where('app_id', '=', appId)
      return deliveryRows.toRecordOrNull(await query.where('id', '=', id).executeTakeFirst())
    },
    updateDelivery: async (id, expectedVersion, patch) => {
      const query = write
        .updateTable('heartwood_delivery')
        .set({ ...deliveryRows.toColumns(patch), version: expectedVersion + 1 })
        .where('id', '=', id)
        .where('version', '=', expectedVersion)
        .returningAll()
      return deliveryRows.toRecordOrNull(await query.executeTakeFirst())
    },
    listDeliveries: async (filter, page) => {
      const rows = await newestFirst(matching(read, filter).selectAll(), page).execute()
      return rows.map((row) => deliveryRows.toRecord(row))
    },
    countDeliveries: (filter) => countOf(matching(read, filter)),
    listAppsWithDueDeliveries: (now) => appsWithDue(read, now),
    leaseDeliveries: (claim) => leaseDeliveries(write, claim),
    pruneDeliveries: (before, limit) => prune(write, before, limit),
  }
}

function matching(
  db: Kysely<Database>,
  { appId, state }: DeliveryFilter,
): SelectQueryBuilder<Database, 'heartwood_delivery', unknown> {
  const query = db.selectFrom('heartwood_delivery').where('app_id', '=', appId)
  return state === undefined ? query : query.where('state', '=', state)
}

/** As `isDue` says it. */
function isDueAt(now: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`(due_at <= ${now} or due_at > ${now + furthestDue})`
}

async function appsWithDue(db: Kysely<Database>, now: number): Promise<string[]> {
  const rows = await db
    .selectFrom('heartwood_app')
    .select('id')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('heartwood_delivery')
          .select(sql`1`.as('one'))
          .whereRef('heartwood_delivery.app_id', '=', 'heartwood_app.id')
          .where('priority', 'in', priorities)
          .where(isDueAt(now)),
      ),
    )
    .execute()
  return rows.map(({ id }) => id)
}

async function leaseDeliveries(
  db: Kysely<Database>,
  { appId, now, until, limit }: LeaseRequest,
): Promise<DeliveryRecord[]> {
  const due = db
    .selectFrom('heartwood_delivery')
    .select('id')
    .where('app_id', '=', appId)
    .where('priority', 'in', priorities)
    .where(isDueAt(now))
    .orderBy('priority')
    .orderBy('due_at')
    .orderBy('id')
    .limit(limit)
    .modifyEnd(skipLocked(db))
  // A table of its own: as a sub-select it may be run, and lock rows, more than once.
  const rows = await db
    .with(
      (name) => name('due').materialized(),
      () => due,
    )
    .updateTable('heartwood_delivery')
    .set(({ eb }) => ({ due_at: until, version: eb('version', '+', 1) }))
    .where('id', 'in', ({ selectFrom }) => selectFrom('due').select('due.id'))
    .returningAll()
    .execute()
  return rows.map((row) => deliveryRows.toRecord(row)).toSorted(firstToSend)
}

/** Ids rise with time, and of what is claimed together little else tells the order any more. */
function firstToSend(a: DeliveryRecord, b: DeliveryRecord): number {
  return a.priority - b.priority || (a.id < b.id ? -1 : 1)
}

async function prune(db: Kysely<Database>, before: number, limit: number): Promise<number> {
  const old = db
    .selectFrom('heartwood_delivery')
    .select('id')
    .where('due_at', 'is', null)
    .where('created_at', '<', before)
    .orderBy('created_at')
    .limit(limit)
    .modifyEnd(skipLocked(db))
  const rows = await db
    .with(
      (name) => name('old').materialized(),
      () => old,
    )
    .deleteFrom('heartwood_delivery')
    .where('id', 'in', ({ selectFrom }) => selectFrom('old').select('old.id'))
    .returning('id')
    .execute()
  return rows.length
}
