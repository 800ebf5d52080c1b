import { HttpError } from './errors.ts'

/** Some frameworks, and some hosts' settings, take `/apps/` for `/apps`: it is another path, everywhere. */
export function checkPath({ url }: Request): void {
  const end = url.indexOf('?')
  if (url.at(end === -1 ? -1 : end - 1) === '/') throw new HttpError('not_found', 'Not found')
}
