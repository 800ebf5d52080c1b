/** Segments of unreserved characters, which have one spelling (RFC 3986 section 2.3). */
const plainPath = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*\/?$/

/**
 * Reads the option. Drops the slash and the `/api/v1` at its end, because the API adds its own path.
 *
 * @throws {TypeError} for a path that no request can begin with.
 */
export function readBasePath(given = ''): string {
  if (typeof given !== 'string' || !plainPath.test(given))
    throw new TypeError(
      'basePath must be a path of letters, digits, "-", ".", "_" and "~" that begins with a slash, such as /licensing',
    )
  return given.replace(/\/$/, '').replace(/\/api\/v1$/, '')
}
