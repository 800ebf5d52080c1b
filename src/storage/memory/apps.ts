import type { AppFilter, AppRecord, AppStorage } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { countOf, takePage } from './table.ts'
import type { LookUps, Tables } from './tables.ts'
import { updateRecord } from './update.ts'

export function appStorage({ read, write }: Runner): AppStorage {
  return {
    findApp: (slugOrId) => read((tables) => findApp(tables, slugOrId)),
    insertApp: (app) => write(({ apps }) => apps.insert(app)),
    updateApp: (id, patch, note) => write((tables) => updateRecord(tables, tables.apps, { id, patch, note })),
    deleteApp: (id) =>
      write((tables) => {
        deleteContents(tables, id)
        return tables.apps.delete(id)
      }),
    listApps: (filter, page) =>
      read(({ apps }) => takePage(apps.descending('', page.after), page, appPasses(filter))),
    countApps: (filter) => read(({ apps }) => countOf(apps.ascending(), appPasses(filter))),
  }
}

export function findApp({ apps }: LookUps, slugOrId: string): AppRecord | null {
  return apps.get(slugOrId) ?? apps.getBy(0, slugOrId)
}

/** True for the apps that pass the filter. */
export function appPasses({ mode, id, slugs }: AppFilter): (app: AppRecord) => boolean {
  return (app) =>
    (mode === undefined || app.mode === mode) &&
    (id === undefined || app.id === id) &&
    (slugs === undefined || slugs.includes(app.slug))
}

function deleteContents(tables: Tables, appId: string): void {
  for (const license of tables.licenses.ascending(appId)) tables.notices.deleteWhere(license.id)
  for (const delivery of tables.deliveries.ascending(appId)) tables.queue.delete(delivery.id)
  tables.deliveries.deleteWhere(appId)
  tables.webhooks.delete(appId)
  tables.licenses.deleteWhere(appId)
  tables.licenseKeys.deleteWhere(appId)
  tables.customers.deleteWhere(appId)
  for (const tier of tables.tiers.ascending(appId)) tables.tierFeatures.delete(tier.id)
  tables.tiers.deleteWhere(appId)
  tables.features.deleteWhere(appId)
  tables.tallies.deleteWhere(appId)
  tables.snapshots.delete(appId)
  tables.keyRings.delete(appId)
  tables.chains.delete(appId)
  tables.apiKeys.deleteWhere('', (key) => key.appId === appId)
}
