import { noSuchRoute } from './errors.ts'

/** The path and the query exactly as they were sent. `new URL()` is not used, because a malformed Host makes it throw. */
export function pathAndQuery({ url }: Request): readonly [path: string, query: string] {
  const begin = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?')
  return end === -1 ? [url.slice(begin), ''] : [url.slice(begin, end), url.slice(end)]
}

/**
 * Rejects a path with a slash at its end. Some frameworks, and some settings of a host, take `/apps/` for `/apps`.
 *
 * @throws {HttpError} `no_such_route`.
 */
export function checkPath({ url }: Request): void {
  const end = url.indexOf('?')
  if (url.at(end === -1 ? -1 : end - 1) === '/') throw noSuchRoute()
}
