import type { Licensing } from '../../src/core/index.ts'
import type { Credential } from './credentials.ts'
import type { Fixture } from './fixture.ts'
import type { TestResponse } from './openapi-checker.ts'
import { expectations, type RouteInput } from './route-expectations.ts'

/** The input of a valid call. */
export async function inputFor(fixture: Fixture, row: string): Promise<RouteInput> {
  const [, , makeInput] = expectations[row]!
  return (await makeInput?.(fixture)) ?? {}
}

/** The path with its parameters and query. The app is `desktop-app` unless `params` names another. */
export function pathOf(path: string, { params = {}, query }: RouteInput): string {
  const all: Readonly<Record<string, string>> = { slug: 'desktop-app', ...params }
  const filled = path.replace(/:(\w+)/g, (_, name: string) => all[name] ?? '')
  return query === undefined ? filled : `${filled}?${query}`
}

/** Calls a route, named by method and path, with a credential. A token goes into the body if the route takes one. */
export function callRoute(
  { send }: Fixture,
  row: string,
  input: RouteInput,
  credential: Credential,
): Promise<TestResponse> {
  const [method = '', path = ''] = row.split(' ')
  const takesToken = credential.token !== undefined && ['POST', 'PUT'].includes(method)
  // A read takes no further field, and core refuses one.
  const ignoresToken = ['public', 'holder', 'readOfAll'].includes(expectations[row]![0])
  const body = takesToken && !ignoresToken ? { ...input.body, current_token: credential.token } : input.body
  return send(method, pathOf(path, input), {
    ...(credential.headers !== undefined && { headers: credential.headers }),
    ...(body !== undefined && { body }),
  })
}

/** Everything that is stored, except the times of last use of keys. */
export async function storedState({
  apps,
  tiers,
  features,
  customers,
  licenses,
  licenseKeys,
  apiKeys,
}: Licensing): Promise<string> {
  const inApps = (await apps.list({ perPage: 100 })).data.map(async (app) => [
    app,
    (await tiers.list(app.id)).data,
    (await features.list(app.id)).data,
    (await customers.list(app.id)).data,
    (await licenses.list(app.id, { perPage: 100 })).data,
    (await licenseKeys.list(app.id, { perPage: 100 })).data,
  ])
  const keys = (await apiKeys.list({ perPage: 100 })).data.map((key) => ({ ...key, lastUsedAt: null }))
  return JSON.stringify([await Promise.all(inApps), keys])
}
