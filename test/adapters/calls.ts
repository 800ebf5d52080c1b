import type { Licensing } from '../../src/core/index.ts'
import type { Counter, Shown } from './credentials.ts'
import type { Answer } from './documented.ts'
import { judgements, type Given } from './judgements.ts'

/** What a route is called with: the app of the path is `desktop-app` unless told otherwise. */
export async function givenFor(counter: Counter, row: string): Promise<Given> {
  const [, , give] = judgements[row]!
  return (await give?.(counter)) ?? {}
}

export function pathOf(path: string, { params = {}, query }: Given): string {
  const all: Readonly<Record<string, string>> = { slug: 'desktop-app', ...params }
  const filled = path.replace(/:(\w+)/g, (_, name: string) => all[name] ?? '')
  return query === undefined ? filled : `${filled}?${query}`
}

/** Calls a route, named by method and path, with a credential; a token goes into the body where there may be one. */
export function callRoute({ send }: Counter, row: string, given: Given, shown: Shown): Promise<Answer> {
  const [method = '', path = ''] = row.split(' ')
  const takesToken = shown.token !== undefined && ['POST', 'PUT'].includes(method)
  const isPublic = judgements[row]![0] === 'public'
  const body = takesToken && !isPublic ? { ...given.body, current_token: shown.token } : given.body
  return send(method, pathOf(path, given), {
    ...(shown.headers !== undefined && { headers: shown.headers }),
    ...(body !== undefined && { body }),
  })
}

/** Everything that is stored, but for when keys were last used. */
export async function everything({
  apps,
  tiers,
  features,
  customers,
  licenses,
  apiKeys,
}: Licensing): Promise<string> {
  const inApps = (await apps.list({ perPage: 100 })).data.map(async (app) => [
    ...[app, (await tiers.list(app.id)).data, (await features.list(app.id)).data],
    ...[(await customers.list(app.id)).data, (await licenses.list(app.id)).data],
  ])
  const keys = (await apiKeys.list({ perPage: 100 })).data.map((key) => ({ ...key, lastUsedAt: null }))
  return JSON.stringify([await Promise.all(inApps), keys])
}
