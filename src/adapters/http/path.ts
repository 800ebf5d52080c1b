import { HttpError } from './errors.ts'

/** The path and the query of a request, as they were sent: by no way that a malformed Host could end. */
export function pathAndQuery({ url }: Request): readonly [path: string, query: string] {
  const begin = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?')
  return end === -1 ? [url.slice(begin), ''] : [url.slice(begin, end), url.slice(end)]
}

/** Some frameworks, and some hosts' settings, take `/apps/` for `/apps`: it is another path, everywhere. */
export function checkPath({ url }: Request): void {
  const end = url.indexOf('?')
  if (url.at(end === -1 ? -1 : end - 1) === '/') throw new HttpError('not_found', 'Not found')
}
