import { sha256Hex } from '../../core/ids.ts'
import { empty, type Reply } from './reply.ts'

/** Seconds for which a client may reuse the response without asking again. */
const maxAge = 300

async function entityTag(body: string): Promise<string> {
  return `"${(await sha256Hex(body)).slice(0, 32)}"`
}

/** Text with an ETag. A client that sends the same tag in `If-None-Match` gets 304 (RFC 9110 section 13.1.2). */
export async function cacheable(request: Request, body: string, contentType: string): Promise<Reply> {
  const etag = await entityTag(body)
  const headers = { etag, 'cache-control': `public, max-age=${maxAge}` }
  const known = (request.headers.get('if-none-match') ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known.includes(etag) || known.includes('*')) return empty(304, headers)
  return { status: 200, headers: { ...headers, 'content-type': contentType }, body }
}
