import { HttpError } from './errors.ts'

/** Some frameworks, and some hosts' settings, take `/apps/` for `/apps`: it is another path, everywhere. */
export function checkPath({ url }: Request): void {
  const [path = ''] = url.split('?', 1)
  if (path.endsWith('/')) throw new HttpError('not_found', 'Not found')
}
