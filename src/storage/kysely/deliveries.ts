import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import { furthestDue } from '../../core/storage/deliveries.ts'
import type {
  DeliveryFilter,
  DeliveryPatch,
  DeliveryRecord,
  DeliveryStorage,
  FailedPosition,
  LeaseRequest,
  NumericDate,
  Page,
  RetriedPage,
  RetryPage,
} from '../../core/storage/index.ts'
import type { Database, Row } from '../schema.ts'
import { isPostgres, skipLocked } from './dialect.ts'
import type { Reader, Writer } from './executor.ts'
import { isPresent } from './presence.ts'
import { countOf, newestFirst } from './queries.ts'
import { deliveryRows } from './rows.ts'
import { countList, type List, readList, tested } from './walk.ts'
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
    if (namesTypeAlone(filter) && !page.offset)
      return deliveryRows.toRecords(await executor.read((db) => selectOfType(db, filter, page)))
    const rows = executor.blocksLoop
      ? await readList(executor, deliveryList(filter), page, (query) => query.selectAll())
      : await executor.read((db) => newestFirst(matching(db, filter).selectAll(), page).execute())
    return deliveryRows.toRecords(rows)
  }

  async countDeliveries(filter: DeliveryFilter): Promise<number> {
    const { executor } = this
    if (!executor.blocksLoop) return executor.read((db) => countOf(matching(db, filter)))
    if (!namesTypeAlone(filter)) return countList(executor, deliveryList(filter))
    let count = 0
    for (const state of states) count += await countList(executor, deliveryList({ ...filter, state }))
    return count
  }

  countPendingDeliveries(appId: string, limit: number): Promise<number> {
    return this.executor.read((db) => countPending(db, appId, limit))
  }

  retryDeliveries(page: RetryPage): Promise<RetriedPage> {
    return this.executor.write((db) => retryFailed(db, page))
  }

  async listAppsWithDueDeliveries(now: NumericDate): Promise<readonly string[]> {
    const rows = await this.executor.read((db) => selectAppsWithDue(db, now).execute())
    return rows.map(({ id }) => id)
  }

  async leaseDeliveries(request: LeaseRequest): Promise<readonly DeliveryRecord[]> {
    const rows = await this.executor.write((db) => leaseDue(db, request))
    return deliveryRows.toRecords(rows).toSorted(bySendingOrder)
  }

  async pruneDeliveries(before: NumericDate, limit: number): Promise<number> {
    const rows = await this.executor.write((db) => deleteOld(db, before, limit).execute())
    return rows.length
  }
}

/** A list of values makes the database enter the index once for each, and read only deliveries that are due. */
const priorities: readonly number[] = [0, 1]

const states: readonly DeliveryRecord['state'][] = ['pending', 'delivered', 'failed']

type Deliveries = SelectQueryBuilder<Database, 'heartwood_delivery', unknown>

function matching(db: Reader, { appId, ...filter }: DeliveryFilter): Deliveries {
  const query = db.selectFrom('heartwood_delivery').where('app_id', '=', appId)
  return equalities(filter).reduce((found, [column, value]) => found.where(column, '=', value), query)
}

type Equality = readonly [column: 'state' | 'type' | 'license_id', value: string]

function equalities({ state, type, licenseId }: Omit<DeliveryFilter, 'appId'>): readonly Equality[] {
  return [
    ...(state === undefined ? [] : [['state', state] as const]),
    ...(type === undefined ? [] : [['type', type] as const]),
    ...(licenseId === undefined ? [] : [['license_id', licenseId] as const]),
  ]
}

/** The index of types has the state before the id: a list of one type is three lists in the order of their ids. */
function namesTypeAlone({ type, state, licenseId }: DeliveryFilter): boolean {
  return type !== undefined && state === undefined && licenseId === undefined
}

function deliveryList(filter: DeliveryFilter): List<'heartwood_delivery'> {
  const { appId, licenseId, ...others } = filter
  if (licenseId !== undefined)
    return {
      indexed: (db) => db.selectFrom('heartwood_delivery').where('license_id', '=', licenseId),
      conditions: [['app_id', appId] as const, ...equalities(others)].map(isEqual),
    }
  if (namesTypeAlone(filter))
    return { indexed: (db) => matching(db, { appId }), conditions: equalities(others).map(isEqual) }
  return { indexed: (db) => matching(db, filter), conditions: [] }
}

function isEqual([column, value]: readonly [column: string, value: string]): RawBuilder<SqlBool> {
  return sql<SqlBool>`${tested(column)} = ${value}`
}

/** One statement, because a delivery that changes its state between two would be in both lists or in none. */
async function selectOfType(
  db: Reader,
  filter: DeliveryFilter,
  { limit, after }: Page,
): Promise<readonly Row<DeliveryRecord>[]> {
  const lists = states.map((state) => {
    const list = newestFirst(matching(db, { ...filter, state }).selectAll(), { limit, after })
    return sql`select * from (${list}) as ${sql.ref(state)}`
  })
  const { rows } = await sql<Row<DeliveryRecord>>`
    select * from (${sql.join(lists, sql` union all `)}) as listed order by id desc limit ${limit}`.execute(
    db,
  )
  return rows
}

/** Leased deliveries are pending too. */
async function countPending(db: Reader, appId: string, limit: number): Promise<number> {
  const pending = db
    .selectFrom('heartwood_delivery')
    .select(sql`1`.as('one'))
    .where('app_id', '=', appId)
    .where('due_at', 'is not', null)
    .limit(limit)
  const { rows } = await sql<{ count: number | string }>`
    select count(*) as count from (${pending}) as pending`.execute(db)
  return Number(rows[0]?.count ?? 0)
}

/** The state is a literal, because the index has the failed deliveries alone and no parameter shows that. */
async function retryFailed(db: Writer, { appId, since, now, limit, after }: RetryPage): Promise<RetriedPage> {
  const begin = after === undefined ? sql`` : sql`and (created_at, id) > (${after.createdAt}, ${after.id})`
  const { rows } = await sql<{ id: string; created_at: number | string }>`
    with page as materialized (
      select id from heartwood_delivery
      where app_id = ${appId} and state = 'failed' and created_at >= ${since} ${begin}
        and ${appId} not in (select id from heartwood_deletion)
      order by created_at, id limit ${limit} ${skipLocked(db)}
    )
    update heartwood_delivery set state = 'pending', attempts = 0, due_at = ${now}, version = version + 1
    where id in (select page.id from page) returning id, created_at`.execute(db)
  const places = rows.map(({ id, created_at }) => ({ id, createdAt: Number(created_at) }))
  return { count: rows.length, last: rows.length < limit ? null : places.toSorted(byPlace).at(-1)! }
}

function byPlace(a: FailedPosition, b: FailedPosition): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)
}

/** `isDue` in SQL: a delivery is due if one of these is true. An index serves each, but SQLite uses none for both together. */
function dueAt(now: NumericDate): readonly RawBuilder<SqlBool>[] {
  return [sql<SqlBool>`due_at <= ${now}`, sql<SqlBool>`due_at > ${now + furthestDue}`]
}

function selectAppsWithDue(db: Reader, now: NumericDate) {
  return db
    .selectFrom('heartwood_app')
    .select('id')
    .where(isPresent('id'))
    .where(({ exists, or, selectFrom }) =>
      or(
        dueAt(now).map((isDue) =>
          exists(
            selectFrom('heartwood_delivery')
              .select(sql`1`.as('one'))
              .whereRef('heartwood_delivery.app_id', '=', 'heartwood_app.id')
              .where('priority', 'in', priorities)
              .where(isDue),
          ),
        ),
      ),
    )
}

/** The ids of the deliveries to lease, in their order. */
function selectDue(db: Writer, { appId, now, limit }: LeaseRequest): RawBuilder<unknown> {
  const conditions = dueAt(now)
  const present = sql`${appId} not in (select id from heartwood_deletion)`
  // PostgreSQL locks no rows of a union, and reads this in the order of the index.
  if (isPostgres(db))
    return sql`select id from heartwood_delivery where app_id = ${appId} and ${present}
      and priority in (${sql.join(priorities)}) and (${sql.join(conditions, sql` or `)})
      order by priority, due_at, id limit ${limit} ${skipLocked(db)}`
  const parts = priorities.flatMap((priority) =>
    conditions.map(
      (isDue) => sql`select * from (
        select id, priority, due_at from heartwood_delivery
        where app_id = ${appId} and priority = ${priority} and ${isDue} order by due_at, id limit ${limit})`,
    ),
  )
  return sql`select id from (${sql.join(parts, sql` union all `)}) where ${present}
    order by priority, due_at, id limit ${limit}`
}

async function leaseDue(db: Writer, request: LeaseRequest): Promise<readonly Row<DeliveryRecord>[]> {
  // As a sub-select, the query could run more than once and lock other rows each time.
  const { rows } = await sql<Row<DeliveryRecord>>`
    with due as materialized (${selectDue(db, request)})
    update heartwood_delivery set due_at = ${request.until}, version = version + 1
    where id in (select due.id from due) returning *`.execute(db)
  return rows
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
