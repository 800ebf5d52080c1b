import type { Route } from './route.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { appRoutes } from './routes/apps.ts'
import { customerRoutes } from './routes/customers.ts'
import { featureRoutes } from './routes/features.ts'
import { licenseRoutes } from './routes/licenses.ts'
import { regenerationRoutes } from './routes/regeneration.ts'
import { tierRoutes } from './routes/tiers.ts'
import { verificationRoutes } from './routes/verification.ts'

/** Where the table's paths begin. */
export const basePath = '/api/v1'

/** Every route of the HTTP API: what an adapter mounts and what the OpenAPI document is made from. */
export const routes: readonly Route[] = [
  ...appRoutes,
  ...tierRoutes,
  ...featureRoutes,
  ...customerRoutes,
  ...licenseRoutes,
  ...regenerationRoutes,
  ...verificationRoutes,
  ...apiKeyRoutes,
]

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length && wanted.every((part, at) => part.startsWith(':') || part === given[at])
  )
}

/** The methods that a path has, for `Allow`; none when there is no such path. */
export function methodsOf(path: string): readonly string[] {
  const found = routes.filter((route) => matches(route.path, path)).map(({ method }) => method as string)
  return [...new Set(found.includes('GET') ? [...found, 'HEAD'] : found)].sort()
}
