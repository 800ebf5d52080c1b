import type { Route } from '../http/route.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { appRoutes } from './apps.ts'
import { auditRoutes } from './audit.ts'
import { customerRoutes } from './customers.ts'
import { diagnosisRoutes } from './diagnosis.ts'
import { featureRoutes } from './features.ts'
import { licenseKeyRoutes } from './license-keys.ts'
import { licenseRoutes } from './licenses.ts'
import { regenerationRoutes } from './regeneration.ts'
import { RouteTree, type Found } from './route-tree.ts'
import { searchRoutes } from './search.ts'
import { seatRoutes } from './seats.ts'
import { statisticsRoutes } from './statistics.ts'
import { tierRoutes } from './tiers.ts'
import { verificationRoutes } from './verification.ts'
import { webhookRoutes } from './webhooks.ts'

/** The base of all paths in the route table. */
export const basePath = '/api/v1'

/** The route table: adapters mount it, and the OpenAPI document is made from it. */
export const routes: readonly Route[] = [
  ...appRoutes,
  ...tierRoutes,
  ...featureRoutes,
  ...customerRoutes,
  ...licenseRoutes,
  ...regenerationRoutes,
  ...licenseKeyRoutes,
  ...seatRoutes,
  ...verificationRoutes,
  ...diagnosisRoutes,
  ...webhookRoutes,
  ...apiKeyRoutes,
  ...auditRoutes,
  ...searchRoutes,
  ...statisticsRoutes,
]

const rowsByMethod = new Map<string, RouteTree<Route>>()
const rowsByPath = new RouteTree<Route[]>()

for (const row of routes) {
  const rows = rowsByMethod.get(row.method) ?? new RouteTree<Route>()
  rows.add(row.path, row)
  rowsByMethod.set(row.method, rows)
}
for (const { path } of routes)
  rowsByPath.add(
    path,
    routes.filter((row) => row.path === path),
  )

/** The row that replies to a method at a path, with the parameters of the path. HEAD has the row of GET. */
export function findRoute(method: string, path: string): Found<Route> | null {
  return rowsByMethod.get(method === 'HEAD' ? 'GET' : method)?.find(path) ?? null
}

/** The rows that match a path, by any method. `/licenses/verify` takes precedence over `/licenses/:id`. */
export function routesAt(path: string): readonly Route[] {
  return rowsByPath.find(path)?.value ?? []
}

/** The methods of rows that share a path, for `Allow`. */
export function methodsOf(rows: readonly Route[]): readonly string[] {
  const methods = rows.map(({ method }) => method as string)
  const implied = methods.includes('GET') ? ['HEAD', 'OPTIONS'] : ['OPTIONS']
  return [...new Set([...methods, ...implied])].sort()
}
