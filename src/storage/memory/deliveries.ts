import { isDue } from '../../core/storage/deliveries.ts'
import type {
  DeliveryFilter,
  DeliveryRecord,
  DeliveryStorage,
  FailedPosition,
  LeaseRequest,
  NumericDate,
  RetriedPage,
  RetryPage,
} from '../../core/storage/index.ts'
import { takenError } from '../errors.ts'
import { patched } from './frozen.ts'
import type { Runner } from './runner.ts'
import { countOf, takePage } from './table.ts'
import { inApp, type LookUps, type Queued, queueOf, requireParent, type Tables } from './tables.ts'

const priorities = [0, 1]

export function deliveryStorage({ read, write }: Runner): DeliveryStorage {
  return {
    insertDelivery: (delivery) => write((tables) => insertDelivery(tables, delivery)),
    findDelivery: (appId, id) => read(({ deliveries }) => inApp(appId, deliveries.get(id))),
    updateDelivery: (id, expectedVersion, patch) =>
      write((tables) => {
        const delivery = tables.deliveries.get(id)
        if (delivery?.version !== expectedVersion) return null
        return put(tables, { ...patched(delivery, patch), version: expectedVersion + 1 })
      }),
    listDeliveries: (filter, page) =>
      read(({ deliveries }) =>
        takePage(deliveries.descending(filter.appId, page.after), page, deliveryPasses(filter)),
      ),
    countDeliveries: (filter) =>
      read(({ deliveries }) => countOf(deliveries.ascending(filter.appId), deliveryPasses(filter))),
    countPendingDeliveries: (appId, limit) =>
      read((tables) => takePage(pending(tables, appId), { limit }).length),
    retryDeliveries: (page) => write((tables) => retryDeliveries(tables, page)),
    listAppsWithDueDeliveries: (now) => read((tables) => appsWithDue(tables, now)),
    leaseDeliveries: (request) => write((tables) => leaseDeliveries(tables, request)),
    pruneDeliveries: (before, limit) => write((tables) => pruneDeliveries(tables, before, limit)),
  }
}

function insertDelivery(tables: Tables, delivery: DeliveryRecord): void {
  requireParent(tables.apps.get(delivery.appId))
  if (tables.deliveries.get(delivery.id) !== null) throw takenError()
  put(tables, delivery)
}

/** Writes a delivery, and its place in the queue of its app while it is pending. */
function put({ deliveries, queue }: Tables, delivery: DeliveryRecord): DeliveryRecord {
  const { id, appId, priority, dueAt } = delivery
  if (dueAt === null) queue.delete(id)
  else queue.replace({ id, queue: queueOf(appId, priority), position: dueAt })
  return deliveries.replace(delivery)!
}

function deliveryPasses({ state, type, licenseId }: DeliveryFilter): (delivery: DeliveryRecord) => boolean {
  return (delivery) =>
    (state === undefined || delivery.state === state) &&
    (type === undefined || delivery.type === type) &&
    (licenseId === undefined || delivery.licenseId === licenseId)
}

/** The pending deliveries of an app, the first to send first. */
function* pending({ queue }: LookUps, appId: string): Generator<Queued> {
  for (const priority of priorities) yield* queue.ascending(queueOf(appId, priority))
}

/** The deliveries of an app that are due, the first to send first. */
function* due(tables: LookUps, appId: string, now: NumericDate): Generator<Queued> {
  for (const queued of pending(tables, appId)) if (isDue(queued.position, now)) yield queued
}

function appsWithDue(tables: LookUps, now: NumericDate): string[] {
  const hasDue = (appId: string): boolean => due(tables, appId, now).next().done !== true
  return [...tables.apps.ascending()].map(({ id }) => id).filter(hasDue)
}

function leaseDeliveries(tables: Tables, { appId, now, until, limit }: LeaseRequest): DeliveryRecord[] {
  return takePage(due(tables, appId, now), { limit })
    .map(({ id }) => tables.deliveries.get(id)!)
    .map((delivery) => put(tables, { ...delivery, dueAt: until, version: delivery.version + 1 }))
}

function byPlace(a: FailedPosition, b: FailedPosition): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)
}

function retryDeliveries(tables: Tables, { appId, since, now, limit, after }: RetryPage): RetriedPage {
  const failed = [...tables.deliveries.ascending(appId)].filter(
    (delivery) =>
      delivery.state === 'failed' &&
      delivery.createdAt >= since &&
      (after === undefined || byPlace(delivery, after) > 0),
  )
  const page = failed.toSorted(byPlace).slice(0, limit)
  for (const delivery of page)
    put(tables, { ...delivery, state: 'pending', attempts: 0, dueAt: now, version: delivery.version + 1 })
  const last = page.length < limit ? undefined : page.at(-1)
  return { count: page.length, last: last === undefined ? null : { id: last.id, createdAt: last.createdAt } }
}

function pruneDeliveries({ apps, deliveries }: Tables, before: NumericDate, limit: number): number {
  const isOld = ({ dueAt, createdAt }: DeliveryRecord): boolean => dueAt === null && createdAt < before
  const all = [...apps.ascending()].flatMap(({ id }) => [...deliveries.ascending(id)])
  const old = all.filter(isOld).slice(0, limit)
  for (const { id } of old) deliveries.delete(id)
  return old.length
}
