import { isDue } from '../../core/storage/due.ts'
import type { DeliveryRecord, LicenseRecord } from '../../core/storage/index.ts'
import { patched } from './frozen.ts'
import { countOf, keyOf, takePage } from './table.ts'
import { queueOf, requireParent, type Queued, type SyncSession, type Tables } from './tables.ts'
import { ofApp } from './tiers.ts'

type WebhookVerbs = Pick<SyncSession, 'findWebhook' | 'insertWebhook' | 'updateWebhook'>

const bare = <R extends { readonly id: string }>(stored: R): Omit<R, 'id'> => {
  const { id: _id, ...record } = stored
  return record
}

export function webhookVerbs({ apps, webhooks }: Tables): WebhookVerbs {
  const findWebhook: WebhookVerbs['findWebhook'] = (appId) => {
    const stored = webhooks.get(appId)
    return stored && bare(stored)
  }
  return {
    findWebhook,
    insertWebhook: (webhook) => {
      requireParent(apps.get(webhook.appId))
      webhooks.insert({ ...webhook, id: webhook.appId })
      return findWebhook(webhook.appId)!
    },
    updateWebhook: (appId, expectedVersion, patch) => {
      const webhook = webhooks.get(appId)
      if (webhook?.version !== expectedVersion) return null
      webhooks.replace({ ...patched(webhook, patch), version: expectedVersion + 1 })
      return findWebhook(appId)
    },
  }
}

type DeliveryVerbs = Pick<
  SyncSession,
  | 'insertDelivery'
  | 'findDelivery'
  | 'updateDelivery'
  | 'listDeliveries'
  | 'countDeliveries'
  | 'listAppsWithDueDeliveries'
  | 'leaseDeliveries'
  | 'pruneDeliveries'
>

const priorities = [0, 1]

export function deliveryVerbs(tables: Tables): DeliveryVerbs {
  const { apps, deliveries, queue } = tables
  const hasDue = (appId: string, now: number): boolean => !due(tables, appId, now).next().done
  const put = (delivery: DeliveryRecord): DeliveryRecord => {
    const { id, appId, priority, dueAt } = delivery
    if (dueAt === null) queue.delete(id)
    else queue.replace({ id, queue: queueOf(appId, priority), position: dueAt })
    return deliveries.replace(delivery)!
  }
  return {
    insertDelivery: (delivery) => {
      requireParent(apps.get(delivery.appId))
      put(delivery)
    },
    findDelivery: (appId, id) => ofApp(appId, deliveries.get(id)),
    updateDelivery: (id, expectedVersion, patch) => {
      const delivery = deliveries.get(id)
      if (delivery?.version !== expectedVersion) return null
      return put({ ...patched(delivery, patch), version: expectedVersion + 1 })
    },
    listDeliveries: ({ appId, state }, page) =>
      takePage(deliveries.descending(appId, page.after), page, inState(state)),
    countDeliveries: ({ appId, state }) => countOf(deliveries.ascending(appId), inState(state)),
    listAppsWithDueDeliveries: (now) =>
      [...apps.ascending()].map(({ id }) => id).filter((id) => hasDue(id, now)),
    leaseDeliveries: ({ appId, now, until, limit }) =>
      takePage(due(tables, appId, now), { limit })
        .map(({ id }) => deliveries.get(id)!)
        .map((delivery) => put({ ...delivery, dueAt: until, version: delivery.version + 1 })),
    pruneDeliveries: (before, limit) => {
      const isOld = ({ dueAt, createdAt }: DeliveryRecord): boolean => dueAt === null && createdAt < before
      const all = [...apps.ascending()].flatMap(({ id }) => [...deliveries.ascending(id)])
      return all
        .filter(isOld)
        .slice(0, limit)
        .filter(({ id }) => deliveries.delete(id)).length
    },
  }
}

function inState(state: DeliveryRecord['state'] | undefined): (delivery: DeliveryRecord) => boolean {
  return (delivery) => state === undefined || delivery.state === state
}

/** What of an app is due, the first to send first. */
function* due({ queue }: Tables, appId: string, now: number): Generator<Queued> {
  for (const priority of priorities)
    for (const queued of queue.ascending(queueOf(appId, priority)))
      if (isDue(queued.position, now)) yield queued
}

type NoticeVerbs = Pick<
  SyncSession,
  'listEndingLicenses' | 'insertExpiryNotice' | 'listExpiryNotices' | 'recordClockReading'
>

export function noticeVerbs({ licenses, notices, clocks }: Tables): NoticeVerbs {
  return {
    listEndingLicenses: ({ appId, after, until, withoutNotice: untold, limit }) => {
      const isWanted = ({ id, revokedAt, expiresAt }: LicenseRecord): boolean =>
        revokedAt === null &&
        expiresAt !== null &&
        expiresAt > after &&
        expiresAt <= until &&
        notices.get(keyOf(id, untold, `${expiresAt}`)) === null
      const found = [...licenses.ascending(appId)].filter(isWanted)
      return found.toSorted((a, b) => a.expiresAt! - b.expiresAt!).slice(0, limit)
    },
    insertExpiryNotice: (notice) => {
      const { licenseId, type, expiresAt } = notice
      requireParent(licenses.get(licenseId))
      return notices.insert({ ...notice, id: keyOf(licenseId, type, `${expiresAt}`) })
    },
    listExpiryNotices: (licenseIds) =>
      licenseIds
        .flatMap((licenseId) => [...notices.ascending(licenseId)])
        .map(({ licenseId, type, expiresAt }) => ({ licenseId, type, expiresAt })),
    recordClockReading: (now, tolerance) => {
      const last = clocks.get('clock')
      const isSteady = last !== null && Math.abs(now - last.seenAt) <= tolerance
      const steadySince = isSteady ? last.steadySince : now
      clocks.replace({ id: 'clock', seenAt: now, steadySince })
      return steadySince
    },
  }
}
