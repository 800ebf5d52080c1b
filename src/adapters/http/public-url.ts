/**
 * Reads the option. Drops the slashes and the `/api/v1` at its end, because links add their own path.
 *
 * @throws {TypeError} for an address that no link can begin with.
 */
export function readPublicUrl(given: string): string {
  const isAddress = typeof given === 'string' && /^https?:\/\//i.test(given) && URL.canParse(given)
  const url = new URL(isAddress ? given : 'about:blank')
  if (!isAddress || /[?#]/.test(given) || url.username !== '' || url.password !== '')
    throw new TypeError(
      'publicUrl must be an http or https address without user, query or fragment, such as https://licenses.example.com',
    )
  return url.href.replace(/\/+$/, '').replace(/\/+api\/v1$/, '')
}
