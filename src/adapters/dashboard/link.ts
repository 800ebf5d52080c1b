/** From `/api/v1/api-keys/:id/invite` to the address of the API. */
const toRoot = '../../../../'

/**
 * Makes the URL of a page below the address of the API. Without a public address it is relative to the URL of the request, and so
 * is right under every prefix: `Host` is a word of whoever asks.
 */
export function linkMaker(publicUrl: string | null): (path: string) => string {
  const base = publicUrl === null ? toRoot : `${publicUrl}/`
  return (path) => base + path
}
