import type { AppFilter, AppRecord, SigningKeyRecord } from '../../core/storage/index.ts'
import { patched } from './frozen.ts'
import { countOf, takePage } from './table.ts'
import { requireParent, type SyncSession, type Tables } from './tables.ts'

type AppVerbs = Pick<
  SyncSession,
  'findApp' | 'insertApp' | 'updateApp' | 'deleteApp' | 'listApps' | 'countApps'
>

export function appVerbs(tables: Tables): AppVerbs {
  const { apps } = tables
  return {
    findApp: (slugOrId) => findApp(tables, slugOrId),
    insertApp: (app) => apps.insert(app),
    updateApp: (id, patch) => {
      const app = apps.get(id)
      return app && apps.replace(patched(app, patch))
    },
    deleteApp: (id) => {
      deleteContents(tables, id)
      return apps.delete(id)
    },
    listApps: (filter, page) => takePage(apps.descending('', page.after), page, appPasses(filter)),
    countApps: (filter) => countOf(apps.ascending(), appPasses(filter)),
  }
}

export function findApp({ apps }: Tables, slugOrId: string): AppRecord | null {
  return apps.get(slugOrId) ?? apps.getBy(0, slugOrId)
}

function appPasses(filter: AppFilter): (app: AppRecord) => boolean {
  return (app) =>
    (filter.mode === undefined || app.mode === filter.mode) &&
    (filter.id === undefined || app.id === filter.id)
}

function deleteContents(tables: Tables, appId: string): void {
  for (const license of tables.licenses.ascending(appId)) tables.notices.deleteWhere(license.id)
  for (const delivery of tables.deliveries.ascending(appId)) tables.queue.delete(delivery.id)
  tables.deliveries.deleteWhere(appId)
  tables.webhooks.delete(appId)
  tables.licenses.deleteWhere(appId)
  tables.customers.deleteWhere(appId)
  for (const tier of tables.tiers.ascending(appId)) tables.tierFeatures.delete(tier.id)
  tables.tiers.deleteWhere(appId)
  tables.features.deleteWhere(appId)
  tables.keyRings.delete(appId)
  tables.apiKeys.deleteWhere('', (key) => key.appId === appId)
}

type KeyVerbs = Pick<SyncSession, 'findActiveKey' | 'listSigningKeys' | 'swapActiveKey'>

const isActive = (key: SigningKeyRecord): boolean => key.acceptedUntil === null

export function signingKeyVerbs({ apps, keyRings }: Tables): KeyVerbs {
  const keysOf = (appId: string): readonly SigningKeyRecord[] => keyRings.get(appId)?.keys ?? []
  const findActiveKey = (appId: string): SigningKeyRecord | null => keysOf(appId).find(isActive) ?? null
  return {
    findActiveKey,
    listSigningKeys: (appId) => keysOf(appId).toSorted(activeThenNewest),
    swapActiveKey: (appId, expectedKid, next, acceptOldUntil) => {
      const old = findActiveKey(appId)
      const known = keysOf(appId).some((key) => key.kid === next.kid)
      if (known || (old?.kid ?? null) !== expectedKid) return false
      requireParent(apps.get(appId))
      const kept = acceptOldUntil === null ? [] : retire(keysOf(appId), acceptOldUntil)
      return (
        keyRings.replace({ id: appId, keys: [{ ...next, appId, acceptedUntil: null }, ...kept] }) !== null
      )
    },
  }
}

function retire(keys: readonly SigningKeyRecord[], acceptedUntil: number): SigningKeyRecord[] {
  return keys.map((key) => (isActive(key) ? { ...key, privateKey: null, acceptedUntil } : key))
}

function activeThenNewest(a: SigningKeyRecord, b: SigningKeyRecord): number {
  if (isActive(a) !== isActive(b)) return isActive(a) ? -1 : 1
  return b.createdAt - a.createdAt || (a.kid < b.kid ? 1 : -1)
}
