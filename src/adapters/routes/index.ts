import type { Route } from '../http/route.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { appRoutes } from './apps.ts'
import { customerRoutes } from './customers.ts'
import { featureRoutes } from './features.ts'
import { licenseKeyRoutes } from './license-keys.ts'
import { licenseRoutes } from './licenses.ts'
import { regenerationRoutes } from './regeneration.ts'
import { seatRoutes } from './seats.ts'
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
  ...webhookRoutes,
  ...apiKeyRoutes,
]

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  const fits = (part: string, at: number): boolean =>
    part.startsWith(':') ? given[at] !== '' : part === given[at]
  return wanted.length === given.length && wanted.every(fits)
}

function parameterCount({ path }: Route): number {
  return path.split(':').length
}

/** The rows that match a path, by any method. `/licenses/verify` takes precedence over `/licenses/:id`. */
export function routesAt(path: string): readonly Route[] {
  const found = routes.filter((route) => matches(route.path, path))
  const fewest = Math.min(...found.map(parameterCount))
  return found.filter((route) => parameterCount(route) === fewest)
}

/** The methods of rows that share a path, for `Allow`. */
export function methodsOf(rows: readonly Route[]): readonly string[] {
  const methods = rows.map(({ method }) => method as string)
  const implied = methods.includes('GET') ? ['HEAD', 'OPTIONS'] : ['OPTIONS']
  return [...new Set([...methods, ...implied])].sort()
}
