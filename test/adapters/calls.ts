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
