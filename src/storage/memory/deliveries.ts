import { isDue } from '../../core/storage/deliveries.ts'
import type { DeliveryRecord, DeliveryStorage, LeaseRequest, NumericDate } from '../../core/storage/index.ts'
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
    listDeliveries: ({ appId, state }, page) =>
      read(({ deliveries }) => takePage(deliveries.descending(appId, page.after), page, isIn(state))),
    countDeliveries: ({ appId, state }) =>
      read(({ deliveries }) => countOf(deliveries.ascending(appId), isIn(state))),
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

function isIn(state: DeliveryRecord['state'] | undefined): (delivery: DeliveryRecord) => boolean {
  return (delivery) => state === undefined || delivery.state === state
}

/** The deliveries of an app that are due, the first to send first. */
function* due({ queue }: LookUps, appId: string, now: NumericDate): Generator<Queued> {
  for (const priority of priorities)
    for (const queued of queue.ascending(queueOf(appId, priority)))
      if (isDue(queued.position, now)) yield queued
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

function pruneDeliveries({ apps, deliveries }: Tables, before: NumericDate, limit: number): number {
  const isOld = ({ dueAt, createdAt }: DeliveryRecord): boolean => dueAt === null && createdAt < before
  const all = [...apps.ascending()].flatMap(({ id }) => [...deliveries.ascending(id)])
  const old = all.filter(isOld).slice(0, limit)
  for (const { id } of old) deliveries.delete(id)
  return old.length
}
