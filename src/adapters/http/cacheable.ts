import { empty, type Reply } from './reply.ts'

/** How long a client may go on with an answer before it asks again, in seconds. */
const maxAge = 300

async function entityTag(body: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body))
  const start = Array.from(new Uint8Array(digest).subarray(0, 16))
  return `"${start.map((byte) => byte.toString(16).padStart(2, '0')).join('')}"`
}

/** Text with an ETag, so that a client that has it gets 304 (RFC 9110 section 13.1.2). */
export async function cacheable(request: Request, body: string, contentType: string): Promise<Reply> {
  const etag = await entityTag(body)
  const headers = { etag, 'cache-control': `public, max-age=${maxAge}` }
  const known = (request.headers.get('if-none-match') ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known.includes(etag) || known.includes('*')) return empty(304, headers)
  return { status: 200, headers: { ...headers, 'content-type': contentType }, body }
}
