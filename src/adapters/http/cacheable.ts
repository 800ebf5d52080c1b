import { sha256Hex } from '../../core/ids.ts'
import { empty, type Reply } from './reply.ts'

/** Seconds for which a client may reuse the response without asking again. */
const maxAge = 300

/** A response that is made only if the client lacks it. */
interface Content {
  readonly headers: Reply['headers']
  readonly body: () => Promise<NonNullable<Reply['body']>>
}

async function entityTag(body: string): Promise<string> {
  return `"${(await sha256Hex(body)).slice(0, 32)}"`
}

/**
 * Content under an entity tag. A client that sends the same tag in `If-None-Match` gets 304 (RFC 9110 section 13.1.2), with
 * the `Vary` that the content would have (section 15.4.5).
 */
export async function unlessKnown(
  request: Request,
  etag: string,
  { headers, body }: Content,
): Promise<Reply> {
  const caching = {
    etag,
    'cache-control': `public, max-age=${maxAge}`,
    ...(headers['vary'] !== undefined && { vary: headers['vary'] }),
  }
  const known = (request.headers.get('if-none-match') ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known.includes(etag) || known.includes('*')) return empty(304, caching)
  return { status: 200, headers: { ...headers, ...caching }, body: await body() }
}

/** Text with an entity tag that is a hash of it. */
export async function cacheable(request: Request, body: string, contentType: string): Promise<Reply> {
  const content: Content = { headers: { 'content-type': contentType }, body: async () => body }
  return unlessKnown(request, await entityTag(body), content)
}
